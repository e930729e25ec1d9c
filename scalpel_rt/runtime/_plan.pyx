"""A compiled program: steps bound to memory, run by one C call.

:class:`Steps` is what never changes and is shared: which kernel runs when, with which numbers and weights.
:class:`Plan` adds what a run writes: the arena that holds all values, and the steps with its addresses filled in.
"""

from collections import namedtuple

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_C_CONTIGUOUS, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.pythread cimport (
    NOWAIT_LOCK,
    PyThread_acquire_lock,
    PyThread_allocate_lock,
    PyThread_free_lock,
    PyThread_get_thread_ident,
    PyThread_release_lock,
    PyThread_type_lock,
    WAIT_LOCK,
)
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from scalpel_rt.runtime cimport _c, _kernels

import os
import threading

import numpy as np

from scalpel_rt.errors import ShapeError
from scalpel_rt.notebook import plan_part
from scalpel_rt.runtime import _kernels as kernels

cdef extern from *:
    """
    /* Hands on the exception that is already set. */
    static int scl_raise_pending(void) { return -1; }
    """
    int scl_raise_pending() except -1
    int PyErr_CheckSignals()

#: One step. ``kernel``: a Kernel; ``args``: its INT, FLT and WGT fields; ``buffers``: {BUF field: byte offset in the
#: arena}; ``threads``: most to do it, 1 = not worth a second; ``ns``: estimated duration on one; ``cuts``: parts for each
#: of them, so that a faster one can take from another, and a step that takes long can be stopped between two.
Step = namedtuple("Step", "name kernel args buffers threads ns cuts", defaults=(1,))

#: Most parts of a step for each of its threads.
MAX_CUTS = 1 << 14

#: A value that goes in or comes out: ``offset`` is its place in the arena, in bytes.
Slot = namedtuple("Slot", "name shape offset")

#: What :meth:`Plan.trace` gives: the ``outputs`` of the run; ``steps`` int64 (steps, 2), begin and end of each in ns;
#: ``lanes`` int64 (steps, threads, 2), the same of what each thread did of it, zeros where one did nothing.
Trace = namedtuple("Trace", "outputs steps lanes")

ctypedef struct address:
    size_t field                    # where in the args of all steps the pointer stands
    size_t offset                   # what it points at: bytes into the arena


cdef class Steps:
    """What all plans of one compiled program share; immutable.

    Parameters
    ----------
    steps : sequence of Step
    arena : int
        Bytes of memory that a plan needs for values and scratch.
    inputs, outputs, kept : sequence of Slot
        What a run takes and gives, and what :meth:`Plan.value` can give after it.
    constants : sequence of (array, offset)
        Values that no step writes: copied into each new arena, once.
    rows : sequence
        What :meth:`Plan.explain` gives: why each step is as it is.
    """

    cdef readonly tuple steps
    cdef readonly tuple inputs
    cdef readonly tuple outputs
    cdef readonly tuple kept
    cdef readonly size_t arena
    cdef readonly int threads
    cdef readonly tuple constants
    cdef readonly tuple rows
    cdef list _alive
    cdef _c.scl_step *_steps
    cdef int _count
    cdef char *_args
    cdef size_t _args_size
    cdef address *_addresses
    cdef size_t _address_count

    def __cinit__(self, steps, size_t arena, inputs, outputs, kept=(), constants=(), rows=()):
        self.steps = tuple(steps)
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.kept = tuple(kept)
        self.constants = tuple(constants)
        self.rows = tuple(rows)
        self.arena = arena
        self._check()
        self.threads = max((step.threads for step in self.steps), default=1)
        self._bind()

    def _check(self):
        """Nothing may lie outside the arena: the C code trusts the offsets."""
        for slot in self.inputs + self.outputs + self.kept:
            self._inside(slot.name, slot.offset, 4 * _count(slot.shape))
        for array, offset in self.constants:
            if array.dtype != np.float32 or not array.flags.c_contiguous:
                raise ValueError("a constant must be a C-contiguous float32 array")
            self._inside("a constant", offset, array.nbytes)
        for step in self.steps:
            if not 1 <= step.threads <= kernels.MAX_THREADS:
                raise ValueError(f"{step.name}: {step.threads} threads")
            if not 1 <= step.cuts <= MAX_CUTS:
                raise ValueError(f"{step.name}: {step.cuts} cuts")
            for field, offset in step.buffers.items():
                self._inside(f"{step.name}.{field}", offset, 0)

    def _inside(self, what, offset, nbytes):
        if not 0 <= offset <= offset + nbytes <= self.arena or offset % 4:
            raise ValueError(f"{what}: {nbytes} bytes at {offset} do not lie in an arena of {self.arena}")

    cdef _bind(self):
        """Fill in the arguments of all steps but for the addresses of the arena."""
        cdef size_t size, i
        cdef list starts = []
        self._alive = []
        self._count = len(self.steps)
        self._args_size = 0
        for step in self.steps:
            starts.append(self._args_size)
            size = _kernels.args_size(step.kernel.kind)
            self._args_size += (size + 63) // 64 * 64
        self._address_count = sum(len(step.buffers) for step in self.steps)
        self._steps = <_c.scl_step *>_kernels.allocate(self._count * sizeof(_c.scl_step))
        self._addresses = <address *>_kernels.allocate(self._address_count * sizeof(address))
        self._args = <char *>_kernels.allocate(self._args_size)
        for i in range(self._args_size):
            self._args[i] = 0
        n = 0
        for i, (step, start) in enumerate(zip(self.steps, starts, strict=True)):
            fields = kernels.fields(step.kernel.kind)
            self._alive += kernels.fill_args(<size_t>self._args + <size_t>start, step.kernel.kind, step.args)
            for name, offset in step.buffers.items():
                type_, at = fields[name]
                if type_ != "b":
                    raise TypeError(f"{step.kernel.kind}.{name} is not a buffer")
                self._addresses[n] = address(<size_t>start + <size_t>at, offset)
                n += 1
            self._steps[i].run = _kernels.kernel_at(step.kernel.index).run
            self._steps[i].args = <const void *><size_t>start
            self._steps[i].nt = step.threads
            self._steps[i].parts = step.threads * step.cuts
            self._steps[i].ns = step.ns

    def __dealloc__(self):
        _kernels.release(self._steps)
        _kernels.release(self._addresses)
        _kernels.release(self._args)

    @property
    def weight_bytes(self):
        """Bytes of packed weights, indices and tables that the steps read."""
        return sum({id(array): array.nbytes for array in self._alive}.values())


cdef class RunLock:
    """Lets one run of a plan at a time pass, with ``with``: another thread that comes meanwhile waits.

    A lock of threading would hang where two things happen in the middle of a run: a fork, since whoever held the lock is
    not in the child to give it back, and a signal whose handler runs the same plan. Here the child finds it free, and
    the handler gets a RuntimeError.
    """

    cdef PyThread_type_lock _lock
    cdef unsigned long _owner
    cdef int _forks

    def __cinit__(self):
        self._renew()

    def __dealloc__(self):
        if self._lock != NULL:
            PyThread_free_lock(self._lock)

    def __enter__(self):
        self.acquire()

    def __exit__(self, *_):
        self.release()

    cdef int _renew(self) except -1:
        self._forks = _kernels.forks()
        self._owner = 0
        self._lock = PyThread_allocate_lock()
        if self._lock == NULL:
            raise MemoryError("no memory for a lock")
        return 0

    cdef int acquire(self) except -1:
        cdef unsigned long me = PyThread_get_thread_ident()
        if self._forks != _kernels.forks() and self._owner != me:   # me: it was this thread that forked, in its own run
            self._renew()
        if not PyThread_acquire_lock(self._lock, NOWAIT_LOCK):
            if self._owner == me:
                raise RuntimeError("a plan was run by a signal handler that interrupted its own run; "
                                   "use clone_state() there")
            with nogil:
                PyThread_acquire_lock(self._lock, WAIT_LOCK)
        self._owner = me
        return 0

    cdef void release(self) noexcept:
        self._owner = 0
        PyThread_release_lock(self._lock)


cdef class Plan:
    """Steps with an arena to run them in. One run at a time: another thread that comes meanwhile waits."""

    cdef readonly Steps steps
    cdef char *_arena
    cdef char *_args
    cdef _c.scl_step *_steps
    cdef Py_buffer *_views
    cdef char **_places
    cdef RunLock _lock

    def __cinit__(self, Steps steps):
        cdef size_t i
        cdef int slots
        self.steps = steps
        slots = len(steps.inputs) + len(steps.outputs)
        self._arena = <char *>_kernels.allocate(steps.arena)
        self._args = <char *>_kernels.allocate(steps._args_size)
        self._steps = <_c.scl_step *>_kernels.allocate(steps._count * sizeof(_c.scl_step))
        self._views = <Py_buffer *>_kernels.allocate(slots * sizeof(Py_buffer))
        self._places = <char **>_kernels.allocate(slots * sizeof(char *))
        self._lock = RunLock()
        memcpy(self._args, steps._args, steps._args_size)
        memcpy(self._steps, steps._steps, steps._count * sizeof(_c.scl_step))
        for i in range(steps._address_count):
            (<char **>(self._args + steps._addresses[i].field))[0] = self._arena + steps._addresses[i].offset
        for i in range(<size_t>steps._count):
            self._steps[i].args = self._args + <size_t>steps._steps[i].args
        for i, slot in enumerate(steps.inputs + steps.outputs):
            self._places[i] = self._arena + <size_t>slot.offset
        for array, offset in steps.constants:
            memcpy(self._arena + <size_t>offset, <const char *><size_t>array.ctypes.data, array.nbytes)

    def __dealloc__(self):
        _kernels.release(self._arena)
        _kernels.release(self._args)
        _kernels.release(self._steps)
        _kernels.release(self._views)
        _kernels.release(self._places)

    def clone_state(self):
        """Another Plan over the same steps and weights, with its own arena: for another thread to run."""
        return Plan(self.steps)

    def explain(self):
        """One row for each step: what runs, what it costs, what else there was (see scalpel_rt.plan.explain.Row)."""
        return list(self.steps.rows)

    def _repr_html_(self):
        return plan_part(self)

    @property
    def plans(self):
        """The Plans that it is made of: itself."""
        return (self,)

    @property
    def inputs(self):
        """The Slots of what :meth:`run` takes."""
        return self.steps.inputs

    @property
    def outputs(self):
        """The Slots of what :meth:`run` gives."""
        return self.steps.outputs

    def run(self, *arrays, out=None):
        """Run the program.

        Parameters
        ----------
        *arrays : array_like
            One for each of ``inputs``, of its shape; what is not C-contiguous float32 is converted.
        out : ndarray or sequence of ndarray, optional
            Where to write the outputs: C-contiguous float32 of the right shapes. They may not overlap the inputs.

        Returns
        -------
        ndarray or tuple of ndarray
            One for each of ``outputs``; the array itself when there is only one.

        Raises
        ------
        ShapeError
            A wrong number of arrays, or a wrong shape; the message names the input and both shapes.
        TypeError
            Something that is no array of real numbers; an ``out`` that cannot be written directly.
        """
        results = self._run(arrays, out, NULL, NULL)
        return results[0] if len(results) == 1 else results

    def run_all(self, *arrays, out=None):
        """As :meth:`run`, but always a tuple."""
        return self._run(arrays, out, NULL, NULL)

    def value(self, name):
        """A copy of what an output or a kept blob (or its name) held after the last run; KeyError for others."""
        name = getattr(name, "name", name)
        for slot in self.steps.kept + self.steps.outputs:
            if slot.name == name:
                array = np.empty(slot.shape, np.float32)
                self._lock.acquire()
                memcpy(<char *><size_t>array.ctypes.data, self._arena + <size_t>slot.offset, array.nbytes)
                self._lock.release()
                return array
        raise KeyError(name)

    def timed(self, *arrays, out=None):
        """Run once and say how long everything took: [(row of :meth:`explain`, ns)], as for plans in stages."""
        return list(zip(self.steps.rows, self._timed(arrays, out).tolist()))

    def time(self, *arrays):
        """Run once and say how long each step took: int64 nanoseconds, of which reading the clock takes some 20."""
        return self._timed(arrays, None)

    def trace(self, *arrays):
        """Run once and say when everything began and ended: a :class:`Trace`. The clock is that of
        ``time.monotonic_ns()``."""
        cdef int count = self.steps._count
        stamps = np.zeros((max(count, 1), 2), np.int64)
        lanes = np.zeros((max(count, 1), self.steps.threads, 2), np.int64)
        outputs = self._run(arrays, None, <int64_t *><size_t>stamps.ctypes.data, <int64_t *><size_t>lanes.ctypes.data)
        return Trace(outputs, stamps[:count], lanes[:count])

    cdef _timed(self, tuple arrays, out):
        cdef int count = self.steps._count
        stamps = np.zeros((max(count, 1), 2), np.int64)
        self._run(arrays, out, <int64_t *><size_t>stamps.ctypes.data, NULL)
        return stamps[:count, 1] - stamps[:count, 0]

    cdef tuple _run(self, tuple arrays, out, int64_t *stamps, int64_t *lanes):
        cdef Steps steps = self.steps
        cdef Py_ssize_t n_in = len(steps.inputs), n_out = len(steps.outputs), got = 0, i
        cdef int stopped
        cdef _c.scl_tick tick = NULL
        if len(arrays) != n_in:
            raise ShapeError(f"the plan takes {n_in} array(s) ({', '.join([s.name for s in steps.inputs])}), "
                             f"not {len(arrays)}")
        taken = _results(steps.outputs, out)
        self._lock.acquire()
        try:
            for i in range(n_in):
                _view_input(&self._views[i], arrays[i], steps.inputs[i])
                got += 1
            for i in range(n_out):
                _view_output(&self._views[n_in + i], taken[i], steps.outputs[i])
                got += 1
            if PyThread_get_thread_ident() == _main_thread:  # the only one that Python gives signals to
                tick = _tick
            with nogil:
                for i in range(n_in):
                    memcpy(self._places[i], self._views[i].buf, self._views[i].len)
                stopped = _kernels.run_steps(self._steps, steps._count, steps.threads, tick, stamps, lanes)
                for i in range(n_in, n_in + n_out):
                    memcpy(self._views[i].buf, self._places[i], self._views[i].len)
            if stopped:
                scl_raise_pending()
        finally:
            for i in range(got):
                PyBuffer_Release(&self._views[i])
            self._lock.release()
        return taken


cdef class Crew:
    """A Plan for a few images and copies of its state, which take the turns of a batch among them, each on a thread of its
    own. One alone has its steps run on all threads that they are worth.

    Parameters
    ----------
    plan : Plan
        For ``images`` images, whose first axes are multiples of that.
    images : int
    count : int
        How many are to work side by side; if that is more than one, its steps must be for one thread.
    """

    cdef readonly tuple plans
    cdef readonly int images
    cdef _c.scl_twin *_twins
    cdef _c.scl_batch *_batches

    def __cinit__(self, Plan plan, int images, int count=1):
        cdef Plan twin
        slots = plan.steps.inputs + plan.steps.outputs
        if count < 1 or count > 1 and plan.steps.threads > 1:
            raise ValueError(f"{count} plans of {plan.steps.threads} threads each")
        for slot in slots:
            if images < 1 or not slot.shape or slot.shape[0] % images:
                raise ValueError(f"{slot.name} of shape {slot.shape} is not {images} images")
        self.images = images
        self.plans = (plan, *[plan.clone_state() for _ in range(count - 1)])
        self._twins = <_c.scl_twin *>_kernels.allocate(count * sizeof(_c.scl_twin))
        self._batches = <_c.scl_batch *>_kernels.allocate(len(slots) * sizeof(_c.scl_batch))
        for i in range(count):
            twin = self.plans[i]
            self._twins[i].steps = twin._steps
            self._twins[i].places = twin._places

    def __dealloc__(self):
        _kernels.release(self._twins)
        _kernels.release(self._batches)

    def run(self, ins, outs, int n, bint timed=False):
        """Run on ``n`` images, as many as there are at least in a turn.

        ``ins`` and ``outs``: C-contiguous float32 arrays, of the shapes of the plan's inputs and outputs but for so many
        more images. Returns None, or if ``timed`` (int64 (turns, steps, 2): begin and end of each step in ns, int32
        (turns,): which plan did it). One call at a time. ValueError for arrays that do not fit.
        """
        cdef Steps steps = (<Plan>self.plans[0]).steps
        cdef int n_in = len(steps.inputs), n_out = len(steps.outputs), count = len(self.plans), i, stopped
        cdef _c.scl_turns turns
        cdef _c.scl_tick tick = NULL
        cdef int64_t *when = NULL
        cdef int *whose = NULL
        slots, arrays = steps.inputs + steps.outputs, (*ins, *outs)
        if n < self.images or len(ins) != n_in or len(outs) != n_out:
            raise ValueError(f"{n} images, {len(ins)} inputs and {len(outs)} outputs")
        for i in range(n_in + n_out):
            slot, array = slots[i], arrays[i]
            each = slot.shape[0] // self.images
            if (array.shape != (each * n, *slot.shape[1:]) or array.dtype != np.float32 or not array.flags.c_contiguous
                    or i >= n_in and not array.flags.writeable):
                raise ValueError(f"{slot.name}: {array.dtype} of shape {array.shape} for {n} images")
            self._batches[i].all = <char *><size_t>array.ctypes.data
            self._batches[i].image = 4 * _count(slot.shape) // self.images
        turns.ins, turns.outs = self._batches, self._batches + n_in
        turns.n_ins, turns.n_outs = n_in, n_out
        turns.count, turns.images, turns.n = steps._count, self.images, n
        all_turns = -(-n // self.images)
        stamps = np.zeros((all_turns if timed else 0, steps._count, 2), np.int64)
        who = np.zeros(all_turns if timed else 0, np.int32)
        if timed:
            when, whose = <int64_t *><size_t>stamps.ctypes.data, <int *><size_t>who.ctypes.data
        if PyThread_get_thread_ident() == _main_thread:
            tick = _tick
        with nogil:
            stopped = _kernels.run_turns(self._twins, count, &turns, max(count, steps.threads), tick, when, whose)
        if stopped:
            scl_raise_pending()
        return (stamps, who) if timed else None


cdef unsigned long _main_thread


def _note_main_thread():
    """In the child of a fork, the thread that forked is the main one."""
    global _main_thread
    _main_thread = threading.main_thread().ident


_note_main_thread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_main_thread)

cdef object _empty = np.empty
cdef object _float32 = np.dtype(np.float32)


cdef int _tick() noexcept nogil:
    with gil:
        return PyErr_CheckSignals()


cdef Py_ssize_t _count(shape):
    cdef Py_ssize_t n = 1
    for d in shape:
        n *= d
    return n


cdef bint _fits(Py_buffer *view, tuple shape) noexcept:
    """Whether the buffer is native float32 of that shape."""
    cdef Py_ssize_t i
    if view.format == NULL or view.format[0] != b"f" or view.format[1] != 0 or view.ndim != len(shape):
        return False
    for i in range(view.ndim):
        if view.shape[i] != <Py_ssize_t>shape[i]:
            return False
    return True


cdef int _view_input(Py_buffer *view, array, slot) except -1:
    """Take the buffer of ``array``, or of a converted copy."""
    try:
        PyObject_GetBuffer(array, view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, TypeError, ValueError):
        pass
    else:
        if _fits(view, slot.shape):
            return 0
        PyBuffer_Release(view)
    PyObject_GetBuffer(converted(array, slot), view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    return 0


def converted(array, slot):
    """``array`` as an input: C-contiguous float32 of the slot's shape; ShapeError, TypeError."""
    array = np.asarray(array)
    if array.shape != slot.shape:
        raise ShapeError(f"input {slot.name!r} takes an array of shape {slot.shape}, not {array.shape}")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"input {slot.name!r} takes real numbers, not {array.dtype}")
    with np.errstate(over="ignore"):           # it becomes infinite, as in Caffe
        return np.ascontiguousarray(array, np.float32).reshape(slot.shape)


cdef tuple _results(tuple slots, out):
    """Arrays for as many outputs: new ones, or what ``out`` holds."""
    if out is None:
        return tuple([_empty(slot.shape, _float32) for slot in slots])
    taken = (out,) if isinstance(out, np.ndarray) else tuple(out)
    if len(taken) != len(slots):
        raise ShapeError(f"the plan gives {len(slots)} array(s), out holds {len(taken)}")
    return taken


def results(slots, out):
    """A tuple of arrays that outputs can be written to: new ones where ``out`` is None, else its own; ShapeError, TypeError."""
    cdef Py_buffer view
    taken = _results(tuple(slots), out)
    for array, slot in zip(taken, slots):
        _view_output(&view, array, slot)
        PyBuffer_Release(&view)
    return taken


cdef int _view_output(Py_buffer *view, array, slot) except -1:
    try:
        PyObject_GetBuffer(array, view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    except (BufferError, TypeError, ValueError) as error:
        raise TypeError(f"out for {slot.name!r} must be a writable C-contiguous float32 array: {error}") from None
    if not _fits(view, slot.shape):
        PyBuffer_Release(view)
        raise ShapeError(f"out for {slot.name!r} must be float32 of shape {slot.shape}, not "
                         f"{getattr(array, 'dtype', type(array).__name__)} of shape {np.shape(array)}")
    return 0
