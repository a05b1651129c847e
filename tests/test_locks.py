"""Locks between real processes."""

import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dual_process import locks
from dual_process.locks import Lease, LeaseLostError, LockHeldError, Watch, hold, waiting_lock

HOLD = "import sys; from dual_process.locks import hold; hold(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
WAIT = """
import sys
from dual_process.locks import waiting_lock
with waiting_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
print("freed", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(code: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has taken the lock; it ends with the block."""
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def _free_again():
    yield
    while locks._held:
        os.close(locks._held.pop())


def test_a_second_process_is_refused(tmp_path):
    path = tmp_path / "new" / "folder.lock"
    with another_process(HOLD, path), pytest.raises(LockHeldError, match=r"folder\.lock"):
        hold(path)


def test_sigkill_of_the_holder_frees_the_lock(tmp_path):
    path = tmp_path / "a.lock"
    with another_process(HOLD, path) as holder:
        with pytest.raises(LockHeldError):
            hold(path)
        holder.kill()
        holder.wait()
        hold(path)
    assert path.exists()


def test_the_lock_is_held_for_the_life_of_the_process(tmp_path):
    path = tmp_path / "a.lock"
    hold(path)
    command = [sys.executable, "-c", HOLD, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "LockHeldError" in done.stderr
    hold(tmp_path / "b.lock")  # another lock is another matter


def test_waiting_lock_waits_and_says_so(tmp_path, caplog):
    path = tmp_path / "zipf-1.5.lock"
    entered = threading.Event()

    def enter() -> None:
        with waiting_lock(path):
            entered.set()

    with another_process(WAIT, path) as holder:
        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.3)
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "freed\n"
        assert entered.wait(10)  # though the other process still lives
        thread.join()
    assert [record.getMessage() for record in caplog.records] == [
        f"another process (process {holder.pid} on {socket.gethostname()}) is at work on zipf-1.5; "
        "waiting for it to end"
    ]


def test_waiting_lock_is_free_after_its_block_even_after_an_error(tmp_path, caplog):
    path = tmp_path / "a.lock"
    with pytest.raises(ZeroDivisionError), waiting_lock(path):
        raise ZeroDivisionError
    with waiting_lock(path):
        pass
    assert not caplog.records


def lease_of_another_machine(path: Path, **changes: str) -> str:
    """Write a lease as a process on another machine would."""
    words = {"token": "t", "host": "node7", "place": "elsewhere", "process": 12, "started": "1", "job": "34"}
    path.write_text(json.dumps(words | changes))
    return path.read_text()


def keep_touching(path: Path, ended: threading.Event) -> None:
    """Do what a living holder does."""
    while not ended.wait(0.05):
        os.utime(path)


@pytest.fixture
def no_kernel_locks(monkeypatch):
    """Make the file system one without them."""

    def refuse(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)


def test_a_silent_holder_on_another_machine_is_replaced(tmp_path, caplog, no_kernel_locks):
    lease_of_another_machine(tmp_path / "a.lease")
    begun = time.monotonic()
    with waiting_lock(tmp_path / "a.lock", beat=0.1, silence=0.5) as lease:
        assert time.monotonic() - begun > 0.5
        assert json.loads(lease.path.read_text())["process"] == os.getpid()
    assert "another process (process 12 on node7, SLURM job 34) is at work on a; waiting for it to end" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["a.lock"]


def test_a_living_holder_on_another_machine_is_waited_for(tmp_path, no_kernel_locks):
    path, ended, entered = tmp_path / "a.lease", threading.Event(), threading.Event()
    lease_of_another_machine(path)
    alive = threading.Thread(target=keep_touching, args=(path, ended))
    alive.start()

    def enter() -> None:
        with waiting_lock(tmp_path / "a.lock", beat=0.1, silence=0.5):
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(1.5)  # three times the silence that counts as death
    ended.set()
    alive.join()
    path.unlink()
    assert entered.wait(10)
    waiting.join()


def test_a_dead_holder_on_this_machine_is_replaced_at_once(tmp_path, no_kernel_locks):
    with another_process(WAIT, tmp_path / "a.lock") as holder:
        assert (tmp_path / "a.lease").exists()
        holder.kill()
        holder.wait()
    begun = time.monotonic()
    with waiting_lock(tmp_path / "a.lock"):
        assert time.monotonic() - begun < 5


def test_a_new_process_with_the_number_of_a_dead_one_is_not_mistaken_for_it(tmp_path):
    process = {"place": locks._place(), "process": os.getpid(), "started": "1"}
    lease_of_another_machine(tmp_path / "a.lease", **process)
    assert Watch(tmp_path / "a.lease").look() == "dead"
    lease_of_another_machine(tmp_path / "a.lease", **process | {"started": locks._started(os.getpid())})
    assert Watch(tmp_path / "a.lease").look() == "alive"


def test_a_process_stays_away_from_a_living_holder_elsewhere(tmp_path, monkeypatch, no_kernel_locks):
    monkeypatch.setattr(locks, "BEAT", 0.1)
    path, ended = tmp_path / "a.lease", threading.Event()
    lease_of_another_machine(path)
    alive = threading.Thread(target=keep_touching, args=(path, ended))
    alive.start()
    with pytest.raises(LockHeldError, match="held by process 12 on node7, SLURM job 34"):
        hold(tmp_path / "a.lock")
    ended.set()
    alive.join()


def test_a_lease_is_touched_while_it_is_held(tmp_path):
    with waiting_lock(tmp_path / "a.lock", beat=0.05) as lease:
        before = lease.path.stat().st_mtime_ns
        end = time.monotonic() + 10
        while lease.path.stat().st_mtime_ns == before:
            assert time.monotonic() < end
        lease.check()


def test_a_holder_that_was_replaced_notices(tmp_path):
    with waiting_lock(tmp_path / "a.lock", beat=0.05) as lease:
        other = lease_of_another_machine(lease.path)
        end = time.monotonic() + 10
        while not lease.lost:
            assert time.monotonic() < end
            time.sleep(0.01)
        with pytest.raises(LeaseLostError, match="another one has gone on with a"):
            lease.check()
    assert (tmp_path / "a.lease").read_text() == other  # and is not taken away


def test_only_one_of_many_takes_over_from_a_dead_holder(tmp_path, no_kernel_locks):
    lease_of_another_machine(tmp_path / "a.lease", place=locks._place(), started="1")
    inside, most = [], []

    def enter() -> None:
        with waiting_lock(tmp_path / "a.lock", beat=0.02):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [1] * 6


def test_who_comes_late_does_not_put_away_the_lease_of_the_living(tmp_path):
    path = tmp_path / "a.lease"
    lease_of_another_machine(path, place=locks._place(), started="1")
    late, early = Watch(path), Watch(path)
    assert late.look() == early.look() == "dead"
    early.clear()
    taken = Lease(path)
    assert taken.try_to_take()
    late.clear()
    assert json.loads(path.read_text())["process"] == os.getpid()
    taken.end()
    assert not list(tmp_path.iterdir())


def test_who_puts_a_lease_away_is_alone_with_it(tmp_path, monkeypatch):
    path = tmp_path / "a.lease"
    lease_of_another_machine(path, place=locks._place(), started="1")
    late, early = Watch(path), Watch(path)
    assert late.look() == early.look() == "dead"
    read, taken = locks._read, Lease(path)

    def read_and_be_overtaken(which: Path) -> tuple[str, int]:
        """After the late one has looked a last time, the early one does all it can."""
        seen = read(which)
        monkeypatch.setattr(locks, "_read", read)
        early.clear()
        assert not taken.try_to_take()
        return seen

    monkeypatch.setattr(locks, "_read", read_and_be_overtaken)
    late.clear()
    assert not path.exists()


def test_who_dies_while_putting_a_lease_away_is_replaced_too(tmp_path, monkeypatch):
    path = tmp_path / "a.lease"
    lease_of_another_machine(path, place=locks._place(), started="1")
    first = Watch(path)
    assert first.look() == "dead"
    with monkeypatch.context() as broken:
        broken.setattr(Lease, "end", lambda lease: None)
        broken.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            first.clear()
    (claim,) = tmp_path.glob(".a.lease-*")
    lease_of_another_machine(claim, place=locks._place(), started="2")
    with waiting_lock(tmp_path / "a.lock"):
        assert json.loads(path.read_text())["process"] == os.getpid()
    assert [left.name for left in tmp_path.iterdir()] == ["a.lock"]


def test_an_unwritten_lease_counts_by_its_age(tmp_path):
    (tmp_path / "a.lease").touch()
    watch = Watch(tmp_path / "a.lease", silence=0.2)
    assert watch.look() == "unsure"
    assert watch.holder == "just starting or just ending"
    time.sleep(0.3)
    assert watch.look() == "dead"


def test_a_lease_is_given_back_when_its_process_ends(tmp_path):
    code = "import sys; from dual_process.locks import hold; hold(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.lock")], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.lock"]
    assert Lease(tmp_path / "a.lease").try_to_take()
