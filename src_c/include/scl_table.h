/* The lists of kernels and of their arguments, as tables that Python reads. */
#ifndef SCL_TABLE_H
#define SCL_TABLE_H

#include "scl_kernels.h"

typedef struct {
    const char *name;
    char type;                      /* 'b' BUF, 'w' WGT, 'i' INT, 'f' FLT */
    size_t offset;
} scl_field;

typedef struct {
    const char *kind;
    size_t size;                    /* of the args struct */
    const scl_field *fields;
    int count;
} scl_kind_info;

extern const scl_kernel_info scl_kernel_list[];
extern const int scl_kernel_count;
extern const scl_kind_info scl_kind_list[];
extern const int scl_kind_count;
extern const char *const scl_fn_names[];

#endif
