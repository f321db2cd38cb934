from __future__ import annotations

import copy

import pytest
import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.consistency.anchor_attention import AnchorAttention
from restrip.looks.diffusion.consistency.anchor_features import AnchorBank
from restrip.looks.diffusion.sampling.denoiser import Denoiser


@pytest.fixture(scope="module")
def tiny():
    return open_model(find_checkpoint("tiny"))


X = torch.randn(3, 4, 12, 16, generator=torch.Generator().manual_seed(0)) * 3


def denoiser(model, rows: int, cfg: float = 3.0) -> Denoiser:
    cond = model.text.encode("a photo", 1)
    none = model.text.encode("", 1)
    return Denoiser(model, [cond] * rows, [none] * rows, cfg)


def recorded(model, cfg: float = 3.0, limit: float | None = None, **settings) -> AnchorBank:
    bank = AnchorBank(limit)
    settings = {"strength": 1.0, "adain": False, **settings}
    attention = AnchorAttention(model.network, **settings)
    with torch.inference_mode(), attention.among(model.network, bank, 0, 1):
        denoiser(model, 1, cfg).eps(X[:1], 2.0)
        attention.keep(bank)
    return bank


def anchored(model, bank: AnchorBank, x: torch.Tensor, strength: float = 1.0, adain: bool = False, cfg: float = 3.0):
    attention = AnchorAttention(model.network, strength, adain)
    with torch.inference_mode(), attention.among(model.network, bank):
        attention.load(model.network, bank)
        return denoiser(model, len(x), cfg).eps(x, 2.0)


def plain(model, x: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return denoiser(model, len(x)).eps(x, 2.0)


def test_recording_and_leaving_change_nothing(tiny) -> None:
    before, processors = plain(tiny, X), dict(tiny.network.attn_processors)
    attention, bank = AnchorAttention(tiny.network, 1.0, False), AnchorBank()
    with torch.inference_mode(), attention.among(tiny.network, bank, 0, 1):
        assert torch.allclose(denoiser(tiny, 1).eps(X[:1], 2.0), before[:1], atol=1e-5)
        attention.keep(bank)
    assert tiny.network.attn_processors == processors
    assert torch.equal(plain(tiny, X), before)
    assert len(bank.features) == sum(name.endswith("attn1.processor") for name in processors)


def test_the_anchor_against_itself_is_itself(tiny) -> None:
    """Its own keys and values twice weigh as once."""
    bank = recorded(tiny, adain=True)
    for settings in ({}, {"strength": 0.3}, {"adain": True}):
        assert torch.allclose(anchored(tiny, bank, X[:1], **settings), plain(tiny, X[:1]), atol=2e-4)


@pytest.mark.parametrize("settings", [{}, {"strength": 0.5, "adain": True}, {"cfg": 1.0}])
def test_rows_do_not_depend_on_those_beside_them(settings, tiny) -> None:
    bank = recorded(tiny, settings.get("cfg", 3.0), adain=settings.get("adain", False))
    together = anchored(tiny, bank, X, **settings)
    for row in range(3):
        assert torch.allclose(together[row], anchored(tiny, bank, X[row : row + 1], **settings)[0], atol=1e-4)


def test_strength_goes_from_nothing_to_much(tiny) -> None:
    bank = recorded(tiny)
    base = plain(tiny, X[1:2])
    changes = [float((anchored(tiny, bank, X[1:2], s) - base).abs().mean()) for s in (0.0, 0.3, 1.0, 4.0)]
    assert changes == sorted(changes) and changes[0] < 0.05 * changes[2]


@pytest.mark.parametrize("settings", [{}, {"strength": 0.4}, {"adain": True}])
@pytest.mark.parametrize("row", [0, 2])
def test_an_anchor_in_the_batch_is_as_one_made_before(settings, row: int, tiny) -> None:
    """Its row comes out as if alone, the others as if made later, and what it leaves serves those that are."""
    x = X.roll(row, 0)  # the anchor is X[0]
    attention, bank = (
        AnchorAttention(tiny.network, settings.get("strength", 1), settings.get("adain", False)),
        AnchorBank(),
    )
    with torch.inference_mode(), attention.among(tiny.network, bank, row, 3):
        together = denoiser(tiny, 3).eps(x, 2.0)
        attention.keep(bank)
    assert torch.allclose(together[row], plain(tiny, X[:1])[0], atol=1e-4)
    for kept in (bank, recorded(tiny, **settings)):
        later = anchored(tiny, kept, X[1:], **settings)
        others = [n for n in range(3) if n != row]
        assert torch.allclose(together[others], later.roll(0 if row in (0, 2) else 1, 0), atol=1e-4)


def test_a_strength_of_nothing_leaves_the_network_alone(tiny) -> None:
    processors, bank = dict(tiny.network.attn_processors), AnchorBank()
    attention = AnchorAttention(tiny.network, 0.0, False)
    with attention.among(tiny.network, bank):
        attention.load(tiny.network, bank)
        assert tiny.network.attn_processors == processors


def test_what_is_seen_stays_where_it_is(tiny) -> None:
    """From step to step and from anchor to anchor: a compiled network reads the same tensors."""
    attention, banks = AnchorAttention(tiny.network, 1.0, False), [recorded(tiny) for _ in range(2)]
    places = []
    with attention.among(tiny.network, banks[0]):
        for bank in banks:
            attention.load(tiny.network, bank)
            places.append([part.seen.key.data_ptr() for part in attention.parts.values()])
    assert places[0] == places[1]
    name, part = next(iter(attention.parts.items()))
    assert torch.equal(part.seen.value, banks[1].features[0, name].value)


def test_fused_projections_are_the_same(tiny) -> None:
    bank, expected = recorded(tiny), plain(tiny, X)
    fused = copy.deepcopy(tiny.network)
    for name, module in fused.named_modules():
        if name.endswith("attn1"):
            module.fuse_projections()
    attention = AnchorAttention(fused, 1.0, False)
    with torch.inference_mode(), attention.among(fused, bank):
        attention.load(fused, bank)
        out = Denoiser(tiny, [tiny.text.encode("a photo", 1)] * 3, [tiny.text.encode("", 1)] * 3, 3.0, fused).eps(
            X, 2.0
        )
    assert torch.allclose(out, anchored(tiny, bank, X), atol=1e-4) and not torch.allclose(out, expected, atol=1e-3)


def test_features_beyond_the_limit_wait_on_the_cpu(tiny) -> None:
    bank = recorded(tiny, limit=0.01)
    assert bank.held_mib > 0.01
    assert torch.allclose(anchored(tiny, bank, X[:1]), plain(tiny, X[:1]), atol=2e-4)
