"""Compiled functions for training on CPUs, and what they need on a machine."""

import logging
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)
_tracing = ContextVar("tracing", default=False)


def tracing() -> bool:
    """Whether the operations that follow become part of a compiled function."""
    return _tracing.get()


def missing_tools() -> list[str]:
    """Name what compiling for a CPU needs and this machine lacks."""
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    header = Path(sysconfig.get_path("include"), "Python.h")
    there = {f"the C++ compiler {compiler}": shutil.which(compiler) is not None, str(header): header.exists()}
    return [name for name, found in there.items() if not found]


def compiled(function: Callable[..., Any], *examples: "Tensor") -> Callable[..., Any]:
    """Compile a function of tensors that computes gradients itself, if any: inductor, PyTorch's compiler, sees it all.

    Every call then runs the operations of this first one, without looking at anything but its arguments: what else the
    function reads is a constant.

    Parameters
    ----------
    function
        It must draw no random numbers: draws of equal size would be merged into one. Nor may it add to rows that an
        index chooses, as the gradient of an embedding does: threads would add in whatever order they come.
    examples
        Arguments, each another tensor. Those of all calls have their shapes and types.

    Returns
    -------
    Callable
        The function, to be called without gradients.

    Raises
    ------
    RuntimeError
        Where the compiler or Python's header files are missing.
    """
    missing = missing_tools()
    if missing:
        what = " and ".join(missing)
        raise RuntimeError(f"{what} cannot be found: install it, or set compile to false in training and probing")
    import torch._inductor  # noqa: PLC0415  # the doctor must be able to say that torch is missing
    from torch.fx.experimental.proxy_tensor import make_fx  # noqa: PLC0415

    torch._inductor.config.compile_threads = 1  # else a pool of processes stays, of torch's size each
    logger.info("compiling: up to a minute if this machine has not done so before")
    before = _tracing.set(True)
    with torch.inference_mode(mode=False), torch.no_grad():
        try:
            graph = make_fx(function)(*examples)
        finally:
            _tracing.reset(before)
        return torch._inductor.standalone_compile(graph, list(examples), dynamic_shapes="from_example_inputs")
