"""When the GPU's memory doesn't suffice: smaller batches, then tiles, then parts kept on the CPU; and what a job needs.

batch 8 -> 4 -> 2 -> 1 -> 1 with VAE tiles -> 1 with tiles and one network on the GPU at a time -> OutOfGpuMemory
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import torch

from restrip.cuda.free_memory import free_mib
from restrip.errors import RestripError
from restrip.looks.diffusion.runtime.memory_needs import largest_size, needs_mib

T = TypeVar("T")


class OutOfGpuMemory(RestripError):
    """Even the smallest plan doesn't fit into the GPU's memory."""

    code = "gpu-memory"

    def __init__(self, size: tuple[int, int], have_mib: int, largest: tuple[int, int]) -> None:
        super().__init__(
            f"The GPU has {have_mib} MiB, too little for pictures of {size[0]}x{size[1]}.",
            f"Set the working size to {largest[0]}x{largest[1]} or less, or close other programs that use the GPU.",
            size=list(size),
            have_mib=have_mib,
            largest=list(largest),
        )


@dataclass(frozen=True)
class MemoryPlan:
    """How sparingly to work: rows at once, whether the VAE works in tiles, whether networks take turns on the GPU."""

    batch: int
    tiled: bool = False
    offload: bool = False

    def smaller(self) -> MemoryPlan | None:
        """The next plan to try, None when there is none."""
        if self.batch > 1:
            return replace(self, batch=self.batch // 2)
        if not self.tiled:
            return replace(self, tiled=True)
        return None if self.offload else replace(self, offload=True)

    def sparing(self, steps: int) -> MemoryPlan:
        """The plan after `steps` workers ended with larger ones: one row at once, then tiles, then turns."""
        plan = self
        for _ in range(steps):
            plan = replace(plan, batch=1) if plan.batch > 1 else plan.smaller() or plan
        return plan

    def facts(self) -> dict[str, int | bool]:
        """As facts show it."""
        return {"batch": self.batch, "vae_tiled": self.tiled, "offload": self.offload}


@dataclass
class MemoryLadder:
    """Runs work within memory and remembers the plan that held. `reductions` are the plans that were given up."""

    plan: MemoryPlan
    apply: Callable[[MemoryPlan], None]
    family: str
    size: tuple[int, int]
    reductions: list[MemoryPlan] = field(default_factory=list)

    def run(self, items: Sequence[T], work: Callable[[Sequence[T]], None]) -> None:
        """Call `work` on all items in order, in batches as large as memory allows; a batch that fails is redone.

        Raises OutOfGpuMemory when one item doesn't fit with the smallest plan.
        """
        at = 0
        while at < len(items):
            try:
                work(items[at : at + self.plan.batch])
            except torch.OutOfMemoryError as error:
                self._give_up(error)
                continue
            at += self.plan.batch

    def _give_up(self, error: torch.OutOfMemoryError) -> None:
        smaller = self.plan.smaller()
        if smaller is None:
            have = free_mib()
            raise OutOfGpuMemory(self.size, have, largest_size(self.family, self.size, have)) from error
        self.reductions.append(self.plan)
        self.plan = smaller
        error.__traceback__ = None  # it holds the tensors that filled the memory
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.apply(smaller)


def first_plan(asked: int, family: str, size: tuple[int, int], device: torch.device) -> MemoryPlan:
    """The plan to start with: as many rows as asked for, or as are likely to fit; one on a CPU."""
    if asked:
        return MemoryPlan(asked)
    if device.type != "cuda":
        return MemoryPlan(1)
    return MemoryPlan(max(candidates(family, size, free_mib())))


def room_for_two(plan: MemoryPlan, family: str, size: tuple[int, int], device: torch.device) -> bool:
    """Whether a GPU has room for what a batch takes twice over: a recorded network keeps what it works in."""
    if device.type != "cuda":
        return True
    takes = needs_mib(family, size, plan.batch) - needs_mib(family, size, 0)
    return 2 * takes < 0.85 * free_mib()


def candidates(family: str, size: tuple[int, int], have_mib: int) -> Iterator[int]:
    """Batch sizes that fit beside the networks that are already loaded; 1 always counts."""
    yield 1
    base = needs_mib(family, size, 0)
    for batch in (2, 4, 8, 16):
        if needs_mib(family, size, batch) - base < 0.85 * have_mib:
            yield batch
