"""Log set-up shared by all jobs: the same lines in the terminal and in the job's log file."""

import logging
import sys
from pathlib import Path


def log_to(path: str | Path, job: str = "") -> None:
    """Send the package's messages, and uncaught errors, to a log file and to the terminal.

    Parameters
    ----------
    path
        Log file; made anew.
    job
        Name put before each line in the terminal, where several jobs may write at once; of ``key~value`` pairs only
        the values are shown.
    """
    job = " ".join(pair.split("~")[-1] for pair in job.split("_"))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("")
    file = logging.FileHandler(path, mode="a")  # an orphan of a killed workflow may still write here, too
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(logging.Formatter(f"{job}: %(message)s" if job else "%(message)s"))
    package = logging.getLogger("dual_process")
    package.handlers = [file, terminal]
    package.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").handlers = [file]
    sys.excepthook = lambda *error: package.error("stopped by an error", exc_info=error)
