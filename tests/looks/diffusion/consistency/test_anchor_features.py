from __future__ import annotations

import pytest
import torch

from restrip.looks.diffusion.consistency.anchor_features import AnchorBank, Features


def features(value: float) -> Features:
    """Of 1 MiB (half of it keys)."""
    return Features(*(torch.full((2, 4, 128, 128), value) for _ in range(2)))


def test_what_is_kept_is_of_its_evaluation_and_the_banks_own() -> None:
    bank, seen = AnchorBank(), features(1.0)
    bank.keep("mid", seen)
    bank.evaluation = 1
    bank.keep("mid", features(2.0))
    seen.key.zero_()
    assert [float(bank.features[n, "mid"].key[0, 0, 0, 0]) for n in (0, 1)] == [1.0, 2.0]
    assert bank.held_mib == pytest.approx(2.0)
    bank.clear()
    assert not bank.features and bank.held_mib == 0


def test_what_a_features_has_beside_keys_and_values_is_kept_too() -> None:
    mean, std = torch.zeros(2, 4, 1, 128), torch.ones(2, 4, 1, 128)
    own = features(3.0)
    bank = AnchorBank(limit_mib=0.5)  # waits on the CPU then
    bank.keep("mid", Features(own.key, own.value, mean, std))
    kept = bank.features[0, "mid"].tensors
    assert len(kept) == 4 and all(torch.equal(a, b) for a, b in zip(kept, (own.key, own.value, mean, std), strict=True))
