"""Key pictures of a row, painted once and kept on the disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import restrip
from between.footage import Picture
from restrip.looks import open_look
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key

# Any picture is a painting: the built-in look's own sample is one that every installation has.
PAINTING = Path(restrip.__file__).parent / "data" / "looks" / "13.jpg"
DIFFUSION = {
    "prompt": "a warm pastel painting",
    "original_prompt": "a photo",
    "steps": 20,
    "denoising_strength": 0.6,
    "cfg_scale": 4.0,
    "device": "cpu",
}


@dataclass(frozen=True)
class Maker:
    """A look and how its keys are made: `anchored` the second against the first, `seeds` each with one of its own."""

    look: str
    settings: dict[str, Any] = field(default_factory=dict)
    seeds: bool = False

    @property
    def diffusion(self) -> bool:
        """Does it need a size and an anchor?"""
        return self.look.startswith("sd:")


MAKERS = {
    "look 3": Maker("neural:3"),
    "look 11": Maker("neural:11"),
    "look 19": Maker("neural:19"),
    "painting": Maker(f"painting:{PAINTING}"),
    "tiny-sd": Maker("sd:tiny", {**DIFFUSION, "anchor": True}),
    "tiny-sd seeds": Maker("sd:tiny", {**DIFFUSION, "anchor": False}, seeds=True),
}


def keys_of(look: str, first: Picture, last: Picture, cache: Path) -> tuple[Picture, Picture]:
    """The key pictures of two frames, from `cache` when they were made before."""
    maker = MAKERS[look]
    settings = _sized(maker, first)
    path = cache / f"keys-{_digest(maker, settings, (first, last))}.npz"
    if not path.exists():
        left, right = _painted(maker, settings, (first, last))
        cache.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, left=left, right=right)
    with np.load(path) as kept:
        return kept["left"], kept["right"]


def _sized(maker: Maker, frame: Picture) -> dict[str, Any]:
    height, width = frame.shape[:2]
    size = {"width": width // 16 * 16, "height": height // 16 * 16} if maker.diffusion else {}
    return {**maker.settings, **size}


def _digest(maker: Maker, settings: dict[str, Any], frames: Sequence[Picture]) -> str:
    """What the keys hang on: the frames to the byte, the look by name (a painting by content), the settings."""
    content = hashlib.sha256(json.dumps([maker.look.split("/")[0], maker.seeds, settings], sort_keys=True).encode())
    if maker.look.startswith("painting"):
        content.update(PAINTING.read_bytes())
    for frame in frames:
        content.update(np.ascontiguousarray(frame))
    return content.hexdigest()[:24]


def _painted(maker: Maker, settings: dict[str, Any], pictures: Sequence[Picture]) -> list[Picture]:
    look = open_look(maker.look, settings)
    frames = [Frame(np.ascontiguousarray(picture)) for picture in pictures]
    keys = [Key(n, seed=n + 1) if maker.seeds else Key(n) for n in range(len(frames))]
    anchor = (frames[0], keys[0]) if settings.get("anchor") else None
    return [styled.picture.rgb8() for styled in look.stylize(frames, keys, silent, anchor)]
