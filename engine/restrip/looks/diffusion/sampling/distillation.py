"""How a distilled model is meant to be run. Without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Distillation:
    """Settings of a distilled model: those beyond its limits are replaced by its own."""

    name: str
    sampler: str
    samplers: tuple[str, ...]
    spacing: str
    steps: int = 4
    most_steps: int = 12
    cfg_scale: float = 1.0
    most_cfg: float = 2.0
