"""Files of checkpoints: stacked tensors as safetensors, one file a step, and an index that closes a folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from dual_process.store import finished

INDEX = "index.json"
RESUME = "resume.safetensors"


def checkpoint_path(folder: Path, step: int) -> Path:
    """File of the checkpoint after `step` optimizer steps."""
    return folder / f"step_{step:08d}.safetensors"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, step: int) -> None:
    """Write tensors of any device to one file, atomically."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with finished(path) as partial:
        save_file(state, partial, metadata={"step": str(step)})


def read_checkpoint(folder: Path, step: int) -> dict[str, Tensor]:
    """Stacked state dict of one step, and ``training_loss`` (R,): mean loss since the checkpoint before."""
    return load_file(checkpoint_path(folder, step))


def resumable_step(folder: Path) -> int:
    """Step of the saved state in a working folder; 0 if there is none."""
    path = folder / RESUME
    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as file:
        return int(file.metadata()["step"])


def write_index(folder: Path, index: Mapping[str, Any]) -> None:
    """Describe a finished folder of checkpoints."""
    with finished(folder / INDEX) as partial:
        partial.write_text(json.dumps(index, indent=1))


def read_index(folder: Path) -> dict[str, Any]:
    """Read the description of a finished folder."""
    index: dict[str, Any] = json.loads((folder / INDEX).read_text())
    return index
