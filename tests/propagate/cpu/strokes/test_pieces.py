"""A frame laid out of whole pieces of one key."""

from __future__ import annotations

import itertools

import cv2
import numba
import numpy as np
import pytest
from scenes import brighter, inside, occluder, psnr, sliding, styled, texture

from restrip.propagate.cpu.descriptors import describe
from restrip.propagate.cpu.exemplar import EDGE, Exemplar
from restrip.propagate.cpu.strokes.paint import Paint, own_places
from restrip.propagate.cpu.strokes.pieces import Cloth, Pieces, laid_in_blocks, packed_style
from restrip.propagate.energy.effort import QUICK
from restrip.propagate.energy.style import CODE

SIZE = (144, 112)
PAINT = texture(SIZE, 77, 1.0)  # strokes that have nothing to do with what is seen


def key_of(source: np.ndarray, picture: np.ndarray = PAINT) -> Exemplar:
    key = styled([source], 0, picture)
    return Exemplar.of(key.source, key.picture)


def walked(frames: list[np.ndarray], key: Exemplar) -> list[np.ndarray]:
    pieces = Pieces(key)
    return [pieces.next(frame) for frame in frames]


def offsets(field: np.ndarray) -> np.ndarray:
    h, w = field.shape[:2]
    return field - np.dstack(np.meshgrid(np.arange(w), np.arange(h)))


def picture(key: Exemplar, frame: np.ndarray, field: np.ndarray) -> np.ndarray:
    return Paint.of(key, 1).laid(frame, field).picture / CODE


def test_where_nothing_moves_the_key_itself_is_shown():
    frame = texture(SIZE)
    key = key_of(frame)
    for n, field in enumerate(
        walked(
            [
                np.clip(frame + np.random.default_rng(n).normal(0, 2, frame.shape), 0, 255).astype(np.uint8)
                for n in range(3)
            ],
            key,
        )
    ):
        assert (offsets(field) == 0).all(), n
        np.testing.assert_allclose(picture(key, frame, field), PAINT, atol=1e-3)


def test_what_slides_is_one_piece_of_whole_pixels():
    frames = sliding(5, SIZE, (1.4, 0.3))
    key = key_of(frames[0])
    for n, field in enumerate(walked(frames[1:], key), 1):
        inner = inside(offsets(field), 12)
        assert np.abs(inner - np.float32([1.4 * n, 0.3 * n])).max() < 1.8
        seams = (np.abs(np.diff(inner, axis=1)).sum(2) > 0).mean() + (np.abs(np.diff(inner, axis=0)).sum(2) > 0).mean()
        assert seams < 0.04
        shown = inside(picture(key, frames[n], field), 12).reshape(-1, 3)
        own = {tuple(pixel) for pixel in PAINT.reshape(-1, 3)}
        assert np.mean([tuple(pixel) in own for pixel in np.rint(shown).astype(np.uint8)]) > 0.9


def test_what_comes_into_sight_is_filled_with_whole_pieces_not_with_streaks():
    frames, masks = occluder(9, SIZE, (3, 0))
    key = key_of(frames[0])
    field = walked(frames[1:], key)[-1]
    new = masks[0] & ~masks[8]
    repeated = (np.diff(field[..., 0], axis=1) == 0)[:, :] & new[:, 1:]
    assert repeated.sum() < 0.12 * new.sum()


def test_a_frames_light_is_followed():
    frame = texture(SIZE)
    key = key_of(frame, PAINT // 2 + 30)
    dark = brighter(frame, 0.5)
    field = walked([dark], key)[0]
    assert (offsets(field) == 0).mean() > 0.99
    shown = picture(key, dark, field)
    assert shown.mean() == pytest.approx((PAINT // 2 + 30).mean() * 0.5, rel=0.06)
    unlit = Paint.of(key, 0).laid(dark, field).picture / CODE
    assert unlit.mean() == pytest.approx((PAINT // 2 + 30).mean(), rel=0.02)


def test_a_drafts_strokes_lie_between_pixels_where_the_motion_leads():
    """By half a pixel, which whole pixels can't show; motion that leads far away is another thing's."""
    key = key_of(texture(SIZE), cv2.GaussianBlur(PAINT, (0, 0), 1.5))
    wanted = cv2.remap(
        key.packed[EDGE:-EDGE, EDGE:-EDGE, :3].astype(np.float32) / CODE,
        own_places(SIZE[1], SIZE[0]).astype(np.float32) + 0.5,
        None,
        cv2.INTER_LINEAR,
    )
    frame, field = key.source, own_places(SIZE[1], SIZE[0])
    half, far = (np.full((SIZE[1], SIZE[0], 2), by, np.float32) for by in (0.5, 3))
    drafted, kept = Paint.of(key, 1, QUICK), Paint.of(key, 1)

    def shown(paint: Paint, flow: np.ndarray | None) -> np.ndarray:
        return paint.laid(frame, field, flow=flow).picture / CODE

    between, whole = (psnr(inside(shown(paint, half), 4), inside(wanted, 4)) for paint in (drafted, kept))
    assert between > 40 and between > whole + 3
    np.testing.assert_array_equal(shown(kept, half), shown(kept, None))
    np.testing.assert_allclose(shown(drafted, far), shown(kept, None), atol=1e-2)


def test_pieces_are_worth_what_they_fit():
    frames, masks = occluder(9, SIZE, (3, 0))
    key = key_of(frames[0])
    field = walked(frames[1:], key)[-1]
    worth = Paint.of(key, 1).laid(frames[8], field).worth
    assert np.median(worth[~masks[0] & ~masks[8]]) > 0.8
    other = Paint.of(key, 1).laid(texture(SIZE, 5), field).worth
    assert other.mean() < 0.1


def test_energy_is_the_keys_own():
    frame = texture(SIZE)
    paint = PAINT.copy()
    paint[:, : SIZE[0] // 2] = 128
    key = key_of(frame, paint)
    energy = Paint.of(key, 1).laid(frame, walked([frame], key)[0]).energy
    assert energy[:, :60].max() < 1 < energy[:, -60:].mean()


def test_the_same_to_the_bit_with_any_number_of_threads_and_from_where_it_was_left():
    frames, _ = occluder(5, SIZE, (2, 1))
    key = key_of(frames[0])
    before, found = numba.get_num_threads(), []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            found.append(walked(frames[1:], key))
    finally:
        numba.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    pieces = Pieces(key)
    pieces.resume(found[0][2], frames[3])
    again = pieces.next(frames[4])
    assert (again == found[0][3]).all(2).mean() > 0.9
    pieces.restart()
    np.testing.assert_array_equal(pieces.next(frames[1]), found[0][0])


def test_strokes_stay_where_they_were_from_frame_to_frame():
    frames = sliding(7, SIZE, (1, 0))
    key = key_of(frames[0])
    fields = walked(frames[1:], key)
    shown = [picture(key, frame, field) for frame, field in zip(frames[1:], fields, strict=True)]
    for before, now in itertools.pairwise(shown):
        assert psnr(np.uint8(inside(now, 12)[:, :-1]), np.uint8(inside(before, 12)[:, 1:])) > 30


@pytest.fixture(scope="module")
def shards() -> tuple[Cloth, np.ndarray]:
    """A frame that its key shows 9 pixels to the right, in pixels from anywhere near; the left half is trusted."""
    frame = texture(SIZE, 5, 3.0)
    key = key_of(np.roll(frame, 9, 1))
    (h, w), rng = frame.shape[:2], np.random.default_rng(4)
    field = own_places(h, w) + rng.integers(-6, 7, (h, w, 2)).astype(np.int16)
    sure = np.zeros((h, w), np.float32)
    sure[:, : w // 2] = 1
    flow = np.zeros((h, w, 2), np.float32)
    flow[..., 0] = 9
    numbers = describe(frame).reshape(-1), key.described.reshape(-1)
    cloth = Cloth(*numbers, packed_style(key), flow, sure, np.zeros_like(sure))
    return cloth, np.clip(field, 0, (w - 1, h - 1)).astype(np.int16)


def test_shards_become_whole_where_motion_cant_be_trusted(shards):
    cloth, field = shards
    found, half = laid_in_blocks(*shards), SIZE[0] // 2
    np.testing.assert_array_equal(found[:, : half - 12], field[:, : half - 12])
    assert (offsets(found)[:, half + 12 : -24] == (9, 0)).all(2).mean() > 0.95
    np.testing.assert_array_equal(laid_in_blocks(cloth, found), found)  # and stay as they are


def test_what_is_whole_is_left_alone_however_badly_it_fits(shards):
    cloth, whole = shards[0], own_places(SIZE[1], SIZE[0])
    np.testing.assert_array_equal(laid_in_blocks(cloth, whole), whole)


def test_blocks_hang_on_no_number_of_threads(shards):
    threads, one = numba.get_num_threads(), laid_in_blocks(*shards)
    try:
        numba.set_num_threads(1 if threads > 1 else numba.config.NUMBA_NUM_THREADS)
        np.testing.assert_array_equal(laid_in_blocks(*shards), one)
    finally:
        numba.set_num_threads(threads)


def test_pictures_smaller_than_a_block_are_laid_as_well():
    frame = texture((10, 7), 3, 1.0)
    key = key_of(frame, texture((10, 7), 4, 1.0))
    for field in walked([255 - frame, frame], key):
        assert (field >= 0).all() and (field < (10, 7)).all()
