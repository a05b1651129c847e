"""One worker at a time, on one machine and on many that share a folder; a dead worker's lock is never in the way.

Two means together. The kernel's lock ends with its holder, even by SIGKILL, but not every shared file system carries it
from node to node. A lease is a file that names its holder, who touches it again and again; when it stays untouched the
holder is taken to be dead. The watcher measures that time on its own clock, so clocks of nodes need not agree.
"""

import atexit
import errno
import fcntl
import hashlib
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

BEAT = 15.0
"""Seconds between two touches of a lease."""
SILENCE = 60.0
"""Seconds without a touch after which a holder on another machine is taken to be dead."""
UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""Errors of a file system without kernel locks; the lease has to do there."""
NO_FILE = ("", 0)

_held: list[int] = []
"""Descriptors that keep a lock until the process ends."""


class LockHeldError(RuntimeError):
    """Somebody else holds the lock."""


class LeaseLostError(RuntimeError):
    """Another process took this one for dead and has gone on with its work."""


class Lease:
    """A file that says who is at work, kept fresh by a thread.

    Parameters
    ----------
    path
        The file; there while the lease is held.
    beat
        Seconds between two touches.
    """

    def __init__(self, path: str | Path, beat: float = BEAT) -> None:
        self.path, self.beat = Path(path), beat
        self.lost = False
        self._me = json.dumps({"token": uuid.uuid4().hex, **_this_process()})
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_fresh, daemon=True)

    def try_to_take(self) -> bool:
        """Take the lease if nobody has it."""
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w") as file:
            file.write(self._me)
        self._thread.start()
        return True

    def end(self) -> None:
        """Give the lease back."""
        self._ended.set()
        if not self.lost and _read(self.path)[0] == self._me:
            self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Make sure that the lease is still ours.

        Raises
        ------
        LeaseLostError
            If another process has taken it over.
        """
        if self.lost:
            raise LeaseLostError(
                f"this process was out of reach for so long that another one has gone on with {self.path.stem}; "
                "it stops here, and nothing is lost"
            )

    def _keep_fresh(self) -> None:
        while not self._ended.wait(self.beat):
            try:
                if _read(self.path)[0] != self._me:
                    self.lost = True
                    return
                os.utime(self.path)
            except OSError as error:  # a file server may be away for a while
                logger.warning("cannot touch %s: %s", self.path, error)


class Watch:
    """What can be told from here about the holder of a lease.

    Parameters
    ----------
    path
        The lease.
    silence
        Seconds without a touch after which a holder on another machine is taken to be dead.
    """

    def __init__(self, path: Path, silence: float = SILENCE) -> None:
        self.path, self.silence = path, silence
        self._seen = _read(path)
        self._since = time.monotonic()
        self._dead = NO_FILE
        self._rival: Watch | None = None

    def look(self) -> str:
        """Return "alive", "dead", or "unsure" as long as too little time has passed to tell."""
        now = _read(self.path)
        state = self._judge(now)
        self._dead = now if state == "dead" else NO_FILE
        return state

    def _judge(self, now: tuple[str, int]) -> str:
        holder = _parse(now[0])
        if holder and holder["place"] == _this_process()["place"]:
            return "alive" if _started(holder["process"]) == holder["started"] else "dead"
        if now != self._seen:
            self._seen, self._since = now, time.monotonic()
            return "alive"
        return "dead" if time.monotonic() - self._since > self.silence else "unsure"

    def clear(self) -> None:
        """Put away the lease that was found dead, and none that somebody has taken since.

        Between reading a file and removing it another process can put its own there. So only one may remove a certain
        dead lease: the one who holds a second lease, named after the dead one.
        """
        name = hashlib.sha256(repr(self._dead).encode()).hexdigest()[:16]
        claim = Lease(self.path.with_name(f".{self.path.name}-{name}"))
        if claim.try_to_take():
            try:
                if _read(self.path) == self._dead != NO_FILE:
                    self.path.unlink(missing_ok=True)
            finally:
                claim.end()
            return
        if self._rival is None or self._rival.path != claim.path:
            self._rival = Watch(claim.path, self.silence)
        if self._rival.look() == "dead":  # it died between its claim and its deed
            self._rival.clear()
        else:
            time.sleep(0.01)

    @property
    def holder(self) -> str:
        """Name of the holder for a message."""
        process = _parse(_read(self.path)[0])
        if not process:
            return "just starting or just ending"
        job = f", SLURM job {process['job']}" if process["job"] else ""
        return f"process {process['process']} on {process['host']}{job}"


def hold(path: str | Path) -> None:
    """Take a lock for the life of this process.

    Raises
    ------
    LockHeldError
        If another process has it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lease = Lease(path.with_suffix(".lease"))
    watch = Watch(lease.path)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        _take_kernel_lock(descriptor, wait=False)
        while not lease.try_to_take():
            state = watch.look()
            if state == "alive":
                raise BlockingIOError
            if state == "dead":
                watch.clear()
            else:
                logger.warning("looking whether %s still lives; this takes up to %.0f s", watch.holder, SILENCE)
                time.sleep(BEAT)
    except BlockingIOError:
        os.close(descriptor)
        raise LockHeldError(f"{path}, held by {watch.holder}") from None
    _held.append(descriptor)
    atexit.register(lease.end)


@contextmanager
def waiting_lock(path: str | Path, *, beat: float = BEAT, silence: float = SILENCE) -> Iterator[Lease]:
    """Hold a lock during the block, waiting for another holder first, and saying so.

    Parameters
    ----------
    path
        File of the kernel's lock; the lease lies beside it.
    beat, silence
        Seconds between two touches of the lease, and without one after which a holder on another machine counts as
        dead.

    Yields
    ------
    Lease
        A long block should call its ``check`` now and then.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lease = Lease(path.with_suffix(".lease"), beat)
    watch = Watch(lease.path, silence)
    said = False
    with path.open("w") as file:
        try:
            _take_kernel_lock(file.fileno(), wait=False)
        except BlockingIOError:
            said = _say_that_we_wait(watch)
            _take_kernel_lock(file.fileno(), wait=True)
        while not lease.try_to_take():
            if watch.look() == "dead":
                watch.clear()
            else:
                said = said or _say_that_we_wait(watch)
                time.sleep(min(1.0, beat))
        try:
            yield lease
        finally:
            lease.end()


def _take_kernel_lock(descriptor: int, *, wait: bool) -> None:
    """Take the kernel's lock; where a file system has none, the lease has to do."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def _say_that_we_wait(watch: Watch) -> bool:
    logger.warning("another process (%s) is at work on %s; waiting for it to end", watch.holder, watch.path.stem)
    return True


def _this_process() -> dict[str, Any]:
    """Describe this process so that others, here and elsewhere, can tell whether it lives."""
    return {
        "host": socket.gethostname(),
        "place": _place(),
        "process": os.getpid(),
        "started": _started(os.getpid()),
        "job": os.environ.get("SLURM_JOB_ID", ""),
    }


def _place() -> str:
    """Name what shares process ids with us: one start of one kernel, and in it one container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # no Linux; then only a lease's freshness counts
        return uuid.uuid4().hex


def _started(process: int) -> str:
    """When a process started, in clock ticks since boot; empty if it has ended. Process ids are used again."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _read(path: Path) -> tuple[str, int]:
    """Text of a lease and when it was touched; opening the file makes network file systems look again."""
    try:
        with path.open() as file:
            return file.read(), os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return NO_FILE


def _parse(text: str) -> dict[str, Any]:
    try:
        process: dict[str, Any] = json.loads(text)
    except ValueError:  # not written yet
        return {}
    return process
