"""What a picture's numbers mean: the space that it names, and the way from there to the colours of the frames.

    code ── curve ──► linear R G B of the space ── [3, 3] ──► linear of the frames' primaries ── sRGB's curve ──► code

Frames are edited and shown as code values; a picture in sRGB lies over frames of BT.709 as it is. For frames of other
primaries (BT.2020, P3) it is converted to those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.curves import Curve, hlg_decoded, hlg_displayed, linear, power, pq_decoded, srgb_coded, srgb_decoded
from restrip.media.frame import Frame
from restrip.media.primaries import KNOWN, REC709, Matrix, between

Floats = npt.NDArray[np.float32]

CURVES: dict[str, Curve] = {
    "iec61966-2-1": srgb_decoded,
    "gamma22": power(2.2),
    "gamma28": power(2.8),
    "linear": linear,
    "smpte2084": pq_decoded,
    "arib-std-b67": hlg_decoded,
}
"""By FFmpeg's words. Video's own curves (BT.709, BT.2020) are those of the frames, which count as sRGB's."""

ALIKE = 0.6 / 255
"""Code values that differ by less are the same: profiles of sRGB round its curve in different ways."""
ROWS = 256


@dataclass(frozen=True, eq=False)
class ColourSpace:
    """R'G'B' by curves and primaries. `to_709` takes its linear R G B to that of Rec. 709; `curves` are one a channel.

    `scene` says that white isn't the brightest (PQ, HLG): what is brighter has to be brought down.
    """

    name: str
    to_709: Matrix = field(default_factory=lambda: np.eye(3))
    curves: tuple[Curve, Curve, Curve] = (srgb_decoded, srgb_decoded, srgb_decoded)
    scene: bool = False

    @classmethod
    def of_tags(cls, primaries: str, transfer: str, name: str = "") -> ColourSpace:
        """A space by the words of H.273; what they leave open is sRGB's."""
        curve = CURVES.get(transfer, srgb_decoded)
        to_709 = between(KNOWN[primaries]) if primaries in KNOWN else np.eye(3)
        return cls(name or f"{primaries}, {transfer}", to_709, (curve, curve, curve), transfer in SCENE)

    def light(self, code: npt.NDArray[Any], white: int) -> Floats:
        """Linear Rec. 709 [H, W, 3] of code values in 0..white."""
        steps = np.arange(white + 1) / white
        channels = [self.curves[n](steps).astype(np.float32)[code[..., n]] for n in range(3)]
        light = np.stack(channels, axis=-1)
        if self.curves[0] is hlg_decoded:
            light = hlg_displayed(light).astype(np.float32)
        mixed: Floats = cv2.transform(light, self.to_709)
        return mixed

    def is_srgb(self) -> bool:
        """Whether it differs from sRGB by no more than its rounding."""
        steps = np.linspace(0, 1, 33)
        apart = max(float(np.abs(srgb_coded(np.clip(c(steps), 0, 1)) - steps).max()) for c in self.curves)
        return apart < ALIKE and float(np.abs(self.to_709 - np.eye(3)).max()) < 0.01


SCENE = {"smpte2084", "arib-std-b67"}
SRGB = ColourSpace("sRGB")


def coded(light: Floats, primaries: str = "", *, roll: Callable[[Floats], Floats] | None = None) -> npt.NDArray[Any]:
    """Linear Rec. 709 [H, W, 3] as 16-bit code values of frames with these primaries; what lies outside is clipped.

    `roll` brings highlights down before.
    """
    if roll is not None:
        light = roll(light)
    if primaries in KNOWN and primaries != "bt709":
        light = cv2.transform(light, between(REC709, KNOWN[primaries]))
    out = np.empty(light.shape, np.uint16)
    for top in range(0, len(light), ROWS):
        band = np.clip(np.nan_to_num(light[top : top + ROWS], posinf=1.0), 0, 1)
        out[top : top + ROWS] = np.rint(srgb_coded(band) * 65535)
    return out


def converted(
    frame: Frame, space: ColourSpace, primaries: str = "", roll: Callable[[Floats], Floats] | None = None
) -> Frame:
    """A picture of a space in the colours of frames, 16 bit; itself where these are the same."""
    wide = primaries in KNOWN and primaries not in ("bt709", "bt470bg", "smpte170m", "smpte240m")
    if not space.scene and not wide and space.is_srgb():
        return frame
    light = space.light(frame.rgb, frame.white)
    rgb = coded(light, primaries if wide else "", roll=roll if space.scene else None)
    return Frame(rgb, frame.with_depth(True).alpha)
