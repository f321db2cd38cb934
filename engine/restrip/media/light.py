"""Clips whose light goes beyond white (PQ, HLG, OpenEXR): their light, what a look sees of it, and the way back.

    file ── Light ── proxy: 16-bit frame in sRGB ── look, propagation ── styled frame
              └───────────────────────── restored ─────────────────────────┘── coded as the file is

Light is linear, 1 being diffuse white (203 nits in PQ and HLG), in the clip's own primaries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.colour import ColourTags
from restrip.media.curves import hlg_coded, hlg_decoded, hlg_displayed, hlg_scene, pq_coded, pq_decoded, srgb_decoded
from restrip.media.frame import Frame
from restrip.media.highlights import restored, rolled
from restrip.media.pictures.colour_space import coded
from restrip.media.primaries import KNOWN, REC709, Matrix, between

Floats = npt.NDArray[np.float32]

PQ = "smpte2084"
BEYOND = frozenset({PQ, "arib-std-b67"})
"""Transfer curves, by FFmpeg's words, that go beyond white."""
MOST_LIGHT = 65504.0
"""The largest that half floats hold."""
BLUR_PART, LEAST_BLUR_PX = 1 / 480, 0.8
"""Over which part of a picture's shorter side strokes don't count for colours that no display has."""
STEPS = np.arange(65536) / 65535


@dataclass(frozen=True, eq=False)
class SceneLight:
    """Linear light [H, W, 3] float32, 1 being diffuse white, in the clip's primaries; alpha [H, W] float32 straight."""

    rgb: Floats
    alpha: Floats | None = None

    def fitted(self, size: tuple[int, int]) -> SceneLight:
        """At another size (width, height); itself when it has that size."""
        if self.rgb.shape[1::-1] == size:
            return self
        smaller = size[0] <= self.rgb.shape[1] and size[1] <= self.rgb.shape[0]
        method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        if self.alpha is None:
            return SceneLight(cv2.resize(self.rgb, size, interpolation=method))
        alpha = np.clip(cv2.resize(self.alpha, size, interpolation=method), 0, 1)
        seen = cv2.resize(self.rgb * self.alpha[..., None], size, interpolation=method)
        return SceneLight(np.where(alpha[..., None] > 1e-3, seen / np.maximum(alpha, 1e-3)[..., None], 0), alpha)


@dataclass(frozen=True)
class LightCoding:
    """How a clip's light is coded: by its tags, or as light itself (OpenEXR, whose tags name no curve)."""

    tags: ColourTags

    @cached_property
    def _to_709(self) -> Matrix:
        return between(self._corners)

    @cached_property
    def _from_709(self) -> Matrix:
        return between(REC709, self._corners)

    @property
    def _corners(self) -> npt.NDArray[np.float64]:
        if self.tags.transfer not in BEYOND:
            return REC709
        return KNOWN.get(self.tags.primaries, KNOWN["bt2020"])

    def of_frame(self, frame: Frame) -> SceneLight:
        """The light of a frame of the clip."""
        decode: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] = {
            PQ: pq_decoded,
            "arib-std-b67": hlg_decoded,
        }.get(self.tags.transfer, srgb_decoded)
        light = decode(STEPS).astype(np.float32)[frame.rgb16()]
        if self.tags.transfer == "arib-std-b67":
            light = hlg_displayed(light)
        return SceneLight(light, _shares(frame))

    def proxy(self, light: SceneLight) -> Frame:
        """What a look sees: sRGB, 16 bit, highlights rolled off."""
        return Frame(coded(self._in_709(rolled(light.rgb))), _coded_shares(light.alpha))

    @property
    def for_display(self) -> bool:
        """Whether code values are pictures for a usual display as they are."""
        return self.tags.transfer not in BEYOND

    def shown(self, frame: Frame) -> Frame:
        """A frame of the clip, in its own code values, as a usual display is to show it: itself, or its proxy."""
        return frame if self.for_display else self.proxy(self.of_frame(frame))

    def back(self, light: SceneLight, proxy: Frame, styled: Frame) -> SceneLight:
        """The light of a styled proxy, with the highlights of the clip's; where a pixel wasn't changed it is the
        clip's. Alpha is the styled frame's.
        """
        changed = (styled.rgb != proxy.rgb).any(axis=-1, keepdims=True)
        shown, seen = self._of_proxy(styled), self._of_proxy(proxy)
        blur_px = max(LEAST_BLUR_PX, min(light.rgb.shape[:2]) * BLUR_PART)
        made = restored(light.rgb, seen, shown, blur_px=blur_px)
        return SceneLight(np.where(changed, made, light.rgb), _shares(styled))

    def code(self, light: SceneLight) -> Frame:
        """Code values of the clip's own coding, 16 bit; of light as such those of sRGB, which end at white."""
        if self.tags.transfer == PQ:
            values = np.rint(pq_coded(light.rgb) * 65535)
        elif self.tags.transfer == "arib-std-b67":
            values = np.rint(hlg_coded(hlg_scene(np.maximum(light.rgb, 0))) * 65535)
        else:
            return Frame(coded(light.rgb), _coded_shares(light.alpha))
        return Frame(np.clip(values, 0, 65535).astype(np.uint16), _coded_shares(light.alpha))

    def as_709(self, light: SceneLight) -> SceneLight:
        """Light as OpenEXR files hold it: Rec. 709's primaries."""
        return SceneLight(np.clip(self._in_709(light.rgb), -MOST_LIGHT, MOST_LIGHT), light.alpha)

    def _in_709(self, rgb: Floats) -> Floats:
        if self._corners is REC709:
            return rgb
        mixed: Floats = cv2.transform(rgb, self._to_709)
        return mixed

    def _of_proxy(self, frame: Frame) -> Floats:
        light = srgb_decoded(STEPS).astype(np.float32)[frame.rgb16()]
        if self._corners is REC709:
            return light
        mixed: Floats = cv2.transform(light, self._from_709)
        return mixed


def clean(rgb: Floats, alpha: Floats | None = None) -> SceneLight:
    """Light without what isn't a number; what is endless is the largest that a file holds."""
    return SceneLight(
        np.nan_to_num(rgb, nan=0, posinf=MOST_LIGHT, neginf=0), None if alpha is None else np.clip(alpha, 0, 1)
    )


def _shares(frame: Frame) -> Floats | None:
    return None if frame.alpha is None else frame.alpha.astype(np.float32) / np.float32(frame.white)


def _coded_shares(alpha: Floats | None) -> npt.NDArray[np.uint16] | None:
    return None if alpha is None else np.rint(np.clip(np.nan_to_num(alpha), 0, 1) * 65535).astype(np.uint16)
