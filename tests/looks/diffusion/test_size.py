from __future__ import annotations

import pytest
from recipes import recipe_of

from restrip.looks.diffusion.size import fit, working_size

FRAMES = [(1920, 1080), (1080, 1920), (2160, 3840), (640, 480), (512, 512), (2048, 858), (176, 144)]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("budget", [512 * 512, 1024 * 1024, 384 * 384])
def test_nearest_shape_within_the_budget(frame: tuple[int, int], budget: int) -> None:
    width, height = fit(frame, budget)
    assert width % 8 == 0 and height % 8 == 0
    assert 0.93 * budget < width * height <= budget
    assert width / height == pytest.approx(frame[0] / frame[1], rel=0.012)


def test_golden_sizes() -> None:
    assert fit((512, 512), 512 * 512) == (512, 512)
    assert fit((1024, 1024), 1024 * 1024) == (1024, 1024)
    assert fit((768, 512), 768 * 512) == (768, 512)


def test_given_sides() -> None:
    frame = (1920, 1080)
    assert working_size(frame, recipe_of(width=640, height=360), 512) == (640, 360)
    assert working_size(frame, recipe_of(width=641), 512) == (640, 360)
    assert working_size(frame, recipe_of(height=360), 512) == (640, 360)
    assert working_size(frame, recipe_of(pixel_budget=65536), 512) == fit(frame, 65536)
    assert working_size(frame, recipe_of(), 512) == fit(frame, 512 * 512)
