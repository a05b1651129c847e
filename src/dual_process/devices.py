"""The device on which training and probing compute, and copies to it that nothing waits for."""

import torch
from torch import Tensor

CPU = torch.device("cpu")
SHARE = 4
"""One part in so many of a GPU's free memory may hold what is kept there only to save copies."""


def prepare_device() -> torch.device:
    """Pick the first GPU that this process sees, the CPU where it sees none, and set it up.

    ``CUDA_VISIBLE_DEVICES`` says what the process sees; empty, it keeps everything on the CPU. Products of float32
    matrices are made in float32, as on the CPU: PyTorch's default, which the environment
    (``TORCH_ALLOW_TF32_CUBLAS_OVERRIDE``, set in some containers) can turn to TF32. Apple's GPUs are left out: they
    know no float64, in which the linear probes are fitted.
    """
    if not torch.cuda.is_available():
        return CPU
    torch.set_float32_matmul_precision("highest")
    return torch.device("cuda", 0)


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy from the CPU to a device without waiting for the work that is queued there; on the CPU, the tensor itself.

    From ordinary memory PyTorch copies only when all that was queued before is done, so that a training step with such
    a copy in it leaves the device idle; from pinned memory it does not.
    """
    return tensor if device.type == CPU.type else tensor.pin_memory().to(device, non_blocking=True)


def spare_bytes(device: torch.device) -> int:
    """Memory on a device for what is kept there to save copies: none on the CPU, where there is nothing to copy."""
    return torch.cuda.mem_get_info(device)[0] // SHARE if device.type == "cuda" else 0
