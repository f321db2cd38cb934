"""What the two searches over the key's pixels share: how far descriptors are apart, and random numbers of a place."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def distance(own, key, there, N: tl.constexpr):
    """Squared distance of descriptors `own` [BLOCK, N] int32 and the key's at pixels `there` [BLOCK]."""
    apart = own - tl.load(key + there[:, None] * N + tl.arange(0, N)[None, :]).to(tl.int32)
    return tl.sum(apart * apart, axis=1).to(tl.float32)


@triton.jit
def noise_at(x, y, seed):
    """32 bits for each place x, y, the same for the same seed; those of `patchmatch.noise_at`."""
    noise = (x.to(tl.uint32) * 0x9E3779B1) ^ (y.to(tl.uint32) * 0x85EBCA77) ^ seed.to(tl.uint32)
    noise = (noise ^ (noise >> 15)) * 0x2C1B3C6D
    return noise ^ (noise >> 13)
