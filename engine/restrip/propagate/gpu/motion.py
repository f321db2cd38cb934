"""Motion from every frame to a key on the device: as motion.py has it, both flows of a frame searched at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import torch
from torch import Tensor

from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.energy.motion import AROUND, FAVOUR, LIGHT_SIDE, MIN_SIDE
from restrip.propagate.energy.refine import CALM, FARTHEST, TURNS, WINDOW
from restrip.propagate.gpu.flow import dense, inverted, scharr, solved
from restrip.propagate.gpu.graphs import Graphs, Tensors
from restrip.propagate.gpu.planes import box, gray_of, planar, pull
from restrip.propagate.gpu.shading import exposed, exposure, partly, relit


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame on the device: `rgb` [H, W, 3] uint8, `gray` [H, W] float32."""

    rgb: Tensor
    gray: Tensor

    @cached_property
    def colour(self) -> Tensor:
        """[3, H, W] float32; Triton's kernels do without."""
        return planar(self.rgb)


class Finds(Protocol):
    """How motion is found: by the functions of this file, or by Triton kernels (stages.py has both)."""

    @property
    def graphs(self) -> Graphs: ...  # noqa: D102

    def flows_to(self, frame: Shown, targets: list[Shown]) -> Tensor: ...  # noqa: D102

    def led(  # noqa: D102
        self, frame: Shown, key: Shown, leads: list[Tensor], rest: Tensor | None, effort: Effort = WHOLE
    ) -> Tensor: ...


def shown(rgb: Tensor) -> Shown:
    """A picture [H, W, 3] uint8 and its luma."""
    return Shown(rgb, gray_of(rgb))


def flows_to(frame: Shown, targets: list[Shown]) -> Tensor:
    """Motion from the frame to each target, [B, H, W, 2]; none where pictures are too small to search.

    The search compares luma as it is, so light that changed as a whole is taken out first.
    """
    if min(frame.gray.shape) < MIN_SIDE:
        return frame.gray.new_zeros((len(targets), *frame.gray.shape, 2))
    every = every_of(frame.gray)
    colours = [shown.colour[:, ::every, ::every] for shown in (frame, *targets)]
    lumas = [exposed(t.gray, exposure(colours[0], c)) for t, c in zip(targets, colours[1:], strict=True)]
    return dense(frame.gray, torch.stack(lumas))


def led(frame: Shown, key: Shown, leads: list[Tensor], rest: Tensor | None, effort: Effort = WHOLE) -> Tensor:
    """The motion to the key [H, W, 2] from what leads there: a step, then `rest`; and perhaps what leads there at once.

    Pixel by pixel the better of the two, moved to where luma agrees, if that is better still.
    """
    chained = extend(leads[0], rest)
    light = light_between(frame.colour, key.colour, chained)
    colour, gray = exposed(key.colour, light), exposed(key.gray, light)
    lead = Lead.of(chained, frame.colour, colour)
    for flow in leads[1:]:
        lead = lead.or_better(Lead.of(flow, frame.colour, colour))
    return Lead.of(refined(frame.gray, gray, lead.flow, effort.turns), frame.colour, colour).or_better(lead).flow


def rebuilt(frame: Shown, key: Shown, lead: Tensor, flow: Tensor) -> Tensor:
    """How badly the key, read through `flow`, rebuilds the frame, squared, [H, W]; `lead` says in what light."""
    colour = exposed(key.colour, light_between(frame.colour, key.colour, lead))
    return (frame.colour - pulled(colour, flow)).square_().sum(0)


def relit_for(frame: Shown, key: Shown, flow: Tensor, strength: float) -> tuple[Tensor, Tensor, Tensor]:
    """The frame [H, W, 3] uint8 in the key's light; in the light that is followed so far; and that one, [2]."""
    seen = exposure(frame.colour, pulled(key.colour, flow))
    followed = partly(seen, strength)
    in_keys, in_followed = (_interleaved(relit(frame.colour, seen, light)) for light in (partly(seen, 0.0), followed))
    return in_keys, in_followed, followed


def _interleaved(planes: Tensor) -> Tensor:
    """[H, W, 3] uint8 of planes [3, H, W] of whole numbers."""
    return planes.permute(1, 2, 0).to(torch.uint8, memory_format=torch.contiguous_format)


def pulled(planes: Tensor, flow: Tensor) -> Tensor:
    """Planes [C, H, W] seen through a flow [H, W, 2]."""
    return pull(planes[None], flow[None])[0]


def extend(first: Tensor, rest: Tensor | None) -> Tensor:
    """`first`, then `rest` from where it leads; all [H, W, 2]."""
    return first if rest is None else first + pulled(rest.permute(2, 0, 1), first).permute(1, 2, 0)


@dataclass(frozen=True, eq=False)
class Lead:
    """A flow [H, W, 2], and around each pixel the mean squared error with which it rebuilds a frame, [H, W]."""

    flow: Tensor
    error: Tensor

    @classmethod
    def of(cls, flow: Tensor, frame: Tensor, key: Tensor) -> Lead:
        """Of a flow from `frame` to `key`, both [3, H, W]."""
        missing = frame - pulled(key, flow)
        return cls(flow, box(missing.square_().sum(0)[None, None], AROUND)[0, 0])

    def or_better(self, other: Lead) -> Lead:
        """This one, but the other one where that is clearly better."""
        taken = other.error < self.error * FAVOUR
        return Lead(torch.where(taken[..., None], other.flow, self.flow), torch.where(taken, other.error, self.error))


def refined(frame: Tensor, key: Tensor, flow: Tensor, turns: int = TURNS) -> Tensor:
    """`flow` [H, W, 2] from luma `frame` to luma `key`, both [H, W], moved to where they agree (refine.py)."""
    luma, gradient = frame[None, None], scharr(frame[None, None])
    x, y = gradient[:, :1], gradient[:, 1:]
    xx, xy, yy = box(torch.cat([x * x, x * y, y * y], 1), WINDOW).split(1, 1)
    inverse, flow = inverted(xx + CALM, xy, yy + CALM), flow[None]
    for _ in range(turns):
        pulls = box(gradient * (luma - pull(key[None, None], flow)), WINDOW)
        flow = flow + solved(inverse, pulls).clamp_(-FARTHEST, FARTHEST)
    return flow[0]


class StepMotion:
    """The motion from each frame to the one before it."""

    def __init__(self, finds: Finds) -> None:
        self._finds = finds
        self._last: Shown | None = None

    def next(self, frame: Shown) -> Tensor | None:
        """Motion from this frame to the one of the last call; None at the first."""
        before, self._last = self._last, frame
        return None if before is None else self._finds.flows_to(frame, [before])[0]


class KeyMotion:
    """The motion to one key, walked away from it one frame at a time. `step` is the last step, to the frame before."""

    step: Tensor | None
    _flow: Tensor | None

    def __init__(self, key: Shown, finds: Finds, effort: Effort = WHOLE) -> None:
        self._key, self._finds, self._effort = key, finds, effort
        self._walked = finds.graphs.work(("motion", effort), partial(walked, finds, effort))
        self.restart()

    def restart(self) -> None:
        """Be back at the key."""
        self._last, self._flow, self.step = self._key, None, None

    def resume(self, flow: Tensor, frame: Shown) -> None:
        """Be at a frame where `flow` is the motion to the key."""
        self._last, self._flow = frame, flow

    @property
    def flow(self) -> Tensor | None:
        """The motion from the last frame to the key; None at the key itself."""
        return self._flow

    def next(self, frame: Shown) -> Tensor:
        """Motion from the next frame away from the key to the key, [H, W, 2]."""
        given = named(frame=frame, last=self._last, key=self._key)
        if self._flow is None:
            found = walked(self._finds, self._effort, given)
        else:
            found = self._walked(given | {"rest": self._flow})
        self.step, self._last, self._flow = found["step"], frame, found["flow"]
        return found["flow"]


def named(**shown: Shown) -> Tensors:
    """Frames as named tensors; `shown_in` gives them back."""
    return {f"{name} {part}": getattr(one, part) for name, one in shown.items() for part in ("rgb", "gray")}


def shown_in(given: Tensors, name: str) -> Shown:
    """The frame of this name."""
    return Shown(given[f"{name} rgb"], given[f"{name} gray"])


def walked(finds: Finds, effort: Effort, given: Tensors) -> Tensors:
    """The step from `frame` to the `last` one and the motion to the `key`, from the last one's, which is the `rest`."""
    frame, last, key = (shown_in(given, name) for name in ("frame", "last", "key"))
    rest = given.get("rest")
    leads = list(finds.flows_to(frame, [last] if rest is None else [last, key]))
    return {"step": leads[0], "flow": finds.led(frame, key, leads, rest, effort)}


def light_between(frame: Tensor, key: Tensor, flow: Tensor) -> Tensor:
    """The exposure [2] of `frame` against `key`, both [3, H, W], which `flow` leads to; from some of the pixels."""
    every = every_of(frame[0])
    frame, key, flow = frame[:, ::every, ::every], key[:, ::every, ::every], flow[::every, ::every]
    return exposure(frame, pulled(key, flow / every))


def every_of(plane: Tensor) -> int:
    """Of how many rows and columns of [H, W] one is enough to compare light."""
    return max(1, min(plane.shape) // LIGHT_SIDE)
