"""The sheet shows what it was given, where it belongs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restrip.jobs.outputs.contact_sheet import GAP_PX, MARGIN_PX, PAPER, Sheet, columns_for
from restrip.media import Frame, read_picture


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (64, 36)) -> Frame:
    return Frame(np.full((size[1], size[0], 3), colour, np.uint8))


@pytest.mark.parametrize(
    ("keys", "length", "columns"),
    [
        ((0, 37, 74), 75, (0, 18, 37, 55, 74)),
        ((10,), 21, (0, 10, 20)),
        ((0,), 1, (0,)),
        ((3, 4), 10, (0, 3, 4, 9)),
    ],
)
def test_columns_are_the_keys_and_the_frames_between(
    keys: tuple[int, ...], length: int, columns: tuple[int, ...]
) -> None:
    assert columns_for(keys, length) == columns


def test_many_keys_are_thinned_to_seven_columns() -> None:
    columns = columns_for(tuple(range(0, 1000, 10)), 1000)
    assert len(columns) == 7
    assert columns[0] == 0 and columns[-1] == 990


def test_pictures_lie_in_their_row_and_column(tmp_path: Path) -> None:
    red, green, blue = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    sheet = Sheet((0, 5), {5}, width_px=64)
    for frame in range(6):
        sheet.add("source", frame, plain(red))
        sheet.add("key", frame, plain(green))
        sheet.add("result", frame, plain(blue, (128, 72)))
    sheet.write(tmp_path / "sheet.png")
    drawn = read_picture(tmp_path / "sheet.png").rgb
    middle = 32 + 18
    second = MARGIN_PX + 64 + GAP_PX + 32
    row = 36 + GAP_PX
    assert tuple(drawn[middle, MARGIN_PX + 32]) == red
    assert tuple(drawn[middle + row, second]) == green
    assert tuple(drawn[middle + row, MARGIN_PX + 32]) == PAPER  # frame 0 is no key
    assert tuple(drawn[middle + 2 * row, second]) == blue
