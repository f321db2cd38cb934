"""What a look is: the thing that turns a key's frame into its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from restrip.errors import BadInput

if TYPE_CHECKING:  # The supervisor lists looks without numpy.
    import numpy as np
    import numpy.typing as npt

    from restrip.media.frame import Frame
    from restrip.progress import Report
    from restrip.timeline import ClipRange, Key

    Matte = npt.NDArray[np.generic]


class UnknownLook(BadInput):
    """A look's name that names no look."""

    code = "unknown-look"


class LookUnavailable(BadInput):
    """A look that is known but can't be used here: a package, a network or a checkpoint is missing or broken."""

    code = "look-unavailable"


@dataclass(frozen=True, eq=False)
class Styled:
    """A key's picture, of its frame's size and depth.

    `facts` say how it was made (device, precision, the size that the network ran at); `notes` are sentences that the
    user should read.
    """

    picture: Frame
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Beside:
    """What a job knows beside its keys' frames, for looks that say `takes_beside`.

    `mattes` are [H, W] of the frames' sizes, uint8, uint16 or float in 0..1, white where the picture changes: one a
    frame, or none at all; `anchor_matte` is the anchor's. `previous` are the frame and the finished picture of the
    neighbouring key on the anchor's side, one a frame, None where there is none in the shot. `clip` is what the keys'
    frame numbers count in, `keys` how many keys the job makes in all.
    """

    mattes: Sequence[Matte | None] = ()
    anchor_matte: Matte | None = None
    previous: Sequence[tuple[Frame, Frame] | None] = ()
    clip: ClipRange | None = None
    keys: int = 0


class Look(Protocol):
    """Makes key pictures. One look serves one job: its name and settings are fixed when it is opened."""

    @property
    def name(self) -> str:
        """The whole name, as "neural:19"."""

    @property
    def needs_anchor(self) -> bool:
        """Whether all keys of a job are made against one of them."""

    def identity(self) -> dict[str, Any]:
        """JSON-able facts that decide the picture, beside frame and key: networks' hashes, versions, settings."""

    def stylize(
        self,
        frames: Sequence[Frame],
        keys: Sequence[Key],
        report: Report,
        anchor: tuple[Frame, Key] | None = None,
    ) -> list[Styled]:
        """One picture for each frame and its key, of the frame's size, depth and alpha.

        The result does not depend on which keys are made together. `report` is called after each step.
        """
