"""A control that the engine describes and a front-end draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from restrip import codec
from restrip.client.messages import BadMessage
from restrip.codec import said
from restrip.errors import BadInput

MOST_NUMBER = 2.0**63
"""Of a setting without bounds of its own, either way from 0."""


class BadSetting(BadInput):
    """A setting with a value that it can't have, or of a name that isn't known."""

    code = "bad-setting"


@dataclass(frozen=True)
class Setting:
    """One control: its name on the wire, its kind and default, its bounds, its unit and what it does.

    `group` is where a front-end shows it ("basic" is what everybody needs); `looks` names the families of looks that
    it belongs to, and is empty for one that every job has. `choices` are (value, label) pairs. `when` names another
    setting, or "mode", "step" or "matte" of the job, and its values with which this one acts; no values stand for
    any that isn't empty, zero or false. Without `when` it always acts.

    `files` says that the value names files, which go along when a job is done on another computer: "one" a file's or
    folder's path or name, "list" names with weights, "list of kinds" the same with a kind before an equals sign, "tags"
    a prompt, in which <lora:name:weight> and embeddings name some, "words" one in which only embeddings do. A setting
    without it is never searched for any. `holds` says what such files are, so that nothing else is taken for them; only
    the engine asks, and it isn't sent.
    """

    key: str
    kind: Literal["int", "float", "bool", "text", "choice", "path"]
    default: Any
    label: str = ""
    help: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    group: str = "basic"
    looks: tuple[str, ...] = ()
    files: Literal["", "one", "list", "list of kinds", "tags", "words"] = ""
    when: tuple[str, tuple[Any, ...]] | None = None
    holds: Literal["model", "picture", "pictures", "look"] = field(default="model", metadata=codec.LEFT_OUT)

    def acts(self, given: Mapping[str, Any]) -> bool:
        """Whether it changes anything beside these values; what isn't given has its default, and is not asked about."""
        if self.when is None or self.when[0] not in given:
            return True
        value = given[self.when[0]]
        return value in self.when[1] if self.when[1] else bool(value)

    def check(self, value: Any) -> Any:
        """The value as this setting's kind. Raises BadSetting with the bounds or the choices."""
        kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,)}
        allowed = kinds.get(self.kind, (str,))
        fits = isinstance(value, allowed) and (not isinstance(value, bool) or self.kind == "bool")
        if not fits:
            raise BadSetting(f"{self.key} is {said(value)}, which is no {self.kind}.", self.help, setting=self.key)
        if self.kind == "choice" and value not in {choice for choice, _ in self.choices}:
            raise BadSetting(
                f"{self.key} can't be {said(value)}.",
                f"Choose one of {', '.join(c for c, _ in self.choices)}.",
                setting=self.key,
            )
        too_low = self.low is not None and self.kind in ("int", "float") and not value >= self.low
        too_high = self.high is not None and self.kind in ("int", "float") and not value <= self.high
        if too_low or too_high:
            raise BadSetting(
                f"{self.key} is {said(value)}.", f"Give a number from {self.low} to {self.high}.", setting=self.key
            )
        if self.kind in ("int", "float") and not abs(value) <= MOST_NUMBER:
            raise BadSetting(f"{self.key} is {said(value)}.", "Give a smaller number.", setting=self.key)
        return float(value) if self.kind == "float" else value

    def to_json(self) -> dict[str, Any]:
        """As the `settings` reply carries it."""
        return codec.write(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Setting:
        """Read what `to_json` wrote; unknown fields are ignored. Raises BadMessage."""
        return codec.read(cls, body, lambda why: BadMessage(f"A setting can't be read: {why}."))


def own(settings: tuple[Setting, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """Of all that is given the values of these settings, checked, with defaults for the rest. Raises BadSetting."""
    return complete(settings, {setting.key: given[setting.key] for setting in settings if setting.key in given})


def complete(settings: tuple[Setting, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values checked, with defaults for the rest. Raises BadSetting for an unknown name."""
    by_key = {setting.key: setting for setting in settings}
    unknown = sorted(set(given) - set(by_key))
    if unknown:
        raise BadSetting(
            f"There is no setting {said(unknown[0])}.",
            f"The settings are {', '.join(sorted(by_key))}.",
            setting=unknown[0],
        )
    return {key: setting.check(given[key]) if key in given else setting.default for key, setting in by_key.items()}
