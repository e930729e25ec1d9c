#include "scl_table.h"

/* The leading entry keeps the array non-empty whatever was built in; Python skips it. */
const scl_kernel_info scl_kernel_list[] = {
    {"", "", "", "", 0, 0, 0, NULL},
#define KERNEL(kind, form, isa, tile_m, tile_n, group, symbol) {#kind, #form, #isa, #symbol, tile_m, tile_n, group, symbol},
#include "scl_kernels.def"
#undef KERNEL
};
const int scl_kernel_count = (int)(sizeof scl_kernel_list / sizeof scl_kernel_list[0]);

#define BUF(kind, name) {#name, 'b', offsetof(scl_args_##kind, name)},
#define WGT(kind, name) {#name, 'w', offsetof(scl_args_##kind, name)},
#define INT(kind, name) {#name, 'i', offsetof(scl_args_##kind, name)},
#define FLT(kind, name) {#name, 'f', offsetof(scl_args_##kind, name)},
#define FIELDS(kind) static const scl_field fields_##kind[] = {SCL_ARGS_##kind(kind, BUF, WGT, INT, FLT)};
SCL_KINDS(FIELDS)

#define KIND_INFO(kind) {#kind, sizeof(scl_args_##kind), fields_##kind, (int)(sizeof fields_##kind / sizeof fields_##kind[0])},
const scl_kind_info scl_kind_list[] = {SCL_KINDS(KIND_INFO)};
const int scl_kind_count = (int)(sizeof scl_kind_list / sizeof scl_kind_list[0]);

#define FN_NAME(name) #name,
const char *const scl_fn_names[] = {SCL_FNS(FN_NAME)};
