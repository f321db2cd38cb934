"""Light beyond white: what the proxy shows of it, and what comes back."""

from __future__ import annotations

import cv2
import numpy as np

from restrip.media.highlights import KNEE, PEAK, restored, rolled

RNG = np.random.default_rng(4)
RAMP = np.repeat(np.linspace(0, 16, 400, dtype=np.float32)[None, :, None], 3, axis=2).repeat(24, axis=0)


def test_below_the_knee_nothing_changes_and_above_it_order_and_hue_stay() -> None:
    light = (KNEE * RNG.random((20, 30, 3))).astype(np.float32)
    assert (rolled(light) == light).all()
    seen = rolled(RAMP)[0, :, 0]
    assert (np.diff(seen) > 0).all() and seen[-1] < 1 and np.diff(seen).max() <= 1.01 * 16 / 399
    assert abs(float(rolled(np.full((1, 1, 3), PEAK, np.float32)).max()) - 1) < 1e-6
    lamp = np.float32([[[9.0, 4.5, 0.9]]])
    assert np.allclose(rolled(lamp) / rolled(lamp).max(), lamp / 9, atol=1e-6)


def test_what_a_look_leaves_alone_comes_back_whole() -> None:
    light = np.exp(RNG.normal(-1, 1.5, (32, 48, 3))).astype(np.float32)
    light[3, 4] = (-0.2, 3.0, 20.0)
    proxy = np.clip(rolled(light), 0, 1)
    assert np.allclose(restored(light, proxy, proxy, blur_px=1.5), light, rtol=1e-5, atol=1e-6)


def test_a_ramp_to_sixteen_keeps_its_ratios() -> None:
    """Under a look that dims and tints: values above white stay in ratio, and there is no step."""
    proxy = rolled(RAMP)
    tint = np.float32([0.8, 0.6, 0.4])
    made = restored(RAMP, proxy, proxy * tint, blur_px=1.5)
    bright = RAMP[0, :, 0] > 1
    assert np.abs(made[0, bright] / (RAMP[0, bright] * tint) - 1).max() < 0.03
    steps = np.diff(made[12], axis=0)
    assert (steps > 0).all() and steps.max() < 1.1 * 16 / 399


def test_strokes_keep_their_contrast_and_black_stays_black() -> None:
    light = np.full((64, 64, 3), 16, np.float32)
    proxy = rolled(light)
    styled = np.clip(proxy * 0.7 + RNG.normal(0, 0.05, (64, 64, 1)), 0, 1).astype(np.float32)
    styled[:8] = 0
    made = restored(light, proxy, styled, blur_px=3)
    assert (made[:8] == 0).all()
    assert np.allclose(made[8:] / styled[8:], 16 / proxy[8:], rtol=1e-5)


def test_a_lamp_of_another_hue_is_as_bright() -> None:
    light = np.full((16, 16, 3), (9.0, 0.6, 0.1), np.float32)
    proxy = rolled(light)
    made = restored(light, proxy, np.ascontiguousarray(proxy[..., ::-1]), blur_px=1.5)
    assert np.allclose(made, light[..., ::-1], rtol=1e-4)


def test_colours_that_no_display_has_come_back_where_the_hue_is_left() -> None:
    light = np.full((24, 24, 3), (1.2, 0.5, -0.1), np.float32)
    proxy = np.clip(rolled(light), 0, 1)
    same = restored(light, proxy, proxy * np.float32(0.999), blur_px=1.5)
    assert np.abs(same - light).max() < 0.01
    grey = restored(light, proxy, np.full_like(proxy, 0.4), blur_px=1.5)
    assert np.ptp(grey[12, 12]) < 1e-6


def test_dark_places_beside_a_lamp_get_no_halo() -> None:
    light = np.full((40, 40, 3), 0.1, np.float32)
    light[10:20, 10:20] = 30
    proxy = rolled(light)
    styled = proxy * np.float32(0.5)
    made = restored(light, proxy, styled, blur_px=3)
    dark = light[..., 0] < 1
    assert (made[dark] == styled[dark]).all()
    assert np.abs(made[12:18, 12:18] / 15 - 1).max() < 0.05


def test_a_shape_that_the_look_left_out_is_no_ghost_in_its_highlight() -> None:
    """A dark label on a bright wall, painted out: the wall is bright without it, and smooth."""
    light = np.full((96, 128, 3), 4, np.float32)
    light[40:56, 50:74] = 0.3
    proxy = rolled(light)
    styled = np.full_like(proxy, 0.8) + RNG.normal(0, 0.01, proxy.shape).astype(np.float32)
    made = restored(light, proxy, styled, blur_px=1.0) @ np.float32([0.2126, 0.7152, 0.0722])
    row = cv2.GaussianBlur(made, (0, 0), 3)[48]
    assert np.abs(np.diff(row)).max() < 0.12, "no edge of the label is seen"
    kept = restored(light, proxy, proxy * np.float32(0.8), blur_px=1.0)[..., 0]
    assert np.abs(np.diff(kept[48])).max() > 1, "where the look has it, it stays"
    assert np.allclose(kept[:20] / light[:20, :, 0], 0.8, rtol=1e-3)
