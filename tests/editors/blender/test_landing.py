"""Where results land: whatever lies around, the composed frame is as it was, with the source restyled."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from .conftest import write_counting

Blender = Callable[..., Any]
ARRANGEMENTS, CHUNK = 200, 100


@pytest.mark.parametrize("first", range(0, ARRANGEMENTS, CHUNK))
def test_a_result_that_looks_like_its_source_changes_no_frame(first: int, blender: Blender, tmp_path: Path) -> None:
    seeds, movie = list(range(first, first + CHUNK)), tmp_path / "counting.mp4"
    # Blender shows another frame of a movie now and then after it jumped back, where frames lean on others.
    write_counting(movie, Fraction(25), range(100), group=1)
    wrong = blender("landing.arrangements", movie=str(movie), folder=str(tmp_path), seeds=seeds)
    # Blender renders some dissolves in two ways, in half of all renders each, before anything is placed too: a fault is
    # one that every fresh Blender finds.
    for _ in range(12):
        if wrong:
            again = [seed for seed, _ in wrong]
            wrong = blender("landing.arrangements", movie=str(movie), folder=str(tmp_path), seeds=again)
    assert wrong == [], "\n".join(map(str, wrong))
