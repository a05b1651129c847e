"""What compiling needs, and what is said where it is missing; what compiled functions are."""

import pytest
import torch

from dual_process import compiling
from dual_process.compiling import compiled, missing_tools, tracing
from tests.compiles import compiles


def test_a_missing_compiler_and_missing_headers_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(compiling.sysconfig, "get_path", lambda name: str(tmp_path))
    assert missing_tools() == ["the C++ compiler no-such-compiler", str(tmp_path / "Python.h")]
    with pytest.raises(
        RuntimeError, match=r"compiler no-such-compiler and .*Python\.h cannot be found.*set compile to false"
    ):
        compiled(torch.sin, torch.ones(1))


def test_nothing_is_missing_where_all_is_there(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "sh")
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr(compiling.sysconfig, "get_path", lambda name: str(tmp_path))
    assert missing_tools() == []


@compiles
def test_a_function_is_run_once_and_then_its_operations_alone():
    seen = []

    def function(x, y):
        seen.append(tracing())
        return x.sin() + y, x * 2

    ones, numbers = torch.ones(3), torch.arange(3.0)
    graph = compiled(function, ones, ones + 1)
    for x, y in ((ones, numbers), (numbers, ones)):
        for found, wanted in zip(graph(x, y), (x.sin() + y, x * 2), strict=True):
            torch.testing.assert_close(found, wanted)
    assert seen == [True]
    assert not tracing()


@compiles
def test_nothing_is_traced_after_a_function_that_failed():
    with pytest.raises(ZeroDivisionError):
        compiled(lambda x: x * (1 / 0), torch.ones(1))
    assert not tracing()
