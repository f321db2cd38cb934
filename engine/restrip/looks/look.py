"""What a look is: the thing that turns a key's frame into its picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from restrip.errors import BadInput
from restrip.media.frame_colours import AS_SRGB, FrameColours

if TYPE_CHECKING:  # The supervisor lists looks without numpy.
    import numpy as np
    import numpy.typing as npt

    from restrip.media.frame import Frame
    from restrip.progress import Report
    from restrip.registration.correction import Correction
    from restrip.timeline import ClipRange, Key

    Matte = npt.NDArray[np.generic]


READING_STAGE = 3
"""Of pictures that a user gives (keys, styles), in the hashes of what is made from them: raised when they are read in
another way. From 2 on their profiles and tags of colour count, from 3 on TIFFs of floats and five channels are right.
"""


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
    """What a job knows beside its keys' frames; a look takes of it what its traits say, and leaves the rest alone.

    `mattes` are [H, W] of the frames' sizes, uint8, uint16 or float in 0..1, white where the picture changes: one a
    frame, or none at all; `anchor_matte` is the anchor's. Only a look that `takes_mattes` is given any. `previous` are
    the frame and the finished picture of the neighbouring key on the anchor's side, one a frame, None where there is
    none in the shot, and for a look that doesn't carry it on (`carries_previous`). `clip` is what the keys' frame
    numbers count in, `keys` how many the job has yet to make, these among them. `corrections` say what is done with
    pictures that were given for the keys, one a frame; `colours` are the frames', to which such pictures are converted;
    `clip_size` is the clip's own (width, height), in which its frames are exported.
    """

    mattes: Sequence[Matte | None] = ()
    anchor_matte: Matte | None = None
    previous: Sequence[tuple[Frame, Frame] | None] = ()
    clip: ClipRange | None = None
    keys: int = 0
    corrections: Sequence[Correction] = ()
    colours: FrameColours = AS_SRGB
    clip_size: tuple[int, int] | None = None


@dataclass(frozen=True)
class LookTraits:
    """What a job has to know of a look to plan its keys and to ask for them.

    needs_anchor        all keys of a job are made against one of them
    takes_mattes        inside a matte it makes another picture than without; keys that a matte blackens are left out
    carries_previous    each key is also made from the finished one before it, so they are made one by one
    uses_gpu            a GPU makes the keys where there is one; else it is the processor's work
    batches             on a GPU many keys at once take less than one after the other
    beside              on the processor it makes several small keys of one call at the same time
    """

    needs_anchor: bool = False
    takes_mattes: bool = False
    carries_previous: bool = False
    uses_gpu: bool = False
    batches: bool = False
    beside: bool = False


PLAIN = LookTraits()
"""Those of a look that makes each key alone, on the processor."""


@dataclass(frozen=True)
class Estimate:
    """What one key takes before anything is loaded: the working size (width, height) that the look makes it at, the
    GPU memory for one at a time, and how many times a network is evaluated.

    `least_mib` is what it takes when networks take turns on the GPU, where that is known; `lighter` a sentence that
    says how it could take less.
    """

    size: tuple[int, int]
    needs_mib: int
    evaluations: int
    least_mib: int | None = None
    lighter: str = ""


class Look(ABC):
    """Makes key pictures. One look serves one job: its name and settings are fixed when it is opened.

    A look has `name`, its whole name such as "neural:19", and its `traits`; it says what decides its pictures
    (`identity`) and makes them (`stylize`). Everything else has a default that is right for a simple look.
    """

    name: str

    @property
    def traits(self) -> LookTraits:
        """What a job has to know of this look, its settings considered."""
        return PLAIN

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """JSON-able facts that decide the picture, beside frame and key: networks' hashes, versions, settings."""

    @abstractmethod
    def stylize(
        self,
        frames: Sequence[Frame],
        keys: Sequence[Key],
        report: Report,
        anchor: tuple[Frame, Key] | None = None,
        beside: Beside | None = None,
    ) -> list[Styled]:
        """One picture for each frame and its key, of the frame's size, depth and alpha.

        The result does not depend on which keys are made together. `report` is called after each step. `anchor` is the
        frame and key that a look which `needs_anchor` makes the others against.
        """

    def drafted(self) -> Look:
        """The look for drafts: quicker, and its pictures may be smaller than their frames; by default the look itself.

        It shows what comes: the same strokes and the same noise for the same seeds, at the same places. Its identity is
        another as far as its pictures are, beside their size.
        """
        return self

    def key_facts(self) -> Mapping[int, str]:
        """By frame, what decides a key's picture beside `identity`, such as the hash of a file of its own."""
        return {}

    def prompt_facts(self, prompt: str) -> Sequence[str]:
        """What decides a key's picture beside `identity` and the words of its prompt: hashes of files that it names."""
        return ()

    def picture_given(self, key: Key) -> str:
        """The path of the picture that was given for a key; "" when the look makes it."""
        return key.image or ""

    def check_keys(self, keys: Sequence[Key]) -> None:  # noqa: B027  a default, to be left as it is
        """Raise the look's own error when it can't make a picture for each of these keys."""

    def estimate(self, size: tuple[int, int]) -> Estimate | None:
        """What one key of a frame of `size` (width, height) takes; None for a look that fits everywhere."""
        return None

    def largest(self, size: tuple[int, int], have_mib: int) -> tuple[int, int]:
        """The largest working size for frames of `size` that fits into so much GPU memory, one frame at a time."""
        return size

    def spare_memory(self, steps: int) -> None:  # noqa: B027  a default, too
        """Begin with less memory from now on, after `steps` workers ended while they made keys."""
