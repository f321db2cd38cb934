"""What is wanted of a strip, read once: what happens to the strip afterwards doesn't change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restrip.timeline import Key

from . import clip, markers, results, schema, state, values


@dataclass(frozen=True)
class Order:
    """A strip as it was when its job was begun, and what is wanted of it.

    `pictures` stand for its media once it was rendered through the sequencer.
    """

    origin: results.Origin
    keys: tuple[Key, ...]
    values: Mapping[str, Any]
    project: str
    notes: tuple[str, ...] = ()
    pictures: clip.StripFacts | None = None


def order_of(scene: Any, strip: Any) -> Order:
    """Read a strip with its markers and values. Raises NothingToStylize."""
    facts = clip.facts_of(scene, strip)
    wanted = schema.values_of(strip)
    only_named = values.own(wanted, "keys.markers") == "named"
    images = values.read(scene.restrip.images)
    keys, notes = markers.keys_in(scene.timeline_markers, facts.span, only_named=only_named, images=images)
    origin = results.Origin(scene.name, strip.name, facts, strip.channel)
    return Order(origin, keys, wanted, state.project_of(scene), notes)
