"""Primaries and whites: from one linear R G B to another, whites adapted (Bradford)."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

# Chromaticities x, y of red, green, blue and white.
D65 = (0.3127, 0.329)
REC709 = np.array([[0.64, 0.33], [0.3, 0.6], [0.15, 0.06], D65])
# What profiles connect through (ICC.1, 7.2.16).
D50_XYZ = np.array([0.9642, 1.0, 0.8249])
# From XYZ to the responses that a white point is adapted in (Lam 1985).
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

# By FFmpeg's words (ITU-T H.273, table 2).
KNOWN = {
    "bt709": REC709,
    "bt470m": np.array([[0.67, 0.33], [0.21, 0.71], [0.14, 0.08], [0.31, 0.316]]),
    "bt470bg": np.array([[0.64, 0.33], [0.29, 0.6], [0.15, 0.06], D65]),
    "smpte170m": np.array([[0.63, 0.34], [0.31, 0.595], [0.155, 0.07], D65]),
    "smpte240m": np.array([[0.63, 0.34], [0.31, 0.595], [0.155, 0.07], D65]),
    "bt2020": np.array([[0.708, 0.292], [0.17, 0.797], [0.131, 0.046], D65]),
    "smpte431": np.array([[0.68, 0.32], [0.265, 0.69], [0.15, 0.06], [0.314, 0.351]]),
    "smpte432": np.array([[0.68, 0.32], [0.265, 0.69], [0.15, 0.06], D65]),
}


def to_xyz(corners: npt.NDArray[Any]) -> Matrix:
    """[3, 3]: linear R G B of primaries and a white, [4, 2] chromaticities, to XYZ, white's Y being 1 (RP 177)."""
    columns = np.column_stack([corners, 1 - corners.sum(axis=1)]).T.astype(np.float64)
    white = columns[:, 3] / columns[1, 3]
    return columns[:, :3] * np.linalg.solve(columns[:, :3], white)


def adapted(there: npt.NDArray[Any], here: npt.NDArray[Any]) -> Matrix:
    """[3, 3]: XYZ under the white `there` as XYZ under the white `here`."""
    gains = (BRADFORD @ here) / (BRADFORD @ there)
    return np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD


def between(corners: npt.NDArray[Any], wanted: npt.NDArray[Any] = REC709) -> Matrix:
    """[3, 3]: linear R G B of some primaries, [4, 2], to that of others, white to white."""
    there, here = to_xyz(corners), to_xyz(wanted)
    return np.linalg.inv(here) @ adapted(there.sum(axis=1), here.sum(axis=1)) @ there


@cache
def _from_d50() -> Matrix:
    here = to_xyz(REC709)
    return np.linalg.inv(here) @ adapted(D50_XYZ, here.sum(axis=1))


def from_d50(xyz: npt.NDArray[Any]) -> Matrix:
    """Colours of a profile's connection space, columns [3, N] of XYZ under D50, as linear Rec. 709."""
    return _from_d50() @ xyz


def make_sense(corners: npt.NDArray[Any]) -> bool:
    """Whether [4, 2] chromaticities are three corners that enclose something, and a white."""
    rows = np.column_stack([corners[:3], np.ones(3)])
    return bool(np.isfinite(corners).all() and abs(np.linalg.det(rows)) >= 1e-4 and corners[3, 1] >= 1e-3)
