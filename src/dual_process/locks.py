"""Locks that the kernel frees when their holder dies, even by SIGKILL, so that none is ever stale."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

_held: list[int] = []
"""Descriptors that keep a lock until the process ends."""


class LockHeldError(RuntimeError):
    """Somebody else holds the lock."""


def hold(path: str | Path) -> None:
    """Take a lock for the life of this process.

    Raises
    ------
    LockHeldError
        If another process has it.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LockHeldError(str(path)) from None
    _held.append(descriptor)


@contextmanager
def waiting_lock(path: str | Path) -> Iterator[None]:
    """Hold a lock during the block, waiting for another holder first, and saying so."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("another process is at work on %s; waiting for it to end", Path(path).stem)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
