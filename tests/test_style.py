"""Limits that keep the workflow readable: thin scripts, short files, no configuration key that nobody reads."""

import ast
import re
from pathlib import Path

import pytest

from dual_process.blocks import Block
from dual_process.config import Config

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
RULES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
SNAKEFILES = [path for path in [ROOT / "Snakefile"] if path.exists()]

THICK = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ClassDef,
    ast.If,
    ast.IfExp,
    ast.For,
    ast.While,
    ast.comprehension,
    ast.Try,
    ast.Match,
)


def name(path):
    return str(path.relative_to(ROOT))


def num_lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def thick_parts(code):
    """List constructs of a script that belong into the package."""
    return [type(node).__name__ for node in ast.walk(ast.parse(code)) if isinstance(node, THICK)]


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_script_is_thin(path):
    assert num_lines(path) <= 25
    assert thick_parts(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("code", ["def f(): 1", "if a: b", "for a in b: c", "while a: b", "class A: b", "f(lambda: 1)"])
def test_thick_code_is_seen(code):
    assert thick_parts(code)


@pytest.mark.parametrize("path", SNAKEFILES, ids=name)
def test_snakefile_is_short_and_plain(path):
    text = path.read_text(encoding="utf-8")
    assert num_lines(path) <= 60
    assert re.findall(r"^\s*(?:def|if|for|while) .*", text, re.MULTILINE) == []


@pytest.mark.parametrize("path", RULES, ids=name)
def test_rule_file_is_short_and_without_lambda(path):
    assert num_lines(path) <= 150
    assert not re.search(r"\blambda\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_module_is_short(path):
    assert num_lines(path) <= 300


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_functions_are_short(path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {each.name: lines for each in functions if (lines := each.end_lineno - each.lineno + 1) > 50} == {}


def blocks(block=Block):
    """All block classes of the configuration, without plans, which are made from them."""
    for child in block.__subclasses__():
        if child.__module__ in (Block.__module__, Config.__module__):
            yield child
        yield from blocks(child)


def words_read(code):
    """Names that some code may read from a block: attributes, text, and keyword arguments."""
    words = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w/]+", node.value):
            words.update(node.value.split("/"))
        elif isinstance(node, ast.keyword | ast.arg):
            words.add(node.arg)
    return words


def words_of_properties(code):
    """Names that the properties of the blocks read; validators do not count, for they use nothing."""
    words = set()
    for node in ast.walk(ast.parse(code)):
        decorators = [ast.unparse(each) for each in getattr(node, "decorator_list", [])]
        if "property" in decorators:
            words |= words_read(ast.unparse(node))
    return words


def test_every_key_is_read_somewhere():
    """`models.bert` is passed on whole, so keyword names count as reading; a key that nobody names is dead."""
    words = set()
    for path in [*SOURCES, *SCRIPTS]:
        text = path.read_text(encoding="utf-8")
        if path.stem in ("blocks", "config"):
            words |= words_of_properties(text)
        elif path.stem != "config_docs":
            words |= words_read(text)
    for path in [*RULES, *SNAKEFILES]:
        words |= set(re.findall(r"\w+", re.sub(r"#.*", "", path.read_text(encoding="utf-8"))))
    assert {f"{block.__name__}.{key}" for block in blocks() for key in block.model_fields if key not in words} == set()


def test_reading_is_seen_in_attributes_text_and_properties_only():
    assert {"a", "b", "c", "d"} <= words_read("x.a\nx['b']\nlookup('c/d')")
    assert "e" not in words_read("e = 1\n'''a text that names e'''")
    block = "class A:\n    @property\n    def f(self):\n        return self.a\n    def g(self):\n        return self.b"
    assert words_of_properties(block) == {"a", "self"}
