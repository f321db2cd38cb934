"""Half precision where it holds, more where it doesn't: a ladder that every row climbs by itself.

    network  float16 -> bfloat16 -> float32     VAE  float16 -> float32 (bfloat16 shows: up to 16/255 off)

A row whose result has one element that isn't finite is made again one step up. A row that is only dark or flat where
its source isn't, whole or in part, is decoded again in full precision, which is all that cures: what it gives is the
picture. Which step a row ends on depends on that row alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from restrip.looks.diffusion.backbones.family import Family

VAE_LADDER = (torch.float16, torch.float32)
NAMES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}

# A picture in 0..1 is called constant below this spread, and black below this mean.
CONSTANT, BLACK = 0.01, 0.02

# Sources this lively must not come out so.
LIVELY, LIT = 0.03, 0.06

# Pictures are looked at in this many parts a side too: one is dead when it is black, or has no texture at all below
# white, as paper may have none. So large a share of dead parts is a broken picture.
PARTS, DEAD, WHITE, MANY = 8, 0.002, 0.98, 0.12


def name_of(dtype: torch.dtype) -> str:
    """As facts show it: float16, bfloat16, float32."""
    return str(dtype).removeprefix("torch.")


def network_ladder(family: Family, first: torch.dtype) -> tuple[torch.dtype, ...]:
    """The precisions of a family's network from `first` up."""
    return steps_from(tuple(NAMES[name] for name in family.ladder), first)


def first_network_dtype(device: torch.device, asked: str, family: Family) -> torch.dtype:
    """Where the network's ladder starts: as asked for, or the family's first on a GPU and float32 on a CPU.

    What the family's network doesn't hold in is never tried: its first is.
    """
    if asked != "auto":
        return NAMES[asked if asked in family.ladder else family.ladder[0]]
    return NAMES[family.ladder[0]] if device.type == "cuda" else torch.float32


def first_vae_dtype(device: torch.device, asked: str, family: Family) -> torch.dtype:
    """Where the VAE's ladder starts; float32 where the family's own overflows in half precision, as SDXL's does."""
    full = family.full_vae or first_network_dtype(device, asked, family) == torch.float32
    return VAE_LADDER[full]


def steps_from(ladder: tuple[torch.dtype, ...], first: torch.dtype) -> tuple[torch.dtype, ...]:
    """The ladder from `first` up; a type that isn't on it is followed by its top."""
    return ladder[ladder.index(first) :] if first in ladder else (first, ladder[-1])


def finite_rows(values: torch.Tensor) -> torch.Tensor:
    """[rows] bool: whether every element of a row is finite."""
    return torch.isfinite(values).flatten(1).all(dim=1)


def suspicious_rows(pictures: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """[rows] bool: black or constant where the source is neither, whole or in part.

    Both are [rows, 3, h, w] in -1..1.
    """
    made, source = _unit(pictures), _unit(sources.to(pictures.device))
    (spread, light), (source_spread, source_light) = _spread_and_light(made), _spread_and_light(source)
    constant = (spread < CONSTANT) & (source_spread > LIVELY)
    black = (light < BLACK) & (source_light > LIT)
    return constant | black | _dead_in_part(made, source)


def _unit(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.float().clamp(-1, 1) * 0.5 + 0.5


def _spread_and_light(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    flat = pictures.flatten(2)
    return flat.std(dim=2).amax(dim=1), flat.mean(dim=(1, 2))


def _dead_in_part(made: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """[rows] bool: many parts are dead where the source's are not."""
    (spread, light), (source_spread, source_light) = _parts(made), _parts(source)
    black = (light < BLACK) & (spread < CONSTANT) & (source_light > LIT)
    flat = (spread < DEAD) & (light < WHITE) & (source_spread > LIVELY)
    return (black | flat).float().mean(dim=(1, 2)) > MANY


def _parts(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Spread and light of the parts of pictures [rows, 3, h, w], [rows, PARTS, PARTS] each."""
    mean, squares = (F.adaptive_avg_pool2d(values, PARTS) for values in (pictures, pictures.square()))
    return (squares - mean.square()).clamp_min(0).sqrt().amax(dim=1), mean.mean(dim=1)


def cast(module: Any, dtype: torch.dtype) -> Any:
    """The network itself in `dtype`: by torch's own method, since diffusers' adds advice that doesn't hold here."""
    return torch.nn.Module.to(module, dtype)


class Casts:
    """One network in several precisions. The first is the network itself; others are copies, made when needed."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.copies: dict[torch.dtype, Any] = {}

    def get(self, dtype: torch.dtype) -> Any:
        """The network in `dtype`."""
        if next(self.module.parameters()).dtype == dtype:
            return self.module
        if dtype not in self.copies:
            self.copies.clear()  # at most one copy at a time is worth its memory
            self.copies[dtype] = cast(copy.deepcopy(self.module), dtype)
        return self.copies[dtype]

    def drop(self) -> None:
        """Forget the copies."""
        self.copies.clear()


def climb(
    rows: int, ladder: tuple[torch.dtype, ...], attempt: Callable[[list[int], torch.dtype], torch.Tensor],
    wrong: Callable[[torch.Tensor, list[int]], torch.Tensor],
) -> tuple[torch.Tensor, list[torch.dtype], list[int]]:  # fmt: skip
    """Make every row at the lowest step that holds.

    `attempt(which rows, dtype)` makes them, `wrong(results, which rows)` says which of them failed. Returns the
    results, the step of each row, and the rows that fail even at the top.
    """
    results: list[torch.Tensor | None] = [None] * rows
    used = [ladder[0]] * rows
    left = list(range(rows))
    for dtype in ladder:
        made = attempt(left, dtype)
        failed = wrong(made, left).tolist()
        for place, row in enumerate(left):
            results[row], used[row] = made[place], dtype
        left = [row for row, bad in zip(left, failed, strict=True) if bad]
        if not left:
            break
    return torch.stack([result for result in results if result is not None]), used, left
