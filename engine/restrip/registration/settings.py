"""The controls of given keys, as front-ends draw them. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restrip.client.setting import Setting, complete

KEY_SETTINGS = (
    Setting(
        "key_registration",
        "choice",
        "auto",
        "Lay keys on their frames",
        "Pictures from other programs often come back moved by a few pixels, enlarged or bent, which would be seen all "
        "along their strips. Automatic sets back what it can measure and says it; strict also stops when a key lies "
        "too far off.",
        choices=(("auto", "Automatic"), ("off", "Off"), ("strict", "Strict")),
        group="keys",
    ),
    Setting(
        "key_tolerance",
        "float",
        4.0,
        "Most a key may be off",
        "With strict keys, the job stops when one lies further off than this, on average over the picture.",
        0.0,
        1000.0,
        unit="px",
        group="keys",
        when=("key_registration", ("strict",)),
    ),
    Setting(
        "color_lock",
        "bool",
        False,
        "Colour lock",
        "For keys in which only a part was changed: take away a cast that the other program laid over the whole "
        "picture.",
        group="keys",
    ),
    Setting(
        "put_back",
        "bool",
        False,
        "Put back",
        "For keys in which only a part was changed: everywhere else show the frame's own pixels.",
        group="keys",
    ),
)

EDIT_MODEL = {"key_registration": "auto", "color_lock": True, "put_back": True}
"""The preset for keys from models that edit pictures: they return all of it anew, and mean a part."""


@dataclass(frozen=True)
class KeySettings:
    """What is done with given keys; the fields are the settings of those names."""

    key_registration: str = "auto"
    key_tolerance: float = 4.0
    color_lock: bool = False
    put_back: bool = False

    @property
    def changed(self) -> dict[str, Any]:
        """Those that aren't as they are by default."""
        plain = KeySettings()
        return {name: value for name, value in vars(self).items() if value != getattr(plain, name)}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> KeySettings:
        """From a job's settings; those of others are left alone. Raises BadSetting."""
        mine = {setting.key for setting in KEY_SETTINGS}
        return cls(**complete(KEY_SETTINGS, {k: v for k, v in given.items() if k in mine}))
