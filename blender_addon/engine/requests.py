"""What is wanted of a strip, read once: what happens to the strip afterwards doesn't change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bpy

from restrip.errors import BadInput
from restrip.timeline import Key

from .. import state, values
from ..timeline import clip, key_prompts, markers, matte, results
from . import schema


class NoLook(BadInput):
    """A family of looks was chosen, and none of it."""

    code = "no-look"


@dataclass(frozen=True)
class StripRequest:
    """A strip as it was when its job was begun, and what is wanted of it.

    `pictures` stand for its media once it was rendered through the sequencer. `matte_path` is the matte's file, or the
    folder that it was rendered into.
    """

    origin: results.Origin
    keys: tuple[Key, ...]
    values: Mapping[str, Any]
    project: str
    notes: tuple[str, ...] = ()
    pictures: clip.StripFacts | None = None
    matte: matte.Matte = field(default_factory=matte.Matte)
    matte_path: str = ""


def request_of(scene: Any, strip: Any) -> StripRequest:
    """Read a strip with its markers and values. Raises NothingToStylize, NoLook, NoMatte."""
    wanted = absolute(schema.values_of(strip))
    check_look(wanted)
    limit = matte.wanted(scene, strip, wanted)
    facts = matte.on_canvas(scene, strip, clip.facts_of(scene, strip), limit)
    only_named = values.own(wanted, "keys.markers") == "named"
    images = absolute(values.read(scene.restrip.images))
    texts = key_prompts.long_texts(scene.timeline_markers)
    keys, notes = markers.keys_in(scene.timeline_markers, facts.span, only_named=only_named, images=images, texts=texts)
    origin = results.Origin(scene.name, strip.name, facts, strip.channel)
    return StripRequest(
        origin,
        keys,
        wanted,
        state.project_of(scene),
        notes,
        None,
        limit,
        limit.what if limit.kind == "file" else "",
    )


def absolute(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same with whole paths: Blender writes those beside the .blend file as //pictures/wave.jpg."""
    return {
        name: bpy.path.abspath(value) if isinstance(value, str) and value.startswith("//") else value
        for name, value in given.items()
    }


def check_look(wanted: Mapping[str, Any]) -> None:
    """Raise NoLook where a kind of look was chosen, and no model, picture or folder for it."""
    family = values.own(wanted, "look.family")
    known = schema.known()
    named = next((look for look in (known.looks if known else ()) if look["prefix"] == family), None)
    if named is not None and not values.look_name(wanted).partition(":")[2].strip():
        kind = {"file": "picture"}.get(named["argument"], named["argument"])
        raise NoLook(f"{named['label']} needs a {kind}, and none is chosen.", "Choose one in the Restrip tab.")


def strip_of(request: StripRequest) -> tuple[Any, Any]:
    """The scene and the strip that a request was read from, as they are now; None for a strip that is gone."""
    return results.find_source("no job", request.origin)
