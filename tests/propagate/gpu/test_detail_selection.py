"""Two keys' strokes on the device: torch operations against the CPU's kernels."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from stroke_grain import grain  # noqa: E402

from restrip.propagate.cpu.detail_selection import Strokes  # noqa: E402
from restrip.propagate.cpu.mixing import Votes  # noqa: E402
from restrip.propagate.cpu.mixing import rendered as on_cpu  # noqa: E402
from restrip.propagate.energy.mix_weights import MixWeights  # noqa: E402
from restrip.propagate.energy.style import CODE  # noqa: E402
from restrip.propagate.gpu.detail_selection import cells_of, means_of  # noqa: E402
from restrip.propagate.gpu.mixing import VoteTensors, rendered  # noqa: E402
from restrip.propagate.gpu.shares import shares_of  # noqa: E402

SHARES = [MixWeights(1, 0.1), MixWeights(0.3, 1), MixWeights(0.7, 0.6)]


def votes(seed: int, size: tuple[int, int], alike: float) -> Votes:
    """Strokes of their own and strokes that both have, on weights of their own."""
    w, h = size
    picture = (120 + alike * grain(9) + (1 - alike) * grain(seed))[:h, :w]
    weight = np.random.default_rng(seed).uniform(0.01, 2, (h, w)).astype(np.float32)
    return Votes(np.ascontiguousarray(picture * CODE * weight[..., None], np.float32), weight)


def tensors(said: Votes) -> VoteTensors:
    return VoteTensors(torch.from_numpy(said.total), torch.from_numpy(said.weight))


@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("size", [(160, 120), (97, 61), (9, 5)])
def test_cells_are_the_cpus(size, alike):
    left, right = votes(1, size, alike), votes(2, size, alike)
    ours = Strokes.of((left.total, left.weight), (right.total, right.weight))
    sides = [(v.total, v.weight) for v in (tensors(left), tensors(right))]
    theirs = cells_of(means_of(*sides, ours.cell), SHARES).numpy()
    np.testing.assert_allclose(theirs[0], ours.apart, atol=1e-3)
    np.testing.assert_allclose(theirs[1:4], ours.low, atol=0.01 * CODE)
    for shares, turned in zip(SHARES, theirs[4:], strict=True):
        np.testing.assert_allclose(turned, ours.turned(shares.left, shares.right), atol=2e-3)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("size", [(160, 120), (97, 61), (9, 5)])
def test_renditions_are_the_cpus(size, deep):
    left, right = votes(1, size, 0.2), votes(2, size, 0.2)
    strokes = Strokes.of((left.total, left.weight), (right.total, right.weight))
    (shared,) = shares_of([SHARES], [0.5], torch.device("cpu"))
    out = rendered(tensors(left), tensors(right), shared, deep).numpy()
    for shares, ours in zip(SHARES, out.view(np.uint16) if deep else out, strict=True):
        off = np.abs(ours.astype(int) - on_cpu(left, right, shares, deep, strokes))
        assert off.max() <= (40 if deep else 1)
        assert off.mean() < (2 if deep else 0.02)
