"""The C library as Python sees it: the list of kernels, their arguments, a way to call one alone, the processor.

This is the only module that is linked with the C library; _plan reaches it through _kernels.pxd.
"""

from collections import namedtuple

from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

from scalpel_rt.runtime cimport _c

import numpy as np

#: One kernel: the columns of src_c/include/scl_kernels.def; ``index`` is its place in the C table.
Kernel = namedtuple("Kernel", "index kind form isa tile_m tile_n group symbol")


def kernels():
    """All kernels of this build, as a list of Kernel, in the order of scl_kernels.def."""
    found = []
    for i in range(1, _c.scl_kernel_count):
        row = &_c.scl_kernel_list[i]
        found.append(Kernel(i, row.kind.decode(), row.form.decode(), row.isa.decode(), row.tile_m, row.tile_n,
                            row.group, row.symbol.decode()))
    return found


def fields(str kind):
    """{field name: (type, byte offset)} of the args struct of a kind; type is one of "b", "w", "i", "f"."""
    info = &_c.scl_kind_list[_kind_index(kind)]
    return {info.fields[i].name.decode(): (chr(info.fields[i].type), info.fields[i].offset)
            for i in range(info.count)}


def functions():
    """{name: number} of the functions that unary, eltwise and broadcast steps know."""
    return {_c.scl_fn_names[i].decode(): i for i in range(_c.SCL_FN_COUNT)}


def call(kernel, args, int threads=1, int repeats=1):
    """Run one kernel on arrays, part by part in this thread: for tests and benchmarks of kernels alone.

    ``args`` gives every field of the kind by name: BUF and WGT fields C-contiguous arrays or None, INT and FLT fields
    numbers; INT and FLT fields left out are 0, BUF and WGT fields left out are NULL. The arrays must be as large as the
    kernel's contract says: nothing is checked here. ``threads`` is the number of parts, ``repeats`` how often all is done
    (so that a benchmark sees the kernel and not this function).
    """
    cdef int index = kernel.index, tid, i
    cdef const _c.scl_kind_info *info = &_c.scl_kind_list[_kind_index(kernel.kind)]
    cdef char *raw = <char *>calloc(1, info.size)
    if raw == NULL:
        raise MemoryError()
    try:
        keep = fill_args(<size_t>raw, kernel.kind, args)
        with nogil:
            for i in range(repeats):
                for tid in range(threads):
                    _c.scl_kernel_list[index].run(raw, tid, threads)
        del keep
    finally:
        free(raw)


def fill_args(size_t address, str kind, args):
    """Write ``args`` into the struct at ``address``; returns the arrays that must stay alive as long as it is used."""
    cdef const _c.scl_kind_info *info = &_c.scl_kind_list[_kind_index(kind)]
    cdef char *raw = <char *>address
    cdef char *at
    keep = []
    left = dict(args)
    for i in range(info.count):
        name = info.fields[i].name.decode()
        value = left.pop(name, None)
        if value is None:
            continue
        at = raw + info.fields[i].offset
        type_ = chr(info.fields[i].type)
        if type_ == "i":
            (<long long *>at)[0] = value
        elif type_ == "f":
            (<float *>at)[0] = value
        elif isinstance(value, np.ndarray):
            if not value.flags.c_contiguous or not value.flags.aligned:
                raise ValueError(f"{kind}.{name}: the array is not C-contiguous, or not aligned")
            keep.append(value)
            (<size_t *>at)[0] = <size_t>value.ctypes.data
        else:
            raise TypeError(f"{kind}.{name} wants an array, not {type(value).__name__}")
    if left:
        raise TypeError(f"a {kind} step has no argument {', '.join(sorted(left))}")
    return keep


def cpu():
    """What the processor says of itself: names, family, level (a number into ``levels()``), cache sizes in bytes."""
    cdef _c.scl_cpu facts
    _c.scl_cpu_read(&facts)
    return {"vendor": facts.vendor.decode("ascii", "replace"), "brand": facts.brand.decode("ascii", "replace").strip(),
            "family": facts.family, "model": facts.model, "stepping": facts.stepping, "level": facts.level,
            "l1d": facts.l1d, "l2": facts.l2, "l3": facts.l3}


def levels():
    """[(name, True when this build holds it)] of the instruction-set levels, lowest first."""
    return [(_c.scl_isa_names[i].decode(), bool(_c.scl_isa_built[i])) for i in range(_c.SCL_ISA_COUNT)]


def helpers():
    """How many helping threads the pool of this process has now."""
    return _c.scl_pool_helpers()


def use_blas(sgemm, sgemv):
    """Let kernels call these two functions, capsules as Cython modules give them out."""
    _c.scl_blas_use(<_c.scl_sgemm>PyCapsule_GetPointer(sgemm, PyCapsule_GetName(sgemm)),
                    <_c.scl_sgemv>PyCapsule_GetPointer(sgemv, PyCapsule_GetName(sgemv)))


def allocations():
    """How many pieces of C memory are in use: for tests that look for leaks."""
    return _c.scl_alloc_count()


def fail_allocation(long k):
    """Let the k-th allocation from now fail (1 = the next): for tests; 0 takes it back."""
    _c.scl_alloc_fail(k)


MAX_THREADS = _c.SCL_MAX_THREADS
ALIGN = _c.SCL_ALIGN


cdef const _c.scl_kernel_info *kernel_at(int index) noexcept nogil:
    return &_c.scl_kernel_list[index]


cdef size_t args_size(str kind) except 0:
    return _c.scl_kind_list[_kind_index(kind)].size


cdef void *allocate(size_t nbytes) except NULL:
    cdef void *memory = _c.scl_alloc(nbytes)
    if memory == NULL:
        raise MemoryError(f"no memory for {nbytes} bytes")
    return memory


cdef void release(void *memory) noexcept nogil:
    _c.scl_free(memory)


cdef int run_steps(const _c.scl_step *steps, int count, int threads, _c.scl_tick tick, int64_t *stamps,
                   int64_t *lanes) noexcept nogil:
    return _c.scl_run(steps, count, threads, tick, stamps, lanes)


cdef int run_turns(const _c.scl_twin *twins, int n_twins, const _c.scl_turns *turns, int threads, _c.scl_tick tick,
                   int64_t *stamps, int *who) noexcept nogil:
    return _c.scl_run_turns(twins, n_twins, turns, threads, tick, stamps, who)


cdef int forks() noexcept nogil:
    return _c.scl_pool_forks()


cdef int _kind_index(str kind) except -1:
    for i in range(_c.scl_kind_count):
        if _c.scl_kind_list[i].kind.decode() == kind:
            return i
    raise ValueError(f"no such kind of step: {kind}")
