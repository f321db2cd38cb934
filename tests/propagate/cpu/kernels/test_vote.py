"""A key read through matches and through motion, against sums that can be done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import brighter, constant_flow, inside, negative, texture

from restrip.media.frame import Frame
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.kernels.vote import places_of, read, vote

SIZE = (24, 18)
PLAIN = (0.0, 25.0, 1.0, 0.0)  # gain, reach, exposure gain and offset


def floats(*values: float) -> tuple[np.float32, ...]:
    return tuple(np.float32(v) for v in values)


def key_of(source: np.ndarray, style: np.ndarray | None = None) -> Exemplar:
    return Exemplar.of(Frame(source), Frame(negative(source) if style is None else style))


def outputs(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.empty(frame.shape, np.float32), np.empty(frame.shape[:2], np.float32)


def reading(frame: np.ndarray, key: Exemplar, flow: np.ndarray, light=PLAIN) -> tuple[np.ndarray, np.ndarray]:
    """Style in 8-bit code values, and errors."""
    style, errors = outputs(frame)
    read(frame, key.packed, key.slopes, flow, *floats(*light), style, errors)
    return style / 257, errors


def voting(frame, key, field, light=PLAIN, ridge=5.0, steepest=2.0 * 257) -> tuple[np.ndarray, np.ndarray]:
    style, errors = outputs(frame)
    places = np.empty(field.shape[:2], np.int32)
    places_of(field, key.packed.shape[1], places)
    vote(frame, key.packed, key.slopes, field, places, *floats(ridge, steepest, *light), style, errors)
    return style / 257, errors


def identity(size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.dstack(np.meshgrid(np.arange(size[0]), np.arange(size[1]))).astype(np.int16)


def test_a_frame_that_is_the_key_reads_its_style_and_has_no_error():
    source = texture(SIZE, 1)
    key = key_of(source)
    for style, errors in (reading(source, key, constant_flow(SIZE, 0, 0)), voting(source, key, identity())):
        np.testing.assert_allclose(style, negative(source), atol=1e-2)
        np.testing.assert_allclose(errors, 0, atol=3)  # votes are means of up to 25 equal numbers


def test_whole_pixels_are_read_exactly_and_edges_repeat():
    source = texture(SIZE, 1)
    style, errors = reading(source, key_of(source), constant_flow(SIZE, 3, -2))
    truth = negative(source)
    np.testing.assert_allclose(style[2:, :-3], truth[:-2, 3:], atol=1e-3)
    np.testing.assert_allclose(style[:2, :-3], np.broadcast_to(truth[0, 3:], (2, 21, 3)), atol=1e-3)
    apart = source[2:, :-3].astype(float) - source[:-2, 3:]
    np.testing.assert_allclose(errors[2:, :-3], (apart**2).sum(2), rtol=1e-5)


def test_between_pixels_it_is_catmull_rom():
    source = texture(SIZE, 1)
    style, _ = reading(source, key_of(source), constant_flow(SIZE, 0.5, 0))
    truth = negative(source).astype(float)
    expected = (-truth[:, :-3] + 9 * truth[:, 1:-2] + 9 * truth[:, 2:-1] - truth[:, 3:]) / 16
    np.testing.assert_allclose(style[:, 1:-2], expected, atol=1e-2)


@pytest.mark.parametrize("by", [(0.25, 0), (0, 0.8), (1.3, 2.6)])
def test_a_ramp_stays_a_ramp(by):
    y, x = np.mgrid[0:18, 0:24]
    ramp = np.dstack([10 * x, 5 * y, 3 * x + 4 * y]).astype(np.uint8)
    style, _ = reading(ramp, key_of(ramp, ramp), constant_flow(SIZE, *by))
    expected = ramp + np.array([10 * by[0], 5 * by[1], 3 * by[0] + 4 * by[1]])
    np.testing.assert_allclose(inside(style, 5), inside(expected, 5), atol=1e-2)


def test_motion_that_leads_outside_reads_the_edge():
    source = texture(SIZE, 1)
    style, _ = reading(source, key_of(source), constant_flow(SIZE, 1e4, -1e4))
    np.testing.assert_allclose(style, np.broadcast_to(negative(source)[0, -1], style.shape), atol=1e-3)


def test_a_vote_is_the_mean_over_the_patches_that_cover_a_pixel():
    source = texture(SIZE, 1)
    key, truth, field = key_of(source), negative(source).astype(float), identity()
    field[9, 12] = 3, 4  # one patch of 25 lies elsewhere
    style, errors = voting(source, key, field)
    for dy, dx in ((0, 0), (2, -2), (-1, 1)):
        elsewhere = truth[4 + dy, 3 + dx]
        expected = (24 * truth[9 + dy, 12 + dx] + elsewhere) / 25
        np.testing.assert_allclose(style[9 + dy, 12 + dx], expected, atol=1e-2)
        apart = (source[9 + dy, 12 + dx].astype(float) - source[4 + dy, 3 + dx]) / 25
        np.testing.assert_allclose(errors[9 + dy, 12 + dx], (apart**2).sum(), rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(style[9, 15], truth[9, 15], atol=1e-2)  # out of its reach


def test_votes_at_a_corner_have_nine_patches():
    source = texture(SIZE, 1)
    field = identity()
    field[2, 2] = 12, 12
    style, _ = voting(source, key_of(source), field)
    truth = negative(source).astype(float)
    np.testing.assert_allclose(style[0, 0], (8 * truth[0, 0] + truth[10, 10]) / 9, atol=1e-2)


def test_light_moves_the_style_along_its_slope():
    source = texture(SIZE, 1, grain=1.0)
    key = key_of(source, source)  # a look that is the picture itself
    frame = brighter(source, 1, 10)
    for style, _ in (
        reading(frame, key, constant_flow(SIZE, 0, 0), (1.0, 25.0, 1.0, 0.0)),
        voting(frame, key, identity(), (1.0, 25.0, 1.0, 0.0)),
    ):
        lighter = (style - source) @ [0.299, 0.587, 0.114]
        assert inside(lighter, 3).mean() == pytest.approx(10, abs=1)


def test_light_counts_by_its_gain_and_no_further_than_its_reach():
    source = texture(SIZE, 1, grain=1.0)
    key, frame = key_of(source, source), brighter(source, 1, 20)
    still = constant_flow(SIZE, 0, 0)
    plain, _ = reading(frame, key, still)
    whole, half, short = (reading(frame, key, still, (g, r, 1.0, 0.0))[0] for g, r in ((1, 25), (0.5, 25), (1, 5)))
    np.testing.assert_allclose(half - plain, (whole - plain) / 2, atol=1e-2)
    np.testing.assert_allclose(short - plain, (whole - plain) / 4, atol=1e-2)


def test_exposure_applies_to_source_and_style_alike():
    source = texture(SIZE, 1)
    key, frame = key_of(source), brighter(source, 0.5, 20)
    for style, errors in (
        reading(frame, key, constant_flow(SIZE, 0, 0), (0.0, 25.0, 0.5, 20.0)),
        voting(frame, key, identity(), (0.0, 25.0, 0.5, 20.0)),
    ):
        np.testing.assert_allclose(style, negative(source) * 0.5 + 20, atol=1e-2)
        assert errors.max() < 3  # rounding of the frame


def test_slopes_of_votes_are_bounded():
    source = texture(SIZE, 1, grain=0.7)
    style = np.where(source.mean(2, keepdims=True) > 127, 255, 0).astype(np.uint8).repeat(3, 2)
    frame = brighter(source, 1, 10)
    key = key_of(source, style)
    plain, _ = voting(frame, key, identity())
    bounded, _ = voting(frame, key, identity(), (1.0, 25.0, 1.0, 0.0), steepest=0.5 * 257)
    assert np.abs(bounded - plain).max() <= 10 * 0.5 + 0.1
    assert np.abs(bounded - plain).max() > 3
