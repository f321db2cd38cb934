"""Which of a job's settings count for whom: the look, each key, or what carries keys through time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from restrip.client.job import JobSpec
from restrip.jobs.model.settings_schema import MATTE_SETTINGS, SOURCE_SETTINGS
from restrip.looks.families import family_of, own_settings
from restrip.propagate.settings import PROPAGATE_SETTINGS
from restrip.timeline import Key


def explicit(spec: JobSpec, key: Key) -> Key:
    """The key with the prompt and the seed that count for it: its own or the job's; None where the look has none.

    Looks are opened without them (`neutral_settings`), so that a seed tried on a contact sheet is the same cached key
    when it becomes the job's.
    """
    own = own_settings(spec.look, spec.settings)
    prompt = key.prompt if key.prompt is not None else own.get("prompt")
    seed = key.seed if key.seed is not None else own.get("seed")
    return replace(key, prompt=prompt if "prompt" in own else None, seed=seed if "seed" in own else None)


def neutral_settings(spec: JobSpec) -> dict[str, Any]:
    """The look's own settings, completed, with the prompt and the seed left to the keys."""
    family, _ = family_of(spec.look)
    return family.neutral(own_settings(spec.look, spec.settings), own_settings(spec.look, {}))


def propagation_settings(spec: JobSpec) -> dict[str, Any]:
    """The job's settings that propagation, the matte and reading take: all that aren't the look's own."""
    own = own_settings(spec.look, spec.settings)
    wanted = {setting.key: setting.default for setting in (*PROPAGATE_SETTINGS, *MATTE_SETTINGS, *SOURCE_SETTINGS)}
    return {key: spec.settings.get(key, default) for key, default in wanted.items() if key not in own}


def stream_of(spec: JobSpec) -> int:
    """Which of the movie's video streams the job reads, counted from 1; 0 is the one that players choose."""
    return int(spec.settings.get("video_stream", 0))
