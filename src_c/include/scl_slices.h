/* Slices of eight rows, as scalpel_rt/sparse/slices.py packs them for fully connected layers; docs/formats.md has a picture.
 *
 * A row is an output, or a block of `width` outputs (fc_group_out). Step s of a slice holds one group of each of its rows:
 * idx[s][8] (uint16) and w[s][8][width]. The slices of a band take turns, a chunk of the columns each.
 *
 * ptr (uint32): bands, slices of a band, chunks, base: idx counts from column base*chunk. The row of each place, [bands][band][8]. The
 * step at which each [bands][chunks][band] starts, and the end. With more than one chunk, the place in its band to which each lane
 * belongs, [bands][chunks][band][8]: in every chunk rows lie otherwise; 8*band is a lane to be thrown away. With one chunk a lane is a
 * place. bias and slope have `width` (fc_group_out) or 1 elements for each place, in that order.
 */
#ifndef SCL_SLICES_H
#define SCL_SLICES_H

#include "scl_kernels.h"

enum { SLICE = 8, BAND_MOST = 16 };
#define NO_ROW 0xffffffffu          /* a place without a row, in the last band */

typedef struct {
    int64_t bands, band, chunks, base;
    const uint32_t *rows, *starts, *places;
} scl_slices;

static inline scl_slices scl_slices_of(const void *ptr)
{
    const uint32_t *head = ptr;
    int64_t slices = (int64_t)head[0] * head[1];
    scl_slices s = {head[0], head[1], head[2], head[3], .rows = head + 4};
    s.starts = s.rows + slices * SLICE;
    s.places = s.starts + slices * s.chunks + 1;
    return s;
}

/* The first band that begins at or behind step `at`. */
static inline int64_t scl_band_at(const scl_slices *s, uint64_t at)
{
    int64_t low = 0, high = s->bands;
    while (low < high) {
        int64_t mid = (low + high) / 2;
        if (s->starts[mid * s->chunks * s->band] < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Bands [begin, end) of part tid of nt: as many steps as can be, not as many bands. */
static inline void scl_part_bands(const scl_slices *s, int tid, int nt, int64_t *begin, int64_t *end)
{
    uint64_t total = (uint64_t)s->starts[s->bands * s->chunks * s->band] + 1;    /* + 1: bands without a step go to the last part */
    *begin = tid ? scl_band_at(s, total * (unsigned)tid / (unsigned)nt) : 0;
    *end = tid + 1 < nt ? scl_band_at(s, total * (unsigned)(tid + 1) / (unsigned)nt) : s->bands;
}

#endif
