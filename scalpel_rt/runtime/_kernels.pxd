# What _plan.pyx needs of the C library. Only _kernels is linked with it, so that there is one pool and one set of
# kernels in a process.

from libc.stdint cimport int64_t

from scalpel_rt.runtime cimport _c

cdef const _c.scl_kernel_info *kernel_at(int index) noexcept nogil
cdef size_t args_size(str kind) except 0
cdef void *allocate(size_t nbytes) except NULL
cdef void release(void *memory) noexcept nogil
cdef int run_steps(const _c.scl_step *steps, int count, int threads, _c.scl_tick tick, int64_t *stamps,
                   int64_t *parts) noexcept nogil
cdef int run_turns(const _c.scl_twin *twins, int n_twins, const _c.scl_turns *turns, int threads, _c.scl_tick tick,
                   int64_t *stamps, int *who) noexcept nogil
cdef int forks() noexcept nogil
