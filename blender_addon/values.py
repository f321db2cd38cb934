"""What is set for a strip: kept on the strip as JSON, defaults from the last job, and the job that follows.

Names with a dot are this front-end's own ("look.family", "look.neural", "keys.markers"); the others are the engine's
settings, of which only those are kept that were changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from restrip.client.job import JobSpec, Output
from restrip.client.setting import Setting
from restrip.timeline import ClipRange, Key

OWN_DEFAULTS: dict[str, Any] = {
    "look.family": "neural",
    "look.neural": "19",
    "look.painting": "",
    "look.keys": "",
    "look.sd": "",
    "matte.kind": "none",
    "matte.file": "",
    "matte.strip": "",
    "matte.mask": "",
    "keys.markers": "all",
    "keys.mode": "keys",
    "keys.step": 1,
    "keys.watch": False,
}
OUTPUT_GROUP = "output"


@lru_cache(maxsize=256)
def read(text: str) -> Mapping[str, Any]:
    """The values in a strip's text; empty when there is none or it can't be read."""
    try:
        values = json.loads(text) if text else {}
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def with_present_names(values: Mapping[str, Any], looks: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The values with the names that the engine's families of looks have now: what a file, a preset or the last job
    calls by an alias of one was kept with an older version. Returns `values` itself where nothing has another name.
    """
    for look in looks:
        for old in look.get("aliases", ()):
            prefix = look["prefix"]
            if own(values, "look.family") == old:
                values = {**values, "look.family": prefix}
            if f"look.{old}" in values:
                kept = {name: value for name, value in values.items() if name != f"look.{old}"}
                values = {f"look.{prefix}": values[f"look.{old}"], **kept}
    return values


def written(values: Mapping[str, Any]) -> str:
    """The text that `read` reads."""
    return json.dumps(values, sort_keys=True)


def own(values: Mapping[str, Any], name: str) -> Any:
    """One of this front-end's own values."""
    return values.get(name, OWN_DEFAULTS[name])


def needed(values: Mapping[str, Any], schema: Sequence[Setting]) -> dict[str, Any]:
    """Every value of the chosen look with its default, by which is known what acts: `Setting.acts`."""
    family = own(values, "look.family")
    others = {setting.key for setting in schema if setting.looks and family not in setting.looks}
    known = {setting.key: setting.default for setting in schema} | dict(values)
    known = {key: value for key, value in known.items() if key not in others}
    mode, step = own(values, "keys.mode"), own(values, "keys.step")
    kind = own(values, "matte.kind")
    return known | {"mode": mode, "step": step, "matte": "" if kind == "none" else kind, "matte.kind": kind}


def look_name(values: Mapping[str, Any]) -> str:
    """The look as the engine calls it: "neural:19", "painting:/pictures/wave.jpg"."""
    family = own(values, "look.family")
    return f"{family}:{values.get(f'look.{family}', OWN_DEFAULTS.get(f'look.{family}', ''))}"


def job_spec(
    job_id: str,
    clip: ClipRange,
    keys: Sequence[Key],
    values: Mapping[str, Any],
    schema: Sequence[Setting],
    project: str,
) -> JobSpec:
    """The job for a clip with these values: the settings that belong to its look, and what is written."""
    family = own(values, "look.family")
    output: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for setting in schema:
        if setting.key not in values or (setting.looks and family not in setting.looks):
            continue
        (output if setting.group == OUTPUT_GROUP else settings)[setting.key] = values[setting.key]
    known = {name: value for name, value in output.items() if name in Output.__dataclass_fields__}
    if own(values, "matte.kind") == "none":
        known.pop("look_only", None)  # It lies over the source where the matte is: there is none.
    if str(known.get("fade", "")).strip().isdecimal():
        known["fade"] = int(known["fade"])
    return JobSpec(
        job_id=job_id,
        clip=clip,
        keys=tuple(keys),
        look=look_name(values),
        settings=settings,
        output=Output(**known),
        mode=own(values, "keys.mode"),
        step=own(values, "keys.step"),
        project=project,
    )
