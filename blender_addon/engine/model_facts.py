"""Which family the chosen diffusion model is of, and what that family can do: asked once a model, kept for drawing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restrip.errors import RestripError

from .. import values
from . import schema
from .transport import Transport

FAMILY, CHOSEN = "look.family", "look.sd"
DIFFUSION = "sd"

_families: dict[str, str] = {}
"""Of models as the strips name them; "" where it is being asked, or can't be told."""


def learn(models: list[dict[str, Any]]) -> None:
    """Take what a list of models says of theirs."""
    _families.update({str(model["path"]): str(model["family"]) for model in models})


def ask(transport: Transport, given: Mapping[str, Any]) -> None:
    """Ask the engine which family the chosen model is of, unless that is known."""
    model = chosen(given)
    if not model or model in _families:
        return
    _families[model] = ""

    def came(found: dict[str, Any]) -> None:
        _families[model] = str(found["family"])

    def failed(error: RestripError) -> None:
        """The job that uses it says what is wrong with it; until then all settings are shown."""

    transport.ask("model", {"name": model}, came, failed)


def chosen(given: Mapping[str, Any]) -> str:
    """The diffusion model of a strip's values; "" for other looks."""
    return str(given.get(CHOSEN, "")).strip() if values.own(given, FAMILY) == DIFFUSION else ""


def facts(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The family of the chosen model as the engine tells it; None where it isn't known."""
    known = schema.known()
    return known.family(_families.get(chosen(given), "")) if known is not None else None


def idle(given: Mapping[str, Any]) -> frozenset[str]:
    """The engine's settings that don't act with the chosen model."""
    return frozenset((facts(given) or {}).get("idle", ()))


def forget() -> None:
    """All of it: another engine, or another folder."""
    _families.clear()
