"""A file system that hangs whoever touches it, as a mount does whose server is away: FUSE, and nobody answers."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_DETACH = 2


@contextmanager
def hung(path: Path) -> Iterator[None]:
    """Over the directory, until the block ends; what hangs in it then goes on.

    Raises:
        OSError: this machine has no FUSE, or we may not mount.
    """
    answers = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    try:
        options = f"fd={answers},rootmode=40000,user_id=0,group_id=0".encode()
        if _LIBC.mount(b"moorage-test", os.fsencode(path), b"fuse", 0, options):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
        try:
            yield
        finally:
            _LIBC.umount2(os.fsencode(path), _DETACH)
    finally:
        os.close(answers)  # ends the connection, and every wait for it
