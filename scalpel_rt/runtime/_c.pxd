# What Cython sees of src_c/include.

cdef extern from "scl_table.h" nogil:
    ctypedef void (*scl_kernel)(const void *args, int tid, int nt) noexcept nogil

    ctypedef struct scl_kernel_info:
        const char *kind
        const char *form
        const char *isa
        const char *symbol
        int tile_m
        int tile_n
        int group
        scl_kernel run

    ctypedef struct scl_field:
        const char *name
        char type
        size_t offset

    ctypedef struct scl_kind_info:
        const char *kind
        size_t size
        const scl_field *fields
        int count

    const scl_kernel_info scl_kernel_list[]
    const int scl_kernel_count
    const scl_kind_info scl_kind_list[]
    const int scl_kind_count
    const char *const scl_fn_names[]
    const int SCL_FN_COUNT
