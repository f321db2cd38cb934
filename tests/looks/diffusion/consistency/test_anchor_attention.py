from __future__ import annotations

import pytest
import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.consistency.anchor_attention import AnchorBank, _like, recording, replaying
from restrip.looks.diffusion.sampling.denoiser import Denoiser


@pytest.fixture(scope="module")
def tiny():
    return open_model(find_checkpoint("tiny"))


X = torch.randn(3, 4, 12, 16, generator=torch.Generator().manual_seed(0)) * 3


def denoiser(model, rows: int, cfg: float = 3.0) -> Denoiser:
    cond = model.text.encode("a photo", 1)
    none = model.text.encode("", 1)
    return Denoiser(model, [cond] * rows, [none] * rows, cfg)


def recorded(model, cfg: float = 3.0, limit: float | None = None) -> AnchorBank:
    bank = AnchorBank(limit)
    with torch.inference_mode(), recording(model.network, bank):
        denoiser(model, 1, cfg).eps(X[:1], 2.0)
    return bank


def anchored(model, bank: AnchorBank, x: torch.Tensor, strength: float = 1.0, adain: bool = False, cfg: float = 3.0):
    with torch.inference_mode(), replaying(model.network, bank, strength, adain):
        return denoiser(model, len(x), cfg).eps(x, 2.0)


def plain(model, x: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return denoiser(model, len(x)).eps(x, 2.0)


def test_recording_and_leaving_change_nothing(tiny) -> None:
    before, processors = plain(tiny, X), dict(tiny.network.attn_processors)
    bank = AnchorBank()
    with torch.inference_mode(), recording(tiny.network, bank):
        assert torch.allclose(denoiser(tiny, 3).eps(X, 2.0), before, atol=1e-5)
    assert tiny.network.attn_processors == processors
    assert torch.equal(plain(tiny, X), before)
    assert len(bank.features) == sum(name.endswith("attn1.processor") for name in processors)


def test_the_anchor_against_itself_is_itself(tiny) -> None:
    """Its own keys and values twice weigh as once."""
    bank = recorded(tiny)
    for settings in ({}, {"strength": 0.3}, {"adain": True}):
        assert torch.allclose(anchored(tiny, bank, X[:1], **settings), plain(tiny, X[:1]), atol=2e-4)


@pytest.mark.parametrize("settings", [{}, {"strength": 0.5, "adain": True}, {"cfg": 1.0}])
def test_rows_do_not_depend_on_those_beside_them(settings, tiny) -> None:
    bank = recorded(tiny, settings.get("cfg", 3.0))
    together = anchored(tiny, bank, X, **settings)
    for row in range(3):
        assert torch.allclose(together[row], anchored(tiny, bank, X[row : row + 1], **settings)[0], atol=1e-4)


def test_strength_goes_from_nothing_to_much(tiny) -> None:
    bank = recorded(tiny)
    base = plain(tiny, X[1:2])
    changes = [float((anchored(tiny, bank, X[1:2], s) - base).abs().mean()) for s in (0.0, 0.3, 1.0, 4.0)]
    assert changes == sorted(changes) and changes[0] < 0.05 * changes[2]


def test_adain_takes_the_anchors_statistics() -> None:
    values, model = torch.randn(2, 3, 50, 4) * 5 + 1, torch.randn(2, 3, 60, 4) * 0.5 - 2
    out = _like(values, model)
    assert torch.allclose(out.mean(2), model.mean(2), atol=1e-4)
    assert torch.allclose(out.std(2), model.std(2), atol=1e-4)


def test_features_beyond_the_limit_wait_on_the_cpu(tiny) -> None:
    bank = recorded(tiny, limit=0.01)
    assert bank.held_mib > 0.01
    assert torch.allclose(anchored(tiny, bank, X[:1]), plain(tiny, X[:1]), atol=2e-4)
