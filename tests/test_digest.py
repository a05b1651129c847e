"""The digest follows the code that a job runs, and nothing else. Tried on a copy of the package."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dual_process import digest

MODULES = ("training.fit", "probing.cohort", "tasks.registry", "figures.files", "claims.files")


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Iterator[Path]:
    """Return a copy of the package, which the digest is taken of."""
    copy = tmp_path_factory.mktemp("copy") / "dual_process"
    shutil.copytree(digest.ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest, "ROOT", copy)
        forget()
        yield copy
    forget()


def forget() -> None:
    digest.code_digest.cache_clear()
    digest._imports_and_code.cache_clear()


def digests() -> dict[str, str]:
    forget()
    return {module: digest.code_digest(f"dual_process.{module}") for module in MODULES}


@pytest.fixture(scope="module")
def unchanged(package) -> dict[str, str]:
    return digests()


@pytest.fixture
def changed_by(package, unchanged) -> Iterator[Callable[..., set[str]]]:
    """Return a function that edits one file, until the test ends, and tells whose digests that changed."""
    originals = {}

    def edit(file: str, old: str, new: str) -> set[str]:
        originals[file] = text = (package / file).read_text()
        assert old in text, f"{file} no longer has {old!r}"
        (package / file).write_text(text.replace(old, new, 1))
        return {module for module, found in digests().items() if found != unchanged[module]}

    yield edit
    for file, text in originals.items():
        (package / file).write_text(text)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("training/fit.py", '"""Training of one cohort', '"""Something about one cohort'),
        ("training/fit.py", '"""Train a cohort', '"""Do train a cohort'),
        ("models/bert.py", '"""Standard deviation of every', '"""Scale of every'),
        ("models/bert.py", "INITIAL_SCALE = 0.02\n", "INITIAL_SCALE = 0.02  # of BERT\n\n"),
        ("models/bert.py", "INITIAL_SCALE = 0.02\n", "INITIAL_SCALE = (\n    0.02\n)\n"),
        ("store.py", '    """Read one group', '    # A comment\n    """Read one group'),
        ("blocks/distributions.py", "alpha: float = Field(gt=0, le=10)", "alpha: float = Field(gt=0, le=11)"),
        ("logs.py", "logging.INFO", "logging.WARNING"),
    ],
)
def test_what_changes_no_result_changes_no_digest(changed_by, file, old, new):
    assert changed_by(file, old, new) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "whose"),
    [
        ("models/bert.py", "INITIAL_SCALE = 0.02\n", "INITIAL_SCALE = 0.03\n", {"training.fit", "probing.cohort"}),
        ("models/stacked.py", "float = 1e-12", "float = 1e-5", {"training.fit", "probing.cohort"}),
        ("training/fit.py", "def fit(", "def fitted(", {"training.fit"}),
        ("training/optimizer.py", "0.999", "0.99", {"training.fit"}),
        ("probing/linear.py", "scores > 0", "scores > 0.5", {"probing.cohort"}),
        ("figures/files.py", "index=False", "index=True", {"figures.files"}),
        ("claims/files.py", "*(f2, f3, f4, f5, f6),", "*(f2, f3, f4, f5),", {"claims.files"}),
        ("tasks/laws.py", "1 / num_types", "2 / num_types", {"training.fit", "probing.cohort", "tasks.registry"}),
        ("store.py", "zarr_format=3", "zarr_format=2", set(MODULES) - {"tasks.registry"}),
    ],
)
def test_an_edit_of_code_changes_the_digests_of_its_users_alone(changed_by, file, old, new, whose):
    assert changed_by(file, old, new) == whose


def test_text_that_does_something_is_code(changed_by):
    assert changed_by("training/progress.py", "steps/s", "per second") == {"training.fit"}


def test_a_digest_does_not_depend_on_what_was_digested_before(unchanged):
    digests()
    digest.code_digest.cache_clear()  # the parsed files stay
    for module in reversed(MODULES):
        assert digest.code_digest(f"dual_process.{module}") == unchanged[module]


def test_a_digest_is_16_hexadecimal_digits(unchanged):
    for found in unchanged.values():
        assert len(found) == 16
        assert int(found, 16) >= 0
    assert len(set(unchanged.values())) == len(MODULES)
