/* How the sparse convolutions see their input: scalpel_rt/plan/forms/_window.py decides, docs/kernels.md explains.
 *
 * For some output rows at a time, the input is copied into scratch memory, padding included, so that the input which weight
 * k = (channel, ky, kx) meets at output pixel (oy, ox) lies at offset(k) + oy*pitch + ox: one addition for each weight, and neighbouring
 * pixels are neighbours in memory whatever the stride. The copy is [channel][start][phase][plane_rows][pitch]: `start` is a column of the
 * input where a copied row begins (every sw-th element from there), `phase` a row of the padded input modulo sh.
 * Without padding and strides the input is its own window, and nothing is copied.
 *
 * Vectors of pixels go on over the ends of rows where pitch == ow; else each row starts with a new one.
 */
#ifndef SCL_WINDOW_H
#define SCL_WINDOW_H

#include "scl_kernels.h"

typedef struct {
    int32_t direct;                 /* 1: the input itself */
    int32_t reach;                  /* the largest offset of a weight */
    int32_t pitch;                  /* elements from one row of pixels to the next */
    int32_t rows;                   /* output rows whose input is copied together */
    int32_t plane_rows;             /* rows of a copied plane */
    int32_t starts, phases;         /* how many; both lists follow this struct */
    int32_t lists[];
} scl_window;

#endif
