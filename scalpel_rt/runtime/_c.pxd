# What Cython sees of src_c/include.

from libc.stdint cimport int64_t

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

cdef extern from "scl_cpu.h" nogil:
    ctypedef struct scl_cpu:
        char vendor[13]
        char brand[49]
        int family
        int model
        int stepping
        int level
        int64_t l1d
        int64_t l2
        int64_t l3

    const char *const scl_isa_names[]
    const int scl_isa_built[]
    const int SCL_ISA_COUNT
    void scl_cpu_read(scl_cpu *cpu) noexcept

cdef extern from "scl_alloc.h" nogil:
    void *scl_alloc(size_t bytes) noexcept
    void scl_free(void *memory) noexcept
    void scl_alloc_fail(long k) noexcept
    long scl_alloc_count() noexcept
    const size_t SCL_ALIGN

cdef extern from "scl_blas.h" nogil:
    ctypedef void (*scl_sgemm)(char *, char *, int *, int *, int *, float *, float *, int *, float *, int *, float *, float *, int *)
    ctypedef void (*scl_sgemv)(char *, int *, int *, float *, float *, int *, float *, int *, float *, float *, int *)
    void scl_blas_use(scl_sgemm sgemm, scl_sgemv sgemv)

cdef extern from "scl_pool.h" nogil:
    int scl_pool_helpers() noexcept
    int scl_pool_forks() noexcept
    const int SCL_MAX_THREADS

cdef extern from "scl_run.h" nogil:
    ctypedef struct scl_step:
        scl_kernel run
        const void *args
        int nt
        int parts
        float ns

    ctypedef int (*scl_tick)() noexcept nogil
    int scl_run(const scl_step *steps, int count, int threads, scl_tick tick, int64_t *stamps,
             int64_t *parts) noexcept

    ctypedef struct scl_twin:
        const scl_step *steps
        char **places

    ctypedef struct scl_batch:
        char *all
        size_t image

    ctypedef struct scl_turns:
        const scl_batch *ins
        const scl_batch *outs
        int n_ins
        int n_outs
        int count
        int images
        int n

    int scl_run_turns(const scl_twin *twins, int n_twins, const scl_turns *turns, int threads, scl_tick tick,
             int64_t *stamps, int *who) noexcept
