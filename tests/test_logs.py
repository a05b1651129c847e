"""What a job's log file holds, in real processes."""

import subprocess
import sys
from pathlib import Path

from dual_process import logs

JOB = f"""
import logging, sys, warnings
sys.path.insert(0, {str(Path(logs.__file__).parents[1])!r})
from dual_process.logs import log_to

log_to(sys.argv[1], "kind~some_name~job")
logging.getLogger("dual_process.training.fit").info("training %d runs", 3)
logging.getLogger("dual_process.training.fit").debug("too much")
logging.getLogger("somebody.else").info("their message")
warnings.warn("take care")
raise ValueError("the end")
"""


def run(path: Path, code: str = JOB) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)


def test_messages_warnings_and_uncaught_errors_reach_the_log_file(tmp_path):
    path = tmp_path / "new" / "job.log"
    done = run(path)
    text = path.read_text()
    assert done.returncode == 1
    assert " INFO training 3 runs\n" in text
    assert "UserWarning: take care" in text
    assert " ERROR stopped by an error\n" in text
    assert text.endswith("ValueError: the end\n")
    assert "too much" not in text
    assert "their message" not in text


def test_messages_and_errors_reach_the_terminal_with_the_name_of_the_job(tmp_path):
    done = run(tmp_path / "job.log")
    assert "some job: training 3 runs\n" in done.stderr
    assert "some job: stopped by an error\n" in done.stderr
    assert done.stderr.count("ValueError: the end") == 1
    assert not done.stdout


def test_a_second_attempt_starts_a_new_log(tmp_path):
    (tmp_path / "job.log").write_text("old lines\n")
    run(tmp_path / "job.log")
    assert "old lines" not in (tmp_path / "job.log").read_text()
