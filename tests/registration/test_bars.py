"""Keys with bars: told from what is painted, and not laid over the frame."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from restrip.media import Frame
from restrip.registration.bars import bars_of
from restrip.registration.correct import corrected
from restrip.registration.correction import Correction
from restrip.registration.find import compare

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from moved_keys import Move, moved
from truths import STYLES


def barred(picture: np.ndarray, columns: int, rows: int, value: int = 0) -> np.ndarray:
    made = picture.copy()
    made[:, :columns] = made[:, picture.shape[1] - columns :] = value
    made[:rows] = made[picture.shape[0] - rows :] = value
    return made


@pytest.mark.parametrize(("columns", "rows"), [(0, 0), (24, 0), (0, 20), (24, 20)])
def test_bars_are_seen_as_stored_by_jpeg_too(bunny, columns, rows):
    made = barred(STYLES["paint"](bunny.rgb), columns, rows, 16)
    stored = cv2.imdecode(cv2.imencode(".jpg", made, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_COLOR)
    assert bars_of(Frame(made)) == (columns, rows, columns, rows)
    assert np.abs(np.subtract(bars_of(Frame(stored)), (columns, rows, columns, rows))).max() <= 2


def test_one_plain_side_is_no_bar(bunny):
    sky = bunny.rgb.copy()
    sky[:30] = 200
    assert bars_of(Frame(sky)) == (0, 0, 0, 0)


def test_what_bars_hide_is_the_frame_in_the_keys_colours(bunny):
    truth = STYLES["recolor"](bunny.rgb)
    key = Frame(barred(moved(truth, Move(6, -4))[0], 30, 0))
    found = compare(bunny, key)
    assert (found.verdict, found.way) == ("moved", "between bars")
    assert "has bars: they are left out" in found.note(0) and found.note(0).endswith("set back.")
    made = corrected(key, bunny, Correction(found.warp, way=found.way))[0].rgb.astype(int)
    hidden = np.abs(made - truth)[:, :20].mean()
    assert hidden < np.abs(bunny.rgb.astype(int) - truth)[:, :20].mean() / 2


def test_a_whole_frame_between_bars_fills_it(bunny):
    width, height = bunny.size
    truth = STYLES["paint"](bunny.rgb)
    low = cv2.resize(truth, (width, round(height * 0.8)), interpolation=cv2.INTER_AREA)
    edge = (height - len(low)) // 2
    key = Frame(cv2.copyMakeBorder(low, edge, height - len(low) - edge, 0, 0, cv2.BORDER_CONSTANT))
    found = compare(bunny, key)
    assert (found.verdict, found.way) == ("same", "without bars")
    made, _ = corrected(key, bunny, Correction(way=found.way))
    assert made.size == bunny.size and np.abs(made.rgb.astype(int) - truth).mean() < 12


def test_bars_that_the_frame_has_too_stay(bunny):
    frame = Frame(barred(bunny.rgb, 0, 24))
    found = compare(frame, Frame(barred(STYLES["paint"](frame.rgb), 0, 24)))
    assert (found.verdict, found.way) == ("same", "")


@pytest.mark.parametrize(
    ("columns", "rows", "value", "way"),
    [(16, 16, 240, ""), (16, 16, 0, ""), (4, 4, 0, ""), (24, 0, 90, ""), (0, 20, 240, ""), (24, 0, 0, "between bars")],
)
def test_a_painted_border_stays_and_black_bars_dont(bunny, columns, rows, value, way):
    key = Frame(barred(STYLES["paint"](bunny.rgb), columns, rows, value))
    found = compare(bunny, key)
    assert (found.verdict, found.way) == ("same", way)


def test_black_around_a_moved_picture_is_no_border(bunny):
    """A canvas that shows beside what was moved on it."""
    key = barred(moved(STYLES["paint"](bunny.rgb), Move(8, -5, zoom=0.95))[0], 18, 12)
    found = compare(bunny, Frame(key))
    assert (found.verdict, found.way) == ("moved", "between bars")


def test_a_white_border_around_all_of_the_frame_goes(bunny):
    """Nobody paints a border by making the picture smaller."""
    width, height = bunny.size
    truth = STYLES["paint"](bunny.rgb)
    low = cv2.resize(truth, (width - 48, round(height * (width - 48) / width)), interpolation=cv2.INTER_AREA)
    top = (height - len(low)) // 2
    key = Frame(cv2.copyMakeBorder(low, top, height - len(low) - top, 24, 24, cv2.BORDER_CONSTANT, value=(240,) * 3))
    found = compare(bunny, key)
    made, _ = corrected(key, bunny, Correction(found.warp, way=found.way))
    assert found.note(0) and np.abs(made.rgb.astype(int) - truth).mean() < 12
