"""The device on which training and probing compute, copies to it that nothing waits for, and memory that is kept."""

import ctypes
import sys

import torch
from torch import Tensor

CPU = torch.device("cpu")
SHARE = 4
"""One part in so many of a GPU's free memory may hold what is kept there only to save copies."""

KEPT = 1 << 30
"""Bytes of freed memory that a process keeps."""


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


def keep_freed_memory() -> None:
    """Have the C library keep what is freed on the CPU for the next array, where it is glibc.

    By default glibc hands large arrays back to the operating system as soon as they are freed, and the next ones come
    page by page: 2,000 pages, or 3 to 7 % of the time, of a training step at v = 10,000.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_option is not None:
        set_option(trim_threshold, KEPT)
        set_option(mmap_threshold, KEPT)
