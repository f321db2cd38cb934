from __future__ import annotations

import numpy as np
import torch

from restrip.looks.diffusion.consistency.key_motion import Motion
from restrip.looks.diffusion.consistency.moved_noise import NoisePlaces


def test_noise_is_carried_whole_and_fresh_where_nothing_is_seen() -> None:
    flow, seen = np.zeros((24, 32, 2), np.float32), np.ones((24, 32), np.float32)
    flow[..., 0] = 4
    seen[:, 16:] = 0
    noise, fresh = torch.randn(2, 4, 6, 8)
    moved = NoisePlaces.of(Motion(flow, seen, seen), 4).carried(noise, fresh)
    assert torch.equal(moved[..., :4], noise[..., 1:5])
    assert torch.equal(moved[..., 4:], fresh[..., 4:])
