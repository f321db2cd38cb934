"""NVIDIA's normal numbers on any machine: Philox 4x32-10 (Salmon et al. 2011) and Box and Muller's rule.

A1111 draws a picture's noise on the GPU unless told otherwise; these are the numbers that it gets there, so that its
seeds give its pictures. The n-th number of a draw has the counter (draw, 0, n, 0) and the seed as its key.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

ROUNDS = 10
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
KEY_STEPS = 0x9E3779B9, 0xBB67AE85
WORD = 0xFFFFFFFF

Words = npt.NDArray[np.uint32]


def philox(counter: Sequence[Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Four words of 32 random bits for each counter (four words) and one key (two words)."""
    a, b, c, d = counter
    for number in range(ROUNDS):
        first, second = ((word + number * step) & WORD for word, step in zip(key, KEY_STEPS, strict=True))
        ab, cd = a.astype(np.uint64) * MULTIPLIERS[0], c.astype(np.uint64) * MULTIPLIERS[1]
        a, b, c, d = _high(cd) ^ b ^ np.uint32(first), _low(cd), _high(ab) ^ d ^ np.uint32(second), _low(ab)
    return a, b, c, d


def _high(values: npt.NDArray[np.uint64]) -> Words:
    return (values >> np.uint64(32)).astype(np.uint32)


def _low(values: npt.NDArray[np.uint64]) -> Words:
    return (values & np.uint64(WORD)).astype(np.uint32)


class GpuLikeNoise:
    """The normal numbers that torch draws on an NVIDIA GPU after a seed, one draw after the other."""

    def __init__(self, seed: int) -> None:
        self.key = seed & WORD, (seed >> 32) & WORD
        self.draws = 0

    def draw(self, shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """The next numbers, float32 of that shape."""
        count = math.prod(shape)
        zero = np.zeros(count, np.uint32)
        a, b, _, _ = philox((zero + np.uint32(self.draws), zero, np.arange(count, dtype=np.uint32), zero), self.key)
        self.draws += 1
        share = np.float32(2.0**-32)
        u, v = a * share + share / 2, (b * share + share / 2) * np.float32(2 * math.pi)
        normal: npt.NDArray[np.float32] = np.sqrt(-2 * np.log(u)) * np.sin(v)
        return normal.astype(np.float32).reshape(shape)
