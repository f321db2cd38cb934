"""Whether a clip has light beyond white that a job keeps, and what the user is told of it."""

from __future__ import annotations

from restrip.jobs.cache import Cache
from restrip.jobs.model.effective_settings import Job
from restrip.media import ClipReader
from restrip.media.content import content_of
from restrip.media.formats import FORMATS
from restrip.media.light import BEYOND
from restrip.media.pictures.exr import LINEAR_NOTE
from restrip.progress import Report, silent
from restrip.storage import json_files
from restrip.timeline import ClipRange

SCAN_STAGE = 1
WHITE = 1.0 + 1 / 256
"""Light that counts as beyond white: not what rounding makes of it."""


def goes_beyond_white(media: ClipReader, clip: ClipRange, cache: Cache, report: Report = silent) -> bool:
    """Whether a clip has light beyond white: PQ and HLG by their tags, OpenEXR when some pixel of the files has.

    What was found of files is kept. Raises what reading them raises.
    """
    if media.info.colour.transfer in BEYOND:
        return True
    if not media.may_exceed_white:
        return False
    key = json_files.digest({"stage": SCAN_STAGE, "beyond white": content_of(clip.paths).key})
    found = cache.find("facts", key)
    if found is not None:
        return bool(found.facts["beyond"])
    pictures = ClipRange(clip.paths, clip.source_rate or clip.rate, len(clip.paths))
    with cache.make("facts", key) as draft, ClipReader(pictures) as reader:
        beyond = False
        for n in range(len(clip.paths)):
            report(n, len(clip.paths))
            beyond = bool(reader.light(n).rgb.max() > WHITE)
            if beyond:
                break
        draft.facts["beyond"] = beyond
    return beyond


def notes_of(media: ClipReader, spec: Job, kept: bool) -> tuple[str, ...]:
    """The clip's notes, in which what is said of light beyond white is true of this job."""
    curve = media.info.colour.transfer
    notes = tuple(note for note in media.notes if not kept or (note != LINEAR_NOTE and curve not in note))
    if not kept:
        return notes
    said = "The look sees a picture for a display; the light beyond white comes back onto the result"
    form = FORMATS[spec.output.format]
    if media.info.codec == "exr" and spec.output.format != "exr":
        return (*notes, f"{said} as far as {form.label} goes, which ends at white: OpenEXR pictures keep it.")
    if curve in BEYOND and not form.deep:
        return (*notes, f"{said}. {form.label} shows steps in HDR: HEVC, ProRes and DNxHR have 10 bit.")
    return (*notes, f"{said}.")
