"""Transfer curves: code values 0..1 to linear light and back, as functions of arrays. White is 1 unless said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]
Curve = Callable[[Values], Values]

PQ_NITS = 10_000.0
WHITE_NITS = 203.0
"""What diffuse white is in PQ (ITU-R BT.2408, table 1)."""
# SMPTE ST 2084's m1, m2, c1, c2, c3.
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
# BT.2100's HLG: a, b, c.
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073


def srgb_decoded(code: Values) -> Values:
    """IEC 61966-2-1."""
    return np.where(code <= 0.04045, code / 12.92, ((np.maximum(code, 0) + 0.055) / 1.055) ** 2.4)


def srgb_coded(linear: Values) -> Values:
    """The inverse of `srgb_decoded`."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def pq_decoded(code: Values) -> Values:
    """SMPTE ST 2084: 1 is diffuse white of 203 nits, the brightest is 49.3."""
    root = np.maximum(code, 0) ** (1 / _M2)
    return (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1) * (PQ_NITS / WHITE_NITS)


def pq_coded(linear: Values) -> Values:
    """The inverse of `pq_decoded`; what is darker than black or brighter than 10000 nits is clipped."""
    power = np.clip(linear * (WHITE_NITS / PQ_NITS), 0, 1) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def hlg_decoded(code: Values) -> Values:
    """BT.2100's HLG to the scene's light, 0..1."""
    code = np.maximum(code, 0)
    return np.where(code <= 0.5, code**2 / 3, (np.exp((np.minimum(code, 2) - _C) / _A) + _B) / 12)


def hlg_coded(scene: Values) -> Values:
    """The inverse of `hlg_decoded`; beyond 0..1 is clipped."""
    scene = np.clip(scene, 0, 1)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), _A * np.log(np.maximum(12 * scene - _B, 1e-9)) + _C)


# A display of 1000 nits (BT.2100, table 5, note 5e): gamma 1.2, so white of 203 nits is the code .75.
_HLG_GAIN, _HLG_GAMMA, _LUMA_2020 = 1000 / WHITE_NITS, 1.2, np.array([0.2627, 0.678, 0.0593], np.float32)


def hlg_displayed(scene: Values) -> Values:
    """HLG's scene light [..., 3] of BT.2020 as a display of 1000 nits shows it; 1 is diffuse white."""
    luma = np.maximum(scene @ _LUMA_2020, 1e-9)[..., None]
    return scene * (luma ** (_HLG_GAMMA - 1)) * _HLG_GAIN


def hlg_scene(displayed: Values) -> Values:
    """The inverse of `hlg_displayed`."""
    luma = np.maximum(displayed @ _LUMA_2020 / _HLG_GAIN, 1e-9)[..., None]
    return displayed / _HLG_GAIN * luma ** (1 / _HLG_GAMMA - 1)


def power(gamma: float) -> Curve:
    """code ** gamma."""
    return lambda code: np.maximum(code, 0) ** gamma


def linear(code: Values) -> Values:
    """Values that are light already."""
    return code
