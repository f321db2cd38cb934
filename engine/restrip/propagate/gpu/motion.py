"""Motion from every frame to a key on the device: as motion.py has it, both flows of a frame searched at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from restrip.propagate.gpu.flow import dense, inverted, scharr, solved
from restrip.propagate.gpu.light import exposed, exposure
from restrip.propagate.gpu.planes import box, gray_of, planar, pull
from restrip.propagate.motion import FAVOUR, LIGHT_SIDE, MIN_SIDE
from restrip.propagate.refine import CALM, FARTHEST, TURNS, WINDOW


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame on the device: `rgb` [H, W, 3] uint8, `colour` [3, H, W] float32, `gray` [H, W] float32."""

    rgb: Tensor
    colour: Tensor
    gray: Tensor

    @classmethod
    def of(cls, rgb: Tensor) -> Shown:
        """Of a picture [H, W, 3] uint8."""
        return cls(rgb, planar(rgb), gray_of(rgb))


def flows_to(frame: Shown, targets: list[Shown]) -> list[Tensor]:
    """Motion from the frame to each target, [H, W, 2]; none where pictures are too small to search.

    The search compares luma as it is, so light that changed as a whole is taken out first.
    """
    if min(frame.gray.shape) < MIN_SIDE:
        return [frame.gray.new_zeros((*frame.gray.shape, 2)) for _ in targets]
    every = _every(frame.gray)
    colours = [shown.colour[:, ::every, ::every] for shown in (frame, *targets)]
    lumas = [exposed(t.gray, exposure(colours[0], c)) for t, c in zip(targets, colours[1:], strict=True)]
    return list(dense(frame.gray, torch.stack(lumas)))


def pulled(planes: Tensor, flow: Tensor) -> Tensor:
    """Planes [C, H, W] seen through a flow [H, W, 2]."""
    return pull(planes[None], flow[None])[0]


def extend(first: Tensor, rest: Tensor | None) -> Tensor:
    """`first`, then `rest` from where it leads; all [H, W, 2]."""
    return first if rest is None else first + pulled(rest.permute(2, 0, 1), first).permute(1, 2, 0)


def best_of(frame: Tensor, key: Tensor, flows: list[Tensor]) -> Tensor:
    """Per pixel the flow that rebuilds `frame` from `key`, both [3, H, W], best, the first one favoured."""
    missing = frame - pull(key.expand(len(flows), *key.shape), torch.stack(flows))
    errors = box(missing.square_().sum(1, keepdim=True), 9)[:, 0]
    best, chosen = errors[0] * FAVOUR, flows[0]
    for error, flow in zip(errors[1:], flows[1:], strict=True):
        chosen = torch.where((error < best)[..., None], flow, chosen)
        best = torch.minimum(best, error)
    return chosen


def refined(frame: Tensor, key: Tensor, flow: Tensor) -> Tensor:
    """`flow` [H, W, 2] from luma `frame` to luma `key`, both [H, W], moved to where they agree (refine.py)."""
    luma, gradient = frame[None, None], scharr(frame[None, None])
    x, y = gradient[:, :1], gradient[:, 1:]
    xx, xy, yy = box(torch.cat([x * x, x * y, y * y], 1), WINDOW).split(1, 1)
    inverse, flow = inverted(xx + CALM, xy, yy + CALM), flow[None]
    for _ in range(TURNS):
        pulls = box(gradient * (luma - pull(key[None, None], flow)), WINDOW)
        flow = flow + solved(inverse, pulls).clamp_(-FARTHEST, FARTHEST)
    return flow[0]


class StepMotion:
    """The motion from each frame to the one before it."""

    def __init__(self) -> None:
        self._last: Shown | None = None

    def next(self, frame: Shown) -> Tensor | None:
        """Motion from this frame to the one of the last call; None at the first."""
        before, self._last = self._last, frame
        return None if before is None else flows_to(frame, [before])[0]


class KeyMotion:
    """The motion to one key, walked away from it one frame at a time. `step` is the last step, to the frame before."""

    def __init__(self, key: Shown) -> None:
        self._key = key
        self.step: Tensor | None = None
        self.restart()

    def restart(self) -> None:
        """Be back at the key."""
        self._last, self._flow = self._key, None

    def resume(self, flow: Tensor, frame: Shown) -> None:
        """Be at a frame where `flow` is the motion to the key."""
        self._last, self._flow = frame, flow

    def next(self, frame: Shown) -> Tensor:
        """Motion from the next frame away from the key to the key, [H, W, 2]."""
        targets = [self._last] if self._flow is None else [self._last, self._key]
        self.step, *straight = flows_to(frame, targets)
        chained = extend(self.step, self._flow)
        light = light_between(frame.colour, self._key.colour, chained)
        key, key_gray = exposed(self._key.colour, light), exposed(self._key.gray, light)
        flow = best_of(frame.colour, key, [chained, *straight])
        fine = refined(frame.gray, key_gray, flow)
        self._flow = best_of(frame.colour, key, [fine, flow])
        self._last = frame
        return self._flow


def light_between(frame: Tensor, key: Tensor, flow: Tensor) -> Tensor:
    """The exposure [2] of `frame` against `key`, both [3, H, W], which `flow` leads to; from some of the pixels."""
    every = _every(frame[0])
    frame, key, flow = frame[:, ::every, ::every], key[:, ::every, ::every], flow[::every, ::every]
    return exposure(frame, pulled(key, flow / every))


def _every(plane: Tensor) -> int:
    """Of how many rows and columns of [H, W] one is enough to compare light."""
    return max(1, min(plane.shape) // LIGHT_SIDE)
