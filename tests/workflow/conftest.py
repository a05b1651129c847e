"""Real snakemake on a copy of the project in a folder of its own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """A copy of the project that tests may edit, run and kill."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """Command line of snakemake with the CI configuration."""
        return [sys.executable, "-m", "snakemake", "--configfile", "config/ci.yaml", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which the copy's own package is imported."""
        return os.environ | {"PYTHONPATH": str(self.folder / "src"), "OMP_NUM_THREADS": "1"}

    def snakemake(self, *arguments: str, fails: bool = False) -> str:
        """Run snakemake to its end; return all it printed."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start snakemake in a process group of its own, printing to ``started.log``."""
        with (self.folder / "started.log").open("w") as log:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def plan(self, *arguments: str) -> dict[str, int]:
        """Jobs by rule in a dry run; empty if there is nothing to do."""
        printed = self.snakemake("--dry-run", "--quiet", "rules", *arguments)
        lines = [line.split() for line in printed.splitlines()]
        table = {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdigit()}
        table.pop("total", None)
        table.pop("all", None)
        return table

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file of the copy."""
        file = self.folder / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))


def copy_project(folder: Path) -> Project:
    """Copy what snakemake needs."""
    for name in ("Snakefile", "config", "workflow", "profiles", "src", "data/tiny_english"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return Project(folder)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a fresh copy, nothing run yet."""
    return copy_project(tmp_path)


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a copy in which the whole workflow has run; edits must be undone."""
    project = copy_project(tmp_path_factory.mktemp("finished"))
    project.snakemake("--cores", "2")
    return project
