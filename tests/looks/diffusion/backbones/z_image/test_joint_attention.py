from __future__ import annotations

import pytest
import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.z_image.joint_attention import JointAnchorAttention, turned, weighed_keys
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.consistency.anchor_features import AnchorBank, StyleBank
from restrip.looks.diffusion.consistency.style_statistics import StyleStatistics
from restrip.looks.diffusion.sampling.denoiser import Denoiser

X = torch.randn(3, 16, 6, 8, generator=torch.Generator().manual_seed(0)) * 3
LENGTHS = (20, 40, 70)  # of texts: each is filled up to another length


@pytest.fixture
def model(places, monkeypatch):
    monkeypatch.setattr(loader, "CONFIGS", places.configs)
    return open_model(find_checkpoint(str(places.folder)))


def texts(which) -> list[Cond]:
    return [Cond(torch.randn(LENGTHS[n], 64, generator=torch.Generator().manual_seed(n + 1))) for n in which]


def seen(model, which, cfg: float = 2.0) -> torch.Tensor:
    none = [Cond(torch.randn(12, 64, generator=torch.Generator().manual_seed(9)))] * len(which)
    return Denoiser(model, texts(which), none, cfg).eps(X[list(which)], 2.0)


def plain(model, which) -> torch.Tensor:
    with torch.inference_mode():
        return seen(model, which)


def recorded(model, **settings) -> AnchorBank:
    bank = AnchorBank()
    attention = JointAnchorAttention(model.network, **{"strength": 1.0, "adain": False, **settings})
    with torch.inference_mode(), attention.among(model.network, bank, 0, 1):
        seen(model, [0])
        attention.keep(bank)
    return bank


def anchored(model, bank: AnchorBank, which, strength: float = 1.0, adain: bool = False) -> torch.Tensor:
    attention = JointAnchorAttention(model.network, strength, adain)
    with torch.inference_mode(), attention.among(model.network, bank):
        attention.load(model.network, bank)
        return seen(model, which)


def test_recording_and_leaving_change_nothing(model) -> None:
    before = plain(model, [0, 1])
    processors = [layer.attention.processor for layer in model.network.layers]
    bank, attention = AnchorBank(), JointAnchorAttention(model.network, 1.0, False)
    with torch.inference_mode(), attention.among(model.network, bank, 0, 1):
        assert torch.allclose(seen(model, [0]), before[:1], atol=1e-5)
        attention.keep(bank)
    assert [layer.attention.processor for layer in model.network.layers] == processors
    assert torch.equal(plain(model, [0, 1]), before) and len(bank.features) == 3
    assert all(features.key.shape[2] == 3 * 4 for features in bank.features.values())  # no words


def test_the_anchor_against_itself_is_itself(model) -> None:
    """Own and seen picture share the weight that the own one has alone: the words weigh as much as before."""
    bank = recorded(model, adain=True)
    for settings in ({}, {"strength": 0.3}, {"adain": True}, {"strength": 3.0}):
        assert torch.allclose(anchored(model, bank, [0], **settings), plain(model, [0]), atol=2e-4)


@pytest.mark.parametrize("settings", [{}, {"strength": 0.5, "adain": True}])
def test_rows_do_not_depend_on_those_beside_them(settings, model) -> None:
    bank = recorded(model, adain=settings.get("adain", False))
    together = anchored(model, bank, [0, 1, 2], **settings)
    for row in range(3):
        assert torch.allclose(together[row], anchored(model, bank, [row], **settings)[0], atol=1e-4)


def test_strength_goes_from_nothing_to_much(model) -> None:
    bank, base = recorded(model), plain(model, [1])
    changes = [float((anchored(model, bank, [1], s) - base).abs().mean()) for s in (0.0, 0.3, 1.0, 4.0)]
    assert changes == sorted(changes) and changes[0] < 0.05 * changes[2] and changes[2] > 1e-3


@pytest.mark.parametrize("settings", [{}, {"strength": 0.4}, {"adain": True}])
@pytest.mark.parametrize("row", [0, 2])
def test_an_anchor_in_the_batch_is_as_one_made_before(settings, row: int, model) -> None:
    others = [1, 2]
    which = [0, 1, 2] if row == 0 else [1, 2, 0]
    bank = AnchorBank()
    attention = JointAnchorAttention(model.network, settings.get("strength", 1), settings.get("adain", False))
    with torch.inference_mode(), attention.among(model.network, bank, row, 3):
        together = seen(model, which)
        attention.keep(bank)
    assert torch.allclose(together[row], plain(model, [0])[0], atol=1e-4)
    for kept in (bank, recorded(model, **settings)):
        later = anchored(model, kept, others, **settings)
        assert torch.allclose(together[[which.index(n) for n in others]], later, atol=1e-4)


def test_a_key_takes_on_what_it_sees(model) -> None:
    """Of two keys that show nothing alike the second comes nearer to the anchor, and more so with its statistics."""
    bank = recorded(model, adain=True)
    anchor, other = plain(model, [0])[0], plain(model, [1])[0]

    def apart(one: torch.Tensor) -> float:
        return float((one.mean((1, 2)) - anchor.mean((1, 2))).abs().mean())

    assert apart(anchored(model, bank, [1])[0]) < apart(other)


@pytest.mark.parametrize("wide", [8, 4, 12])
def test_a_style_picture_of_any_shape_is_one_more_that_is_seen(wide: int, model) -> None:
    picture = torch.cat([X[:1], X[1:2]], dim=3)[..., :wide]
    attention, bank = JointAnchorAttention(model.network, 1.0, False), AnchorBank()
    with torch.inference_mode(), attention.watched(model.network):
        Denoiser(model, texts([0]), texts([0]), 1.0).eps(picture, 2.0)
        attention.keep(bank)
    style, base = StyleBank(bank, StyleStatistics.of(picture), 1.0), plain(model, [1, 2])
    with torch.inference_mode(), attention.among(model.network, None, None, 2, style):
        attention.load(model.network, None, style)
        both = seen(model, [1, 2])
        again = torch.cat([seen(model, [1]), seen(model, [2])])
    assert torch.allclose(both, again, atol=1e-4) and float((both - base).abs().mean()) > 1e-3


def test_places_and_weights_are_those_of_the_network(model) -> None:
    query, keys, values = torch.randn(2, 3, 10, 8), torch.randn(2, 3, 15, 8), torch.randn(2, 3, 15, 8)
    logs = torch.randn(2, 15)
    expected = torch.nn.functional.scaled_dot_product_attention(query, keys, values, attn_mask=logs[:, None, None])
    assert torch.allclose(weighed_keys(query, keys, values, logs), expected, atol=1e-6)
    angles = torch.randn(2, 10, 4)
    out = turned(query, torch.polar(torch.ones_like(angles), angles))
    a, b = query[0, 1, 2, 2:4]
    c, s = angles[0, 2, 1].cos(), angles[0, 2, 1].sin()
    assert torch.allclose(out[0, 1, 2, 2:4], torch.stack([a * c - b * s, a * s + b * c]), atol=1e-6)
