"""How whole: is every patch of a picture one of a key's, and does it have all of theirs?

The bidirectional distance of Simakov et al. 2008, "Summarizing Visual Data Using Bidirectional Similarity", section 2,
on a fixed random sample of 7x7 patches, compared by their 40 principal components.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from between.footage import Picture

Floats = npt.NDArray[np.float32]
SIDE = 7
COMPONENTS = 40
SAMPLE = 1500
AT_ONCE = 8192


class PatchBook:
    """All patches of both keys."""

    def __init__(self, left: Picture, right: Picture) -> None:
        patches = np.vstack([_patches(left), _patches(right)])
        self._mean = patches.mean(0)
        few = np.random.default_rng(1).choice(len(patches), min(6000, len(patches)), replace=False)
        _, _, axes = np.linalg.svd(patches[few] - self._mean, full_matrices=False)
        self._axes = np.ascontiguousarray(axes[:COMPONENTS].T, np.float32)
        self._keys = (patches - self._mean) @ self._axes

    def distances(self, picture: Picture) -> tuple[float, float]:
        """(coherence, completeness): rms code values a channel, on average.

        Coherence is how far the picture's patches are from the nearest of a key, completeness the other way round.
        """
        own = (_patches(picture) - self._mean) @ self._axes
        rng = np.random.default_rng(3)
        some, others = (rng.choice(len(of), min(SAMPLE, len(of)), replace=False) for of in (own, self._keys))
        return _nearest(own[some], self._keys), _nearest(self._keys[others], own)


def _patches(picture: Picture) -> Floats:
    view = np.lib.stride_tricks.sliding_window_view(picture, (SIDE, SIDE), (0, 1))
    return np.ascontiguousarray(view.reshape(-1, 3 * SIDE * SIDE), np.float32)


def _nearest(asked: Floats, among: Floats) -> float:
    best = np.full(len(asked), np.inf, np.float32)
    for begin in range(0, len(among), AT_ONCE):
        part = among[begin : begin + AT_ONCE]
        np.minimum(best, ((part**2).sum(1) - 2 * asked @ part.T).min(1), out=best)
    squared = np.maximum(best + (asked**2).sum(1), 0)
    return float(np.sqrt(squared / (3 * SIDE * SIDE)).mean())
