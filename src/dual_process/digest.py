"""A digest of the code that a job runs, so that Snakemake repeats a job when its code changes and only then.

Snakemake watches the thin script alone. The digest covers a module and everything of this package that it imports,
directly or not, without comments, formatting and docstrings. The configuration is left out, since its values reach a
job through its plan, and so are locks and logs, which decide no result.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent
LEFT_OUT = (
    *("dual_process.blocks", "dual_process.config", "dual_process.digest", "dual_process.language_runs"),
    *("dual_process.locks", "dual_process.logs"),
)


@cache
def code_digest(module: str) -> str:
    """Digest of `module` and of all it imports from this package.

    Parameters
    ----------
    module
        Dotted name, such as ``dual_process.training.fit``.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    seen: dict[str, str] = {}
    pending = [module]
    while pending:
        name = pending.pop()
        if name not in seen and not _is_left_out(name):
            imports, seen[name] = _imports_and_code(name)
            pending.extend(imports)
    text = "\n".join(f"{name} {code}" for name, code in sorted(seen.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def named_by(name: str, *decisive: str) -> str:
    """Add to a name the digest of what decides the content of a file, so that another content gets another name."""
    return f"{name}-{hashlib.sha256(''.join(decisive).encode()).hexdigest()[:12]}"


def _is_left_out(name: str) -> bool:
    return any(f"{name}.".startswith(f"{each}.") for each in LEFT_OUT)


def _path(name: str) -> Path:
    base = ROOT.joinpath(*name.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@cache
def _imports_and_code(name: str) -> tuple[list[str], str]:
    """Return the modules of this package that a module imports, at any level of its code, and that code as text."""
    tree = ast.parse(_path(name).read_text())
    nodes = list(ast.walk(tree))
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [item for item in node.body if not _is_docstring(item)]
    own = [item for item in dict.fromkeys(found) if item.split(".")[0] == "dual_process" and _path(item).is_file()]
    return own, ast.dump(tree)


def _is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is a bare string, such as the docstring of a module, a function or an attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
