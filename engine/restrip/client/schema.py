"""The engine's description of what can be set: looks, settings, formats. Front-ends draw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restrip import codec
from restrip.client.messages import BadMessage
from restrip.client.setting import Setting


@dataclass(frozen=True)
class Schema:
    """The `settings` reply. `etag` names this very content.

    `looks` are the families: {"prefix", "aliases", "label", "argument", "example", "help"}; `formats` are the outputs:
    {"name", "label", ...}; `families` are those of diffusion models: {"name", "label", "can", "said", "idle"}: a word
    for each ability, all of them in a line, and the settings that don't act.
    """

    etag: str
    settings: tuple[Setting, ...]
    looks: tuple[Mapping[str, Any], ...] = ()
    formats: tuple[Mapping[str, Any], ...] = ()
    families: tuple[Mapping[str, Any], ...] = ()

    def for_look(self, look: str) -> tuple[Setting, ...]:
        """The settings that a look such as "neural:19" has, with those that every job has."""
        prefix = look.partition(":")[0]
        return tuple(setting for setting in self.settings if not setting.looks or prefix in setting.looks)

    def family(self, name: str) -> Mapping[str, Any] | None:
        """A family of diffusion models by its name."""
        return next((family for family in self.families if family.get("name") == name), None)

    def idle(self, family: str) -> frozenset[str]:
        """The settings that don't act with a model of this family; none where it isn't known."""
        return frozenset((self.family(family) or {}).get("idle", ()))

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Schema:
        """Read the `settings` reply; unknown fields are ignored. Raises BadMessage."""
        return codec.read(cls, body, lambda why: BadMessage(f"The settings can't be read: {why}."))
