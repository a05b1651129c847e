"""What torch.compile needs, and what is said where it is missing."""

import pytest
import torch

from dual_process import compiling
from dual_process.compiling import compiled, missing_tools


def test_a_missing_compiler_and_missing_headers_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(compiling.sysconfig, "get_path", lambda name: str(tmp_path))
    assert missing_tools() == ["the C++ compiler no-such-compiler", str(tmp_path / "Python.h")]
    with pytest.raises(
        RuntimeError, match=r"compiler no-such-compiler and .*Python\.h cannot be found.*training\.compile"
    ):
        compiled(torch.sin)


def test_nothing_is_missing_where_all_is_there(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "sh")
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr(compiling.sysconfig, "get_path", lambda name: str(tmp_path))
    assert missing_tools() == []
