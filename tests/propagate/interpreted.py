"""Triton's kernels made quick to interpret, and torch operations alike: large tiles, windows of a few pixels."""

from __future__ import annotations

import pytest

from restrip.propagate.energy import detail_selection
from restrip.propagate.gpu import flow, motion, shading
from restrip.propagate.gpu.kernels import flow_triton, motion_triton, shading_triton
from restrip.propagate.gpu.kernels.stencil_triton import TILE


def large_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer programs; the last ones of a picture still lie partly outside."""
    for name, side in (("TX", 64), ("TY", 32)):
        monkeypatch.setitem(TILE, name, side)
    monkeypatch.setattr(detail_selection, "LEAST", 16)  # a program each
    for module in (shading, shading_triton):  # one program each
        monkeypatch.setattr(module, "BLOCKS", (4, 3))


def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a few pixels: every tap is an operation of the interpreter."""
    for name, value in {"SEARCHED": 1, "WINDOW": 5, "PATCH": 3, "AROUND": 3}.items():
        for module in (flow, flow_triton):
            monkeypatch.setattr(module, name, value)
    for module in (motion, motion_triton):
        monkeypatch.setattr(module, "WINDOW", 3)
        monkeypatch.setattr(module, "AROUND", 3)
