"""Which encoder of this machine's hardware holds a format's quality, found by encoding some frames with it.

For each encoder, from the coarsest quality on:

   the frames written twice, joined, read back ──► as many as there were, and as near the originals as the processor's?
                          fails, opens nowhere ──► the next encoder

So whatever a driver, a card or a build of FFmpeg can't do is found before a job relies on it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from restrip.errors import RestripError
from restrip.media.av.mux import HardwareEncoderFailed, encoders_known
from restrip.media.colour import ColourTags
from restrip.media.formats import FORMATS
from restrip.media.frame import Frame
from restrip.media.movies.hardware_encoding import HARDWARE, HardwareEncoder
from restrip.media.movies.joining import join
from restrip.media.reader import ClipReader
from restrip.media.writer import MovieWriter
from restrip.timeline import ClipRange, Rate

LESS_DB, LESS_SSIM = 0.3, 0.001
"""So much less like the originals than the processor's pictures may be: nobody sees it."""
GRAIN = 9.0  # code values: paint is harder to encode than most footage

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Likeness:
    """How like its original a picture is: peak signal-to-noise ratio, dB, and SSIM of luma, 0..1."""

    db: float
    ssim: float

    @classmethod
    def of(cls, picture: Frame, original: Frame) -> Likeness:
        """Of two pictures of one size."""
        a, b = picture.rgb8(), original.rgb8()
        return cls(_psnr(a, b), _ssim(a, b))

    def holds(self, bound: Likeness) -> bool:
        """Is a picture so like the original as good as one of `bound`?"""
        return self.db >= bound.db - LESS_DB and self.ssim >= bound.ssim - LESS_SSIM


@dataclass(frozen=True)
class EncoderFound:
    """The encoder that was found, as HardwareEncoder.named names it, "" for none; and why, in a sentence."""

    hardware: str
    note: str


def find_hardware(format_name: str, frames: Sequence[Frame], colour: ColourTags | None = None) -> EncoderFound:
    """The first encoder that writes `frames`, all of one size, as well as the processor does, at its coarsest quality
    that does.

    `frames` should be of the footage; what they are painted with is made up. Never raises for a device's sake.
    """
    label = FORMATS[format_name].label
    known = [one for one in HARDWARE.get(format_name, ()) if one.codec in encoders_known()]
    if not known:
        return EncoderFound("", f"{label} is encoded by the processor: nothing else can.")
    shown = [*frames, *(_painted(frame, n) for n, frame in enumerate(frames))]
    reasons = []
    with tempfile.TemporaryDirectory(prefix="restrip-encode-") as folder:
        trial = _Trial(Path(folder), format_name, shown, colour)
        bounds = trial.likenesses("")
        for encoder in known:
            try:
                quality = _quality(encoder, trial, bounds)
            except (RestripError, OSError) as error:
                reasons.append(f"{encoder.codec}: {_reason(error)}")
                continue
            if quality is not None:
                return EncoderFound(
                    encoder.named(quality), f"{label} is encoded by {encoder.codec}, at quality {quality}."
                )
            reasons.append(f"{encoder.codec}: not as good as the processor at any quality")
    return EncoderFound("", f"{label} is encoded by the processor ({'; '.join(reasons)}).")


def works(format_name: str, hardware: str, size: tuple[int, int]) -> bool:
    """Does an encoder that was found, here or on another machine, take pictures of (width, height) now?"""
    frame = Frame(np.zeros((size[1], size[0], 3), np.uint8))
    with tempfile.TemporaryDirectory(prefix="restrip-encode-") as folder:
        try:
            _Trial(Path(folder), format_name, [frame], None).written(hardware, "one")
        except (RestripError, OSError):
            return False
    return True


def _quality(encoder: HardwareEncoder, trial: _Trial, bounds: Sequence[Likeness]) -> int | None:
    for quality in encoder.qualities:
        found = trial.likenesses(encoder.named(quality))
        if all(one.holds(bound) for one, bound in zip(found, bounds, strict=True)):
            return quality
    return None


class _Trial:
    """Frames written and read back."""

    def __init__(self, folder: Path, format_name: str, frames: Sequence[Frame], colour: ColourTags | None) -> None:
        self._folder, self._format, self._frames, self._colour = folder, format_name, list(frames), colour
        self._rate = Rate(Fraction(25))

    def written(self, hardware: str, name: str) -> Path:
        """A file of the frames."""
        path = self._folder / f"{name}{FORMATS[self._format].extension}"
        size = self._frames[0].size
        with MovieWriter(path, size, self._rate, self._format, self._colour, hardware=hardware) as writer:
            for frame in self._frames:
                writer.write(frame)
        return path

    def likenesses(self, hardware: str) -> list[Likeness]:
        """How like the frames two files of them are, joined as strips are. Raises HardwareEncoderFailed."""
        twice = [self.written(hardware, name) for name in ("one", "two")]
        joined = twice[0].with_stem("joined")
        count = join(twice, joined)
        if count != 2 * len(self._frames):
            raise HardwareEncoderFailed(hardware, f"{count} pictures of {2 * len(self._frames)} came out")
        with ClipReader(ClipRange((str(joined),), self._rate, count), strict=True) as reader:
            return [Likeness.of(reader.frame(n), frame) for n, frame in enumerate(2 * self._frames)]


def _painted(frame: Frame, seed: int) -> Frame:
    """A frame with the fine detail that a look adds to it."""
    grain = np.random.default_rng(seed).normal(0, GRAIN * 2, frame.rgb.shape[:2]).astype(np.float32)
    strokes = cv2.GaussianBlur(grain, (0, 0), 0.8)[..., None]
    return Frame(np.clip(frame.rgb8() + strokes, 0, 255).astype(np.uint8)).with_depth(frame.deep)


def _psnr(a: Pixels, b: Pixels) -> float:
    error = float(np.mean(np.square(a.astype(np.float32) - b)))
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def _ssim(a: Pixels, b: Pixels) -> float:
    """Wang et al. 2004, of luma, under a Gaussian window of 1.5 pixels."""
    x, y = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) for picture in (a, b))

    def around(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mx, my = around(x), around(y)
    xx, yy, xy = around(x * x) - mx * mx, around(y * y) - my * my, around(x * y) - mx * my
    one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * mx * my + one) * (2 * xy + two) / ((mx * mx + my * my + one) * (xx + yy + two))))


def _reason(error: Exception) -> str:
    """Why, in few words."""
    said = error.detail.get("reason", "") if isinstance(error, RestripError) else ""
    return str(said or error).strip().rstrip(".")
