"""What holds for all tests."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _no_gpu(request, monkeypatch):
    """Compute on the CPU, also where there is a GPU, unless a test is marked to need one: bits differ on it."""
    if not request.node.get_closest_marker("gpu"):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
