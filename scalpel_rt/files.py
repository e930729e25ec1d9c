"""Writing files so that nobody ever sees half of one, and reading those that may have no end."""

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from .errors import LimitError

MAX_TEXT = 2**28        # bytes of a file that is read whole; the descriptions of the largest nets have some million


def read_whole(path):
    """The bytes of a file, from wherever it comes; LimitError for more than MAX_TEXT, as a device would give."""
    data = bytearray()
    with open(path, "rb") as file:
        while part := file.read(1 << 20):       # to ask for all that is allowed would take as much memory at once
            data += part
            if len(data) > MAX_TEXT:
                raise LimitError(f"holds more than {MAX_TEXT} bytes, too many for a text", file=str(path))
    return bytes(data)


_written = ContextVar("written", default=None)      # (part, target) of files that wait for others, see together()


@contextmanager
def together():
    """Let the files that :func:`atomic_path` writes in this block get their names when all of them are whole.

    When the block raises, none does, and those that were there before are as they were. A process that is killed
    between two renames, or a rename that fails, can still leave a mixture. A block within another is part of it; files
    of other threads and tasks do not belong in it.
    """
    if _written.get() is not None:
        yield
        return
    waiting = []
    token = _written.set(waiting)
    try:
        yield
        for part, target in waiting:
            os.replace(part, target)
    finally:
        _written.reset(token)
        for part, _ in waiting:
            with suppress(FileNotFoundError):
                os.unlink(part)


@contextmanager
def atomic_path(path):
    """Give a name beside ``path`` to write to, and put that file in place of ``path`` when the block ends well.

    When the block raises, ``path`` is as it was and nothing is left behind; when the process is killed, ``path`` is as
    it was or whole, and a ``.part`` file may stay. What was written is on the disk before it gets its name, so that the
    same holds when the power fails. A symbolic link is followed: what it points to is replaced. A device or a pipe, as
    /dev/null and /dev/stdout, stays what it is: its own name is given. An OSError that names no file gets the name of
    this one. For libraries that open files themselves; else see :func:`atomic_write`.
    """
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if os.path.exists(target) and not os.path.isfile(target):
        yield target
        return
    part = f"{target}.{secrets.token_hex(4)}.part"
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        if (waiting := _written.get()) is not None:
            waiting.append((part, target))
        else:
            os.replace(part, target)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(part)
        if isinstance(error, OSError) and error.filename is None:   # a full disk does not say which file it was
            raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(path)) from error
        raise


@contextmanager
def atomic_write(path, mode="wb"):
    """Like ``open(path, mode)`` for "wb" or "w" (UTF-8, Unix line ends), by way of :func:`atomic_path`."""
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    with atomic_path(path) as part:
        mode = mode if os.path.exists(part) else mode.replace("w", "x")     # only a device or a pipe is there before
        with open(part, mode, **text) as file:
            yield file
