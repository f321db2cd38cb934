"""Room for one task at a time: on this machine's processor, on one of its GPUs, or somewhere in a cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WorkerSpec:
    """`kinds` are the tasks that may be done here, all when empty; `environment` is what its worker sees beside the
    engine's own variables.
    """

    name: str
    kinds: frozenset[str] = frozenset()
    environment: tuple[tuple[str, str], ...] = ()

    def takes(self, kind: str) -> bool:
        """Whether a task of this kind may be done here."""
        return not self.kinds or kind in self.kinds


RENDER = WorkerSpec("render")
LIGHT = WorkerSpec("light")
GUESTS = WorkerSpec("guests")
"""For guests' queries: however long they take, the owner's queries don't wait for them."""
