"""What encodes a job's movies: the processor, or an encoder in hardware that was tried on frames of the clip."""

from __future__ import annotations

import platform

from restrip.jobs.cache import Cache
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.plan import Plan
from restrip.jobs.source import open_source
from restrip.media.av.mux import encoders_known
from restrip.media.formats import FORMATS
from restrip.media.frame import Frame
from restrip.media.movies.hardware import EncoderFound, find_hardware, works
from restrip.media.movies.hardware_encoding import HARDWARE
from restrip.storage import json_files

ENCODER_STAGE = 1
TRIED_PX = (1280, 720)
"""(width, height) of the middle of a frame that encoders are tried on: more of it would tell no more."""


def encoder_of(spec: Job, plan: Plan, cache: Cache) -> EncoderFound:
    """What encodes the job's movies, "" for the processor, and a note on it, "" where nothing else was asked for.

    What was found is kept: equal jobs find equal segments in the cache.
    """
    if not spec.asked.source.hardware or plan.draft or FORMATS[plan.format].sequence:
        return EncoderFound("", "")
    known = sorted(one.codec for one in HARDWARE.get(plan.format, ()) if one.codec in encoders_known())
    facts = {
        "stage": ENCODER_STAGE,
        "machine": platform.node(),
        "source": plan.source,
        "size": list(plan.size),
        "format": plan.format,
        "known": known,
    }
    key = json_files.digest(facts)
    entry = cache.find("facts", key)
    if entry is not None and (not entry.facts["hardware"] or works(plan.format, entry.facts["hardware"], plan.size)):
        return EncoderFound(entry.facts["hardware"], entry.facts["note"])
    found = _tried(spec, plan)
    if entry is None:
        with cache.make("facts", key) as draft:
            draft.facts.update(hardware=found.hardware, note=found.note)
    return found


def _tried(spec: Job, plan: Plan) -> EncoderFound:
    with open_source(spec) as media:
        length = spec.clip.length
        places = sorted({0, length // 2, min(length // 2 + 1, length - 1)})
        frames = [_middle(media.frame(n).with_depth(media.deep and FORMATS[plan.format].deep)) for n in places]
        found = find_hardware(plan.format, frames, media.info.colour)
    if found.hardware and not works(plan.format, found.hardware, plan.size):
        width, height = plan.size
        return EncoderFound(
            "", f"{found.hardware.partition(':')[0]} takes no pictures of {width}x{height}: the CPU encodes."
        )
    return found


def _middle(frame: Frame) -> Frame:
    """The middle of a frame, both sides even."""
    (width, height), (most, tall) = frame.size, TRIED_PX
    w, h = min(width, most) // 2 * 2, min(height, tall) // 2 * 2
    left, top = (width - w) // 2, (height - h) // 2
    return Frame(frame.rgb[top : top + h, left : left + w].copy())
