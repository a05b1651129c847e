"""A mark for tests that compile."""

from collections.abc import Callable

import pytest

from dual_process.compiling import missing_tools


def compiles(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that compiles; the warning is PyTorch's own affair."""
    test = pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")(test)
    return pytest.mark.skipif(bool(missing_tools()), reason="needs a C++ compiler")(test)
