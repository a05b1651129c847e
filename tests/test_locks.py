"""Locks between real processes."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dual_process import locks
from dual_process.locks import LockHeldError, hold, waiting_lock

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
        "another process is at work on zipf-1.5; waiting for it to end"
    ]


def test_waiting_lock_is_free_after_its_block_even_after_an_error(tmp_path, caplog):
    path = tmp_path / "a.lock"
    with pytest.raises(ZeroDivisionError), waiting_lock(path):
        raise ZeroDivisionError
    with waiting_lock(path):
        pass
    assert not caplog.records
