"""How strange keys are place by place, on tensors, against the CPU's."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import styled, texture

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from restrip.propagate.energy.style import CODE  # noqa: E402
from restrip.propagate.gpu.stages import torch_stages  # noqa: E402
from restrip.propagate.gpu.strokes.strangeness import parts_of  # noqa: E402
from restrip.propagate.strangeness import crispness, strangeness_of  # noqa: E402

SIZE = (96, 72)


@pytest.mark.parametrize(("alike", "other"), [(0.0, 0.0), (0.9, 0.9), (1.0, 1.0), (1.0, 0.0), (0.97, 0.3)])
def test_parts_are_the_cpus(alike, other):
    """Of keys that agree so far on the left and on the right of the picture."""
    left, stranger = (texture(SIZE, seed, 1.0).astype(np.float32) for seed in (1, 2))
    share = np.where(np.arange(SIZE[0]) < 48, alike, other).astype(np.float32)[:, None]
    rng = np.random.default_rng(3)
    style = (share * left + (1 - share) * stranger) * np.float32(CODE)
    errors = rng.exponential(8, SIZE[::-1]).astype(np.float32)
    flow = np.full((*SIZE[::-1], 2), 1.2, np.float32)
    flow[:30] = 0
    key = styled([np.zeros((*SIZE[::-1], 3), np.uint8)], 0, left.astype(np.uint8))
    theirs = crispness(strangeness_of(key, style, errors, flow), "auto", SIZE)
    arrays = (key.picture.rgb16().astype(np.float32), style, errors, flow)
    ours = parts_of(*(torch.from_numpy(array) for array in arrays), torch_stages(torch.device("cpu"))).numpy()
    np.testing.assert_allclose(ours, theirs, atol=5e-3)
    if alike == other:
        assert set(np.unique(theirs)) <= {0.0, 1.0}
