from __future__ import annotations

import numpy as np
import pytest

from restrip.looks.diffusion.sampling.philox import GpuLikeNoise, philox

WORDS = [
    # Known answers of Random123's own tests.
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), WORDS)
def test_known_answers(counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]) -> None:
    found = philox([np.array([word], np.uint32) for word in counter], key)
    assert tuple(int(word[0]) for word in found) == words


def test_the_numbers_of_a_gpu_after_seed_0() -> None:
    """torch.manual_seed(0); torch.randn(3, 4, device="cuda")"""
    gpu = [
        [-0.92466259, -0.42534415, -2.6438457, 0.14518388],
        [-0.12086647, -0.57972564, -0.62285122, -0.32838709],
        [-1.07454231, -0.36314407, -1.67105067, 2.26550497],
    ]
    assert GpuLikeNoise(0).draw((3, 4)) == pytest.approx(np.array(gpu), abs=1e-6)


def test_draws_and_seeds_are_others_and_normal() -> None:
    noise = GpuLikeNoise(2**40 + 7)
    first, second = noise.draw((100, 100)), noise.draw((100, 100))
    assert first.dtype == np.float32 and not np.allclose(first, second)
    assert np.array_equal(GpuLikeNoise(2**40 + 7).draw((100, 100)), first)
    assert not np.allclose(GpuLikeNoise(7).draw((100, 100)), first)
    assert abs(first.mean()) < 0.05 and first.std() == pytest.approx(1, abs=0.03)
