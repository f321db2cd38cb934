"""Evaluations of a network that are recorded once and replayed: one start on a GPU instead of a thousand.

    first calls of a kind    asked as ever; what is to be compiled is compiled then
    then                     recorded on tensors that stay where they are, and compared with what the network gives
    later calls              arguments copied into these tensors, replayed, the result copied out

A kind is the shapes of the arguments and where the network looks for an anchor. What can't be recorded, or doesn't give
what the network gives, is asked as ever from then on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import torch

from restrip.cuda.graph_recorder import Recorder
from restrip.looks.diffusion.runtime.speed.nests import Beside, alike, kind_of, mapped, nothing_beside, tensors

# Recordings that are kept, and calls of a kind before one is made: one that is asked a few times isn't worth it.
MOST, AFTER = 6, 3

# How far a recording may be from what the network gives, as a share of the largest number.
ALIKE = 1e-2


@dataclass(eq=False)
class Recording:
    """An evaluation on its own tensors: what it is asked with, what it gives, and what it leaves beside that."""

    asked: Any
    replay: Callable[[], None]
    given: Any
    left: dict[str, list[torch.Tensor]]


class Replayed:
    """A network that is asked like any, and recorded where that works. `moves` counts how often its weights moved."""

    def __init__(
        self,
        network: Callable[..., Any],
        recorder: Recorder,
        beside: Beside = nothing_beside,
        moves: Callable[[], int] = int,
    ) -> None:
        self.network, self.recorder, self.beside, self.moves = network, recorder, beside, moves
        self._moved = moves()
        self.failed = ""
        self.recordings: OrderedDict[Hashable, Recording] = OrderedDict()
        self._asked: dict[Hashable, int] = {}

    def __call__(self, *args: Any, **more: Any) -> Any:
        """What the network gives, in tensors of the caller's own."""
        if self.failed:
            return self.network(*args, **more)
        if self.moves() != self._moved:
            self.forget()  # recordings look for weights where they were
            self._moved = self.moves()
        beside = self.beside()
        kind = kind_of((args, more)), None if beside is None else beside.places
        recording = self.recordings.get(kind)
        if recording is None:
            self._asked[kind] = self._asked.get(kind, 0) + 1
            if self._asked[kind] <= AFTER:
                return self.network(*args, **more)
            return self._recorded(kind, args, more)
        self.recordings.move_to_end(kind)
        _fill(recording.asked, (args, more))
        recording.replay()
        if beside is not None:
            beside.left = recording.left
        return mapped(recording.given, torch.clone)

    def __getattr__(self, name: str) -> Any:
        """What is known of the network."""
        return getattr(self.network, name)

    def forget(self) -> None:
        """Drop all recordings, and the memory that they hold."""
        self.recordings.clear()
        self._asked.clear()

    def _recorded(self, kind: Hashable, args: Any, more: Any) -> Any:
        """Record a call; gives what the network gives without."""
        expected = self.network(*args, **more)
        beside = self.beside()
        left = {} if beside is None else beside.left
        try:
            asked = mapped((args, more), torch.clone)
            replay, (given, now_left) = self.recorder(lambda: self._with_left(*asked))
            recording = Recording(asked, replay, given, now_left)
            replay()
            if not (alike(given, expected, ALIKE) and alike(recording.left, left, ALIKE)):
                raise RuntimeError("the recording gives something else")
        except RuntimeError as error:  # out of memory too: without recordings there may be enough
            self.forget()
            self.failed = str(error).strip().split("\n")[0] or type(error).__name__
        else:
            self.recordings[kind] = recording
            while len(self.recordings) > MOST:
                self.recordings.popitem(last=False)
        if beside is not None:
            beside.left = left
        return expected

    def _with_left(self, args: Any, more: Any) -> tuple[Any, dict[str, list[torch.Tensor]]]:
        given, beside = self.network(*args, **more), self.beside()
        return given, {} if beside is None else beside.left


def _fill(stay: Any, values: Any) -> None:
    for mine, value in zip(tensors(stay), tensors(values), strict=True):
        mine.copy_(value)
