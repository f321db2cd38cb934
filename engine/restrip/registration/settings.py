"""The controls of given keys, as front-ends draw them. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restrip.client.setting import Setting, complete

EDIT_MODEL = "edit model"

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
        "keys_from",
        "choice",
        "hand",
        "Keys come from",
        "A preset: models that edit pictures return all of a picture anew and mean a part of it, so colour lock and "
        "put back are on for them.",
        choices=(("hand", "Painting or drawing"), (EDIT_MODEL, "Edit model")),
        group="keys",
    ),
    Setting(
        "color_lock",
        "bool",
        False,
        "Colour lock",
        "For keys in which only a part was changed: take away a cast that the other program laid over the whole "
        "picture.",
        group="keys",
        when=("keys_from", ("hand",)),
    ),
    Setting(
        "put_back",
        "bool",
        False,
        "Put back",
        "For keys in which only a part was changed: everywhere else show the frame's own pixels.",
        group="keys",
        when=("keys_from", ("hand",)),
    ),
)


@dataclass(frozen=True)
class KeySettings:
    """What is done with given keys; the fields are the settings of those names."""

    key_registration: str = "auto"
    key_tolerance: float = 4.0
    keys_from: str = "hand"
    color_lock: bool = False
    put_back: bool = False

    @property
    def locks_color(self) -> bool:
        """Whether colour lock is on, by itself or by the preset."""
        return self.color_lock or self.keys_from == EDIT_MODEL

    @property
    def puts_back(self) -> bool:
        """Whether put back is on, by itself or by the preset."""
        return self.put_back or self.keys_from == EDIT_MODEL

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
