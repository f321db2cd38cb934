"""A job as the engine on another computer is to read it: with that computer's paths, its files sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.jobs.courier import Courier
from restrip.jobs.schema import job_settings
from restrip.link.job import JobSpec
from restrip.looks.settings import family_of
from restrip.timeline import ClipRange


def job_there(spec: JobSpec, courier: Courier) -> JobSpec:
    """The job with its paths there, and no places of this computer. Raises what `Courier.send` raises."""
    look, settings = look_there(spec.look, spec.settings, courier)
    return replace(
        spec,
        clip=clip_there(spec.clip, courier),
        keys=tuple(replace(key, image=courier.send(key.image)) if key.image else key for key in spec.keys),
        look=look,
        settings=settings,
        matte=courier.send(spec.matte) if spec.matte else "",
        output=replace(spec.output, folder="", otio="", sheet="", preview=False),
    )


def clip_there(clip: ClipRange, courier: Courier) -> ClipRange:
    """The clip with its paths there."""
    return replace(clip, paths=tuple(courier.send_all(clip.paths)))


def look_there(name: str, settings: Mapping[str, Any], courier: Courier) -> tuple[str, dict[str, Any]]:
    """A file or folder that is here is sent; a name that isn't is one of the other computer's own."""
    family, argument = family_of(name)
    if family.argument != "number" and Path(argument).exists():
        name = f"{family.prefix}:{courier.send(argument)}"
    paths = {setting.key for setting in job_settings() if setting.kind == "path"}
    return name, {
        key: courier.send(value) if key in paths and value and Path(value).exists() else value
        for key, value in settings.items()
    }
