from __future__ import annotations

import torch

from restrip.looks.diffusion.consistency.style_statistics import StyleStatistics, bands

KEYS = torch.randn(3, 4, 18, 26, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2
FRAMES = torch.randn(3, 4, 18, 26, generator=torch.Generator().manual_seed(1))
STYLE = (
    torch.randn(1, 4, 12, 16, generator=torch.Generator().manual_seed(2)) * torch.tensor([0.3, 1, 2, 0.8]).view(4, 1, 1)
    - 1
)


def test_bands_are_the_whole() -> None:
    assert torch.allclose(sum(bands(KEYS)), KEYS, atol=1e-6) and len(bands(KEYS)) == 4


def test_all_the_way_is_the_styles_mean_and_its_bands_spreads() -> None:
    statistics = StyleStatistics.of(STYLE)
    made = statistics.applied(KEYS, FRAMES, 1.0)
    assert torch.allclose(made.mean((2, 3)), statistics.mean[..., 0, 0].expand(3, -1), atol=0.05)
    # The finest band, before the others are added to it, is as lively as wanted within the bounds.
    plain = bands(KEYS - KEYS.mean((2, 3), keepdim=True))[0].abs().mean((2, 3))
    wanted = (statistics.fine[0][..., 0, 0] / plain).clamp(1 / 8, 3)
    got = bands(made - made.mean((2, 3), keepdim=True))[0].abs().mean((2, 3)) / plain
    assert torch.allclose(got, wanted.expand_as(got), rtol=0.25)


def test_the_strength_is_how_far_it_goes_and_rows_are_alone() -> None:
    statistics = StyleStatistics.of(STYLE)
    assert torch.equal(statistics.applied(KEYS, FRAMES, 0.0), KEYS)
    half, whole = (statistics.applied(KEYS, FRAMES, s) for s in (0.5, 1.0))
    assert torch.allclose(half, (KEYS + whole) / 2, atol=1e-6)
    assert torch.allclose(statistics.applied(KEYS[1:2], FRAMES[1:2], 1.0)[0], whole[1], atol=1e-5)


def test_what_grows_grows_towards_the_frame() -> None:
    """A picture with faint detail gets a part of it from its frame, and stays where it is where it shows enough."""
    frame = torch.zeros(1, 4, 16, 16)
    frame[..., ::2, :] = 1
    faint = 0.05 * torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    made = StyleStatistics.of(torch.randn(1, 4, 16, 16) * 2).applied(faint, frame, 1.0)
    stripes = frame[0, 0] - 0.5
    assert float((made[0, 0] * stripes).mean()) > 2 * abs(float((faint[0, 0] * stripes).mean()))


def test_one_colour_is_no_trouble() -> None:
    flat = torch.full((1, 4, 8, 8), 0.3)
    for style, key in ((flat, KEYS), (STYLE, flat.expand(3, -1, -1, -1))):
        made = StyleStatistics.of(style).applied(key, key, 1.0)
        assert torch.isfinite(made).all()
