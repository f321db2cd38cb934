"""Strips that no file shows: rendered alone, unaltered, and without touching the user's scene."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

Blender = Callable[..., Any]


@pytest.mark.parametrize("kind", ["crop", "effect", "fade", "meta"])
def test_a_second_blender_renders_just_the_strip(
    kind: str, blender: Blender, counting: Callable[..., Path], tmp_path: Path
) -> None:
    told = blender(
        "renders.through",
        path=str(counting("25")),
        other=str(counting("25", 115, 45)),
        folder=str(tmp_path),
        kind=kind,
        limit_s=300,
    )
    assert told["failed"] is None
    assert len(told["reasons"]) == 1
    assert told["parts"] == sorted(set(told["parts"])) and set(told["parts"]) <= {n / 6 for n in range(1, 7)}
    for made, expected in zip(told["paths"], told["expected"], strict=True):
        a, b = cv2.imread(made, cv2.IMREAD_UNCHANGED), cv2.imread(expected, cv2.IMREAD_UNCHANGED)
        assert a is not None and b is not None
        # The crop leaves the left quarter of the canvas transparent; all else is opaque and needs no alpha.
        cropped = kind in ("crop", "fade")
        assert (a.shape, b.shape) == ((180, 320, 4 if cropped else 3), (180, 320, 3))
        assert np.abs(a[:, :, :3].astype(int) - b).max() <= 1
        if cropped:
            assert (a[:, :80, 3] == 0).all() and (a[:, 80:, 3] == 255).all()
    assert told["again"] == told["paths"]
    assert told["left"] == []


def test_what_an_effect_rounded_is_no_transparency(blender: Blender, tmp_path: Path) -> None:
    """Blender 4.2's blur leaves some of an opaque picture's alpha at 253 of 255."""
    paths = []
    for bits, least in ((8, 255), (8, 253), (8, 250), (16, 65535 - 600), (16, 65535 - 2000)):
        picture = np.full((4, 6, 4), 2**bits - 1, np.uint8 if bits == 8 else np.uint16)
        picture[1, 2, 3] = least
        paths.append(str(tmp_path / f"{bits}-{least}.png"))
        assert cv2.imwrite(paths[-1], picture)
    assert blender("renders.see_through", paths=paths) == [False, False, True, False, True]
