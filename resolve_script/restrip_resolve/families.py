"""The families of diffusion models: what each can do, and which settings act with the chosen model."""

from __future__ import annotations

from restrip.client.schema import Schema
from restrip.client.setting import Setting
from restrip.errors import RestripError
from restrip_resolve.engine import Engine
from restrip_resolve.settings import Choices

DIFFUSION = "sd"


def acting(choices: Choices, schema: Schema, engine: Engine) -> tuple[Setting, ...]:
    """The settings that act with the chosen look, and those that the file sets; all of them where a model's family
    can't be told.
    """
    settings, (prefix, _, model) = schema.for_look(choices.look), choices.look.partition(":")
    if prefix != DIFFUSION or not model.strip():
        return settings
    try:
        idle = schema.idle(str(engine.model(model.strip())["family"]))
    except RestripError:  # The job that uses the model says what is wrong with it.
        return settings
    return tuple(setting for setting in settings if setting.key not in idle or setting.key in choices.look_settings)


def listed(look: str, schema: Schema) -> list[str]:
    """A line for each family; none for looks without a model."""
    if look.partition(":")[0] != DIFFUSION:
        return []
    return [f"{family['label']}: {family.get('said', '')}." for family in schema.families]
