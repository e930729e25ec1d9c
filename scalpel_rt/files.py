"""Writing files so that nobody ever sees half of one."""

import os
import secrets
from contextlib import contextmanager, suppress


@contextmanager
def atomic_path(path):
    """Give a name beside ``path`` to write to, and put that file in place of ``path`` when the block ends well.

    When the block raises, ``path`` is as it was and nothing is left behind. A symbolic link is followed: what it
    points to is replaced. For libraries that open files themselves; else see :func:`atomic_write`.
    """
    target = os.path.realpath(path)
    part = f"{target}.{secrets.token_hex(4)}.part"
    try:
        yield part
        os.replace(part, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part)
        raise


@contextmanager
def atomic_write(path, mode="wb"):
    """Like ``open(path, mode)`` for "wb" or "w" (UTF-8, Unix line ends), by way of :func:`atomic_path`."""
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    with atomic_path(path) as part, open(part, mode.replace("w", "x"), **text) as file:
        yield file
        file.close()  # before it takes its place
