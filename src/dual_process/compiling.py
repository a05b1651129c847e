"""torch.compile for training on CPUs, and what it needs on a machine."""

import logging
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

logger = logging.getLogger(__name__)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def missing_tools() -> list[str]:
    """Name what torch.compile needs for a CPU and this machine lacks."""
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    header = Path(sysconfig.get_path("include"), "Python.h")
    there = {f"the C++ compiler {compiler}": shutil.which(compiler) is not None, str(header): header.exists()}
    return [name for name, found in there.items() if not found]


def compiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a function of tensors whose shapes never change, at its first call.

    It must draw no random numbers: draws of equal size would be merged into one. Nor may it add to rows that an index
    chooses, as the gradient of an embedding does: threads would add in whatever order they come.

    Raises
    ------
    RuntimeError
        Where the compiler or Python's header files are missing.
    """
    missing = missing_tools()
    if missing:
        what = " and ".join(missing)
        raise RuntimeError(f"{what} cannot be found: install it, or set training.compile to false")
    import torch._inductor.config  # noqa: PLC0415  # the doctor must be able to say that torch is missing

    torch._inductor.config.compile_threads = 1  # else a pool of processes stays, of torch's size each
    logger.info("compiling at the first step: up to a minute if this machine has not done so before")
    return torch.compile(function, dynamic=False)
