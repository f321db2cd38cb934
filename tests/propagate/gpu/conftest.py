"""What tests of propagation on a GPU share."""

from __future__ import annotations

import importlib.util
import os

import pytest


@pytest.fixture(params=["torch", "triton"])
def stages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """The stages by torch operations and by Triton's kernels, interpreted."""
    torch = pytest.importorskip("torch")
    from restrip.propagate.gpu.stages import torch_stages, triton_stages

    if request.param == "torch":
        return torch_stages(torch.device("cpu"))
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed (it is for Linux on x86)")
    assert os.environ.get("TRITON_INTERPRET") == "1", "set before anything imports triton"
    # Two programs, the second one partly outside: fewer are quicker.
    for name, block in {"descriptors": 1024, "patchmatch": 1024, "pieces": 2048, "vote": 1024}.items():
        monkeypatch.setattr(f"restrip.propagate.gpu.kernels.{name}_triton.BLOCK", block)
    from restrip.propagate.gpu.kernels.stencil_triton import TILE

    for name, side in (("TX", 64), ("TY", 32)):
        monkeypatch.setitem(TILE, name, side)
    return triton_stages(torch.device("cpu"))
