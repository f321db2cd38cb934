"""A job's clip open for reading: in the way that the job asks for, and in the same way everywhere."""

from __future__ import annotations

from restrip.jobs.asked import stream_of
from restrip.link.job import JobSpec
from restrip.media import ClipReader


def open_source(spec: JobSpec) -> ClipReader:
    """The clip's frames; with the setting `strict` damaged pictures are refused. Raises as ClipReader does."""
    return ClipReader(spec.clip, strict=bool(spec.settings.get("strict", False)), stream=stream_of(spec))
