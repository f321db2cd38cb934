from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from restrip.media import Frame
from restrip.registration.color_lock import cast_of
from restrip.registration.correct import corrected
from restrip.registration.correction import Correction
from restrip.registration.warp import Warp

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from moved_keys import Move, cast, moved
from truths import STYLES

PART = (slice(60, 120), slice(100, 200))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def shift(frame: Frame, x: float, y: float) -> Correction:
    return Correction(Warp(frame.size, np.array([[1.0, 0, x], [0, 1.0, y]])).to_json())


def test_whole_pixels_are_set_back_to_the_bit(bunny):
    truth = STYLES["paint"](bunny.rgb)
    key = np.roll(truth, (-3, 5), (0, 1))
    made, notes = corrected(Frame(key), bunny, shift(bunny, 5.04, -2.97))
    assert np.array_equal(made.rgb[12:-12, 12:-12], truth[12:-12, 12:-12]) and notes == ()


def test_what_the_key_doesnt_show_is_the_frame_in_its_colours(bunny):
    truth = STYLES["recolor"](bunny.rgb)
    key, _ = moved(truth, Move(-30, 0))
    made, _ = corrected(Frame(key), bunny, shift(bunny, -30, 0))
    assert psnr(made.rgb[:, :30], truth[:, :30]) > 24 > psnr(bunny.rgb[:, :30], truth[:, :30]) + 5


@pytest.mark.parametrize("side", [100, 400])
def test_a_key_of_another_shape_is_laid_unstretched(bunny, side):
    """At its own scale, in the middle; beyond it is the frame in its colours."""
    truth = STYLES["recolor"](bunny.rgb)
    width = bunny.size[0]
    wide = np.pad(truth, ((0, 0), (100, 100), (0, 0)), "reflect")
    key = wide[:, 100 + (width - side) // 2 :][:, :side]
    way = "inside" if side < width else "around"
    made, _ = corrected(Frame(np.ascontiguousarray(key)), bunny, Correction(way=way))
    part = slice((width - side) // 2 + 8, (width - side) // 2 + side - 8) if side < width else slice(None)
    assert made.size == bunny.size and np.array_equal(made.rgb[:, part], truth[:, part])
    beyond = np.abs(made.rgb.astype(int) - truth).mean()
    assert beyond < np.abs(bunny.rgb.astype(int) - truth).mean() / 2


def test_alpha_moves_along_and_depth_stays(bunny):
    deep = bunny.with_depth(True)
    alpha = np.zeros(deep.rgb.shape[:2], np.uint16)
    alpha[50:90, 70:120] = 65535
    made, _ = corrected(Frame(deep.rgb, alpha), deep, shift(deep, 10, 6))
    assert made.deep and made.alpha is not None
    assert made.alpha[44, 60] == 65535 and made.alpha[43, 60] == 0 and made.alpha[44, 59] == 0


def test_what_a_transparent_place_holds_doesnt_come_out_at_soft_borders(bunny):
    """White paint with soft borders over black that is transparent, moved by parts of a pixel: it stays white."""
    alpha = np.zeros(bunny.rgb.shape[:2], np.float32)
    alpha[60:120, 80:200] = 255
    alpha = cv2.GaussianBlur(alpha, (0, 0), 2)
    key = Frame(np.where(alpha[..., None] > 0.5, 255, 0).astype(np.uint8).repeat(3, -1), alpha.round().astype(np.uint8))
    made, _ = corrected(key, bunny, Correction(Warp(bunny.size, np.array([[1.02, 0, 4.4], [0, 1.02, -2.6]])).to_json()))
    assert made.alpha is not None and made.rgb[made.alpha > 8].min() > 250


def test_a_key_stays_as_it_is_up_to_its_border_and_no_seam_is_seen(bunny):
    """One light more than the frame tells, which the other side of the border takes over."""
    truth = np.clip(bunny.rgb.astype(int) // 2 + 40, 0, 255).astype(np.uint8)
    key = truth.copy()
    key[:, :60] += 40
    made, _ = corrected(Frame(moved(key, Move(-20, 0))[0]), bunny, shift(bunny, -20, 0))
    assert np.array_equal(made.rgb[:, 24:], key[:, 24:])
    step = np.abs(np.diff(made.rgb[:, 12:28].astype(int).mean((0, 2)) - truth[:, 12:28].mean((0, 2))))
    assert step.max() < 6


@pytest.fixture(scope="module")
def edited(bunny) -> tuple[np.ndarray, np.ndarray]:
    """A part recoloured; and the same with a cast over all and a model's noise."""
    meant = bunny.rgb.copy()
    meant[PART] = STYLES["recolor"](bunny.rgb)[PART]
    return meant, cast(meant)


def test_a_cast_is_taken_from_all_and_the_change_stays(bunny, edited):
    meant, key = edited
    made, notes = corrected(Frame(key), bunny, Correction(color_lock=True))
    assert notes == ()
    assert psnr(made.rgb, meant) > 40 > psnr(key, meant) + 5


def test_what_wasnt_meant_is_the_frames_to_the_bit(bunny, edited):
    meant, key = edited
    made, notes = corrected(Frame(key), bunny, Correction(color_lock=True, put_back=True))
    far = np.ones(key.shape[:2], bool)
    far[50:130, 90:210] = False
    assert notes == () and np.array_equal(made.rgb[far], bunny.rgb[far])
    assert psnr(made.rgb[PART], meant[PART]) > 38


def test_borders_of_what_is_put_back_are_soft(bunny, edited):
    """No step at the border that neither the frame nor the key has."""
    _, key = edited
    made, _ = corrected(Frame(key), bunny, Correction(color_lock=True, put_back=True))
    far = np.ones(key.shape[:2], bool)
    far[57:123, 97:203] = False
    added = np.abs(made.rgb.astype(int) - bunny.rgb)[far]
    assert added.max() <= 8


def test_a_look_over_all_is_no_cast(bunny):
    key = Frame(STYLES["paint"](np.ascontiguousarray(bunny.rgb[:, ::-1])))
    assert cast_of(key, bunny) is None
    made, notes = corrected(key, bunny, Correction(color_lock=True, put_back=True))
    assert np.array_equal(made.rgb, key.rgb)
    assert [note.partition(":")[0] for note in notes] == ["Colour lock", "Put back"]


def test_an_untouched_key_stays_as_it_is(bunny):
    made, notes = corrected(bunny, bunny, Correction(color_lock=True, put_back=True))
    assert np.array_equal(made.rgb, bunny.rgb) and notes == ()
