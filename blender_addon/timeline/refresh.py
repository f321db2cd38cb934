"""A result's strips show the files of a new job with the same keys: whatever was done to the strips stays.

That is what a key which was saved again needs: trims, fades, effects and opacities inside the result are the editor's,
and a take more with each save would push their own takes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from restrip.client.draft import is_draft
from restrip.client.job import Manifest, StripFile

from . import drafts, places, results, takes, ties, vse

Where = tuple[int, int]
"""Where a strip's key lies, behind the source's content start and behind the strip's own."""


def in_place(job_id: str, manifest: Manifest, origin: results.Origin | None) -> results.Placed | None:
    """Show a job's files in the strips of what is there; None when these have other keys, or there are none."""
    scene, sources = results.find_sources(job_id, origin)
    found: list[tuple[Any, Any, Mapping[Any, StripFile]]] = []
    for source in sources:
        start = manifest.clip.timeline_start + results.moved_since(source, origin)
        first = start - round(vse.content_start(source))
        for meta in ties.own(scene, source).results:
            pairs = _pairs(meta, manifest, first)
            if pairs is None:
                return None
            found.append((source, meta, pairs))
    if not found:
        return None
    for source, meta, pairs in found:
        for strip, part in pairs.items():
            places.relink(strip, Path(part.file))
        takes.refresh(meta, manifest)
        ties.begin(ties.own(scene, source), source, meta, job_id)
    return results.Placed(scene, found[0][1])


def _pairs(meta: Any, manifest: Manifest, first: int) -> Mapping[Any, StripFile] | None:
    """The shown take's strips with their new files; None unless each key's strip has one of its length and size."""
    parts: dict[Where, StripFile] = {}
    for part in manifest.strips:
        frame = manifest.keys[part.key].key.frame
        parts[first + frame, frame - part.frames.first] = part
    if takes.keys_of(meta) != len(manifest.keys) or drafts.shown_in(meta) != is_draft(manifest):
        return None
    pairs = {}
    for strip in takes.shown(meta):
        if strip.type not in ("MOVIE", "IMAGE"):
            continue
        fitting = parts.get((strip.restrip.key_at, strip.restrip.key_in))
        if fitting is None or vse.content_length(strip) != len(fitting.frames) or not Path(fitting.file).exists():
            return None
        if vse.media_size(strip) != tuple(manifest.size):  # It would lie on the canvas with another size.
            return None
        pairs[strip] = fitting
    return pairs or None
