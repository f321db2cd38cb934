"""Motion put aside on disk."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import constant_flow

from restrip.propagate.cpu.flow_spool import FlowSpool


def smooth(size: tuple[int, int], n: int) -> np.ndarray:
    """A zoom and a shift, different for each n."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    return np.dstack([0.05 * n * (x - size[0] / 2) + n, -0.02 * n * (y - size[1] / 2) + 0.5])


@pytest.mark.parametrize("size", [(64, 48), (33, 47), (1, 1), (2, 5)])
def test_the_last_in_is_the_first_out(size, tmp_path):
    flows = [constant_flow(size, n, -2.5 * n) for n in range(4)]
    with FlowSpool(size, str(tmp_path)) as spool:
        for flow in flows:
            spool.push(flow)
        assert len(spool) == 4
        np.testing.assert_allclose(spool.peek(), flows[3], rtol=1e-6)
        assert len(spool) == 4
        for flow in reversed(flows):
            np.testing.assert_allclose(spool.pop(), flow, rtol=1e-6)
        assert len(spool) == 0


def test_smooth_motion_comes_back_as_it_was():
    flow = smooth((64, 48), 3)
    with FlowSpool((64, 48)) as spool:
        spool.push(flow)
        back = spool.pop()
    assert np.abs(back - flow)[2:-2, 2:-2].max() < 0.02
    assert np.abs(back - flow).max() < 0.1


def test_pushing_after_popping_overwrites():
    a, b, c = (constant_flow((8, 6), n, n) for n in range(3))
    with FlowSpool((8, 6)) as spool:
        spool.push(a)
        spool.push(b)
        spool.pop()
        spool.push(c)
        np.testing.assert_allclose(spool.pop(), c, rtol=1e-6)
        np.testing.assert_allclose(spool.pop(), a, rtol=1e-6)


def test_a_frame_takes_a_byte_a_pixel_and_no_name(tmp_path):
    with FlowSpool((64, 48), str(tmp_path)) as spool:
        for n in range(5):
            spool.push(smooth((64, 48), n))
        spool._file.flush()
        assert spool._file.seek(0, 2) == 5 * 64 * 48
        assert spool._file.name not in [str(p) for p in tmp_path.iterdir()]
    with pytest.raises(ValueError, match="closed"):
        spool.pop()
    assert not list(tmp_path.iterdir())
