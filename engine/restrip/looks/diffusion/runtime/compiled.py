"""Compiled networks: worth minutes of waiting only for long jobs, kept on disk for the next one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

# Rows through the UNet (frames times evaluations) from which compiling has paid for itself: about two minutes for a
# saving of 3.5 ms a row, measured on one H100 with SD 1.5 at 512 (7.5 -> 12.4 frames/s at 15 evaluations).
PAYS_AT = 35_000


def pays(asked: str, device: torch.device, frames: int, evaluations: int) -> bool:
    """Whether to compile: as asked for ("on", "off"), or on a GPU for jobs long enough."""
    if asked != "auto":
        return asked == "on"
    return device.type == "cuda" and frames * evaluations >= PAYS_AT


def kept_compiled(before: Any, network: Any, folder: Path) -> Any:
    """What was compiled before, or the network, compiled now. A compiled module has no truth to ask for."""
    return compiled(network, folder) if before is None else before


def compiled(network: Any, folder: Path, backend: str = "inductor") -> Any:
    """The network, compiled when it is first called, with what was compiled kept in `folder`."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
    os.environ.setdefault("TORCHINDUCTOR_FX_GRAPH_CACHE", "1")
    return torch.compile(network, dynamic=False, backend=backend)
