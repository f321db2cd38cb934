"""All measures of a row's pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from between.detail import crispness
from between.footage import Picture
from between.patches import PatchBook
from between.steadiness import Source
from between.style import Styles, structure

Scores = dict[str, float]
MEASURES = ("band", "mid", "pop", "warp", "warpF", "worst", "jump", "still", "coh", "comp", "gram", "vec", "struct")


class Scorer:
    """Measures pictures between two keys. What hangs on frames and keys alone is worked out once."""

    def __init__(self, frames: Sequence[Picture], keys: tuple[Picture, Picture]) -> None:
        self._frames = frames
        self._source, self._book, self._styles = Source(frames), PatchBook(*keys), Styles(*keys)

    def score(self, pictures: Sequence[Picture]) -> Scores:
        """MEASURES of pictures from key to key, both included.

        Patches and style are told at a quarter, a half and three quarters of the gap.
        """
        count = len(pictures)
        at = [count // 4, count // 2, 3 * count // 4]
        coherence, completeness = np.mean([self._book.distances(pictures[n]) for n in at], 0)
        shares = [n / (count - 1) for n in at]
        return {
            **crispness(pictures),
            **self._source.unsteadiness(pictures),
            "coh": float(coherence),
            "comp": float(completeness),
            "gram": float(np.mean([self._styles.gram(pictures[n], s) for n, s in zip(at, shares, strict=True)])),
            "vec": float(np.mean([self._styles.vector(pictures[n], s) for n, s in zip(at, shares, strict=True)])),
            "struct": float(np.mean([structure(self._frames[n], pictures[n]) for n in at])),
        }
