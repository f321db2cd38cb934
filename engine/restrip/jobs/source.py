"""A job's clip open for reading: in the way that the job asks for, and in the same way everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from restrip.errors import BadInput
from restrip.jobs.model.effective_settings import Job
from restrip.media import ClipReader
from restrip.timeline import gaps_of
from restrip.timeline.numbered_files import Gap


class SequenceGaps(BadInput):
    """Pictures that are missing from a sequence, where that was to be refused."""

    code = "sequence-gaps"

    def __init__(self, gaps: Sequence[Gap]) -> None:
        count = sum(gap.count for gap in gaps)
        places = ", ".join(f"{gap.count} between {gap.before} and {gap.after}" for gap in gaps[:6])
        super().__init__(
            f"{count} pictures are missing from the sequence: {places}{' and more' if len(gaps) > 6 else ''}.",
            "Render or copy them again, or set Missing pictures (gaps) to hold or close.",
            missing=count,
        )


def open_source(spec: Job, as_decoded: bool = False) -> ClipReader:
    """The clip's frames; with the setting `strict` damaged pictures are refused, with `gaps` "refuse" missing ones.

    `as_decoded` as ClipReader has it. Raises SequenceGaps, and as ClipReader does.
    """
    asked = spec.asked.source
    if asked.gaps == "refuse" and (gaps := gaps_of(spec.clip.paths)):
        raise SequenceGaps(gaps)
    return ClipReader(spec.clip, strict=asked.strict, stream=asked.stream, as_decoded=as_decoded)
