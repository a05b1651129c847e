"""Imports run one way: config <- tasks, models <- training, probing; figures and claims read only stores."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "dual_process"
SUBPACKAGES = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
TOP = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"} | {"blocks"}

ALLOWED = {
    "blocks": {"blocks"},
    "config": {"blocks", "config_language"},
    "config_language": {"blocks"},
    "tasks": {*TOP, "tasks"},
    "models": {*TOP, "models"},
    "training": {*TOP, "tasks", "models", "training"},
    "probing": {*TOP, "tasks", "models", "probing"},
    "language": {*TOP, "models", "training.forgetting", "language"},
    "figures": {"blocks", "config", "store", "push_down_statistics", "figures"},
    "claims": {"blocks", "config", "store", "push_down_statistics", "claims", "figures.style"},
}
"""Parts of the package that a module or subpackage may import; all other modules at the top import the top alone."""

LIGHTNING = {"pytorch_lightning", "lightning", "lightning_fabric"}
FORBIDDEN = {
    "blocks": {"torch", "xarray", "numpy", "pandas", *LIGHTNING},
    "config": {"torch", "xarray", "numpy", "pandas", *LIGHTNING},
    "config_language": {"torch", "xarray", "numpy", "pandas", *LIGHTNING},
    "runs": {"torch", "xarray", *LIGHTNING},
    "digest": {"torch", "xarray", *LIGHTNING},
    "language_runs": {"torch", "xarray", *LIGHTNING},
    "models": LIGHTNING,
    "figures": {"torch", *LIGHTNING},
    "claims": {"torch", *LIGHTNING},
}


def imported(path, root=PACKAGE):
    """Dotted names of all that a module imports, at any level of its code; relative imports are resolved."""
    package = ("dual_process", *path.relative_to(root).parts[:-1])
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names.update(f"{module}.{alias.name}" for alias in node.names)
    return names


def part_of(path, root=PACKAGE):
    """Return the subpackage of a module, or its own name if it is at the top."""
    return path.relative_to(root).with_suffix("").parts[0]


def breaches(path, root=PACKAGE):
    """List what a module imports and may not."""
    part = part_of(path, root)
    allowed, forbidden = ALLOWED.get(part, TOP), FORBIDDEN.get(part, set())
    wrong = []
    for name in sorted(imported(path, root)):
        head, _, rest = name.partition(".")
        inside = head == "dual_process" and rest
        if inside and not any(f"{rest}.".startswith(f"{each}.") for each in allowed):
            wrong.append(name)
        if head in forbidden:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_its_layer_may(path):
    assert breaches(path) == []


def test_every_subpackage_has_its_layer():
    assert set(SUBPACKAGES) <= set(ALLOWED)


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("config.py", "import torch", ["torch"]),
        ("config.py", "from dual_process.streams import stream", ["dual_process.streams.stream"]),
        ("runs.py", "from dual_process.tasks import laws", ["dual_process.tasks.laws"]),
        ("runs.py", "def f():\n    import xarray.core", ["xarray.core"]),
        ("tasks/a.py", "from ..models import bert", ["dual_process.models.bert"]),
        ("models/a.py", "from pytorch_lightning import Callback", ["pytorch_lightning.Callback"]),
        ("training/a.py", "import dual_process.probing.linear", ["dual_process.probing.linear"]),
        ("training/a.py", "from dual_process import probing", ["dual_process.probing"]),
        ("probing/a.py", "from dual_process.training.module import M", ["dual_process.training.module.M"]),
        ("figures/a.py", "import torch.nn", ["torch.nn"]),
        ("figures/a.py", "from dual_process.runs import Run", ["dual_process.runs.Run"]),
        ("claims/a.py", "from dual_process.figures import fig3", ["dual_process.figures.fig3"]),
        ("claims/a.py", "from dual_process.figures import style", []),
        ("training/a.py", "from dual_process.models.bert import StackedBert\nimport torch", []),
    ],
)
def test_a_planted_import_is_found(tmp_path, name, line, found):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(line)
    assert breaches(path, tmp_path) == found


def modules(*parts):
    """Dotted names of the modules of some parts of the package."""
    paths = [path for part in parts for path in [PACKAGE / f"{part}.py", *sorted((PACKAGE / part).glob("*.py"))]]
    return [
        ".".join(("dual_process", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in paths if path.exists()
    ]


@pytest.mark.parametrize(
    ("parts", "heavy"),
    [
        (
            ("config", "config_language", "runs", "language_runs", "digest", "config_docs"),
            "torch,xarray,pandas,pytorch_lightning,matplotlib",
        ),
        (("figures", "claims", "store"), "torch,pytorch_lightning"),
        (("models",), "pytorch_lightning,lightning_fabric,transformers"),
    ],
)
def test_nothing_heavy_comes_in_by_a_detour(parts, heavy):
    code = f"import sys, {', '.join(modules(*parts))}; sys.exit(str({{*{heavy.split(',')}}} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"
