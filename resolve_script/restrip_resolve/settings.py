"""The settings file: plain text with comments, written from the engine's own description of what can be set.

key_colour = Cyan
look = neural:19
prompt = an oil painting      # a line for each setting of the look; a '#' in front means the default
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from restrip.client.discovery import state_dir
from restrip.client.setting import Setting, complete
from restrip.errors import BadInput
from restrip_resolve.engine import Engine

SEAMS = ("auto", "transitions", "baked", "fusion", "nested", "cuts")
RENDERS = ("auto", "always", "never")
COLOURS = (
    *("Blue", "Cyan", "Green", "Yellow", "Red", "Pink", "Purple", "Fuchsia"),
    *("Rose", "Lavender", "Sky", "Mint", "Lemon", "Sand", "Cocoa", "Cream"),
)


class BadSettingsFile(BadInput):
    """A line of the settings file that can't be read."""

    code = "bad-settings-file"

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(
            f"Line {line} of {path}: {what}", "Correct it (run Restrip - Settings) and try again.", line=line
        )


def usual_format(platform: str) -> str:
    """What every edition of Resolve reads there: the free one for Linux has no H.264."""
    return "prores4444" if platform.startswith("linux") else "h264"


@dataclass(frozen=True)
class Choices:
    """The settings of the Resolve scripts themselves; `look_settings` are the engine's."""

    key_colour: str = "Cyan"
    look: str = "neural:19"
    look_file: str = ""
    look_name: str = ""
    mode: str = "keys"
    step: int = 1
    with_grade: str = "auto"
    seams: str = "auto"
    when_done: str = "place"
    progress: str = "auto"
    again: str = "replace"
    watch_keys: bool = False
    paint_program: str = ""
    folder: str = ""
    format: str = field(default_factory=lambda: usual_format(sys.platform))
    fade: str = "auto"
    long_side: int = 0
    draft: bool = False
    matte: str = ""
    seeds: int = 9
    keyframes: int = 6
    mark_out_inclusive: bool = True
    look_settings: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)


OWN: Mapping[str, str] = {
    "key_colour": f"Timeline markers of this colour are keys. One of {', '.join(COLOURS)}.",
    "look": "neural:0 to neural:25, painting:FILE, keys:FOLDER, or sd:CHECKPOINT (a file or folder).",
    "look_file": "A saved look, by its name or its file: its settings, and its key, which all keys are made after. It"
    " goes before look; the look's settings below go before its own.",
    "look_name": "What Restrip - Save look calls the look of the selected clip; empty: the clip's name.",
    "mode": "keys: markers are keys, carried along the motion. every: every step-th frame is made by the look.",
    "step": "Only for mode = every.",
    "with_grade": "auto: Resolve renders the range first when it is graded, retimed, transformed or built in Resolve;"
    " else the file is read. always or never.",
    "seams": "auto, transitions (Studio 21.1), baked (one movie), fusion (two tracks), nested (a timeline in the"
    " timeline), or cuts.",
    "when_done": "place: the script waits and places the result. leave: run Restrip - Place finished results later.",
    "progress": "Where progress is shown while a script waits. window: a small window with a cancel button. browser:"
    " the engine's page, with pictures. console: lines in Resolve's console. auto: the first of these that works.",
    "again": "What becomes of a clip's earlier result when a new one is placed. replace: the new one takes its place."
    " above: the new one lies above it, and the earlier strips are turned off.",
    "watch_keys": "Whether Restrip - Stylize selection goes on and watches painted keys: one that is saved again redoes"
    " its two segments. Restrip - Watch keys does so, too.",
    "paint_program": "What Restrip - Open key starts, with arguments if it needs any. Empty: the system's own program.",
    "folder": "Where results go; each job gets a folder in it. Empty: Restrip in your videos folder.",
    "format": "The strips' format; Restrip - Settings lists them below. On Linux only Studio reads h264 and hevc.",
    "fade": "auto, gap (the whole gap between two keys), or a number of frames; 0 for cuts.",
    "long_side": "Render smaller: the longer side in pixels; 0 is the clip's own size.",
    "draft": "A third of the size and few steps, to see what comes before the long render. Then run Restrip - Render in"
    " full.",
    "matte": "A picture or movie; white is where the clip changes.",
    "seeds": "How many seeds Restrip - Try seeds shows.",
    "keyframes": "How many keys Restrip - Suggest keyframes sets.",
    "mark_out_inclusive": "Whether the frame of the out mark belongs to the range (docs/resolve-live-check.md).",
}
_CHOICES = {
    "key_colour": COLOURS,
    "mode": ("keys", "every"),
    "with_grade": RENDERS,
    "seams": SEAMS,
    "when_done": ("place", "leave"),
    "progress": ("auto", "window", "browser", "console"),
    "again": ("replace", "above"),
}
_YES = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False, "off": False}


def settings_path() -> Path:
    """The user's settings file."""
    return state_dir() / "resolve" / "settings.txt"


def load(path: Path | None = None) -> Choices:
    """Read the file; defaults when there is none. Raises BadSettingsFile."""
    path = path or settings_path()
    if not path.exists():
        return Choices()
    own = {f.name: f for f in fields(Choices) if f.name in OWN}
    given: dict[str, Any] = {}
    look: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise BadSettingsFile(path, number, f"{text!r} has no '='.")
        if name in lines:
            raise BadSettingsFile(path, number, f"{name} is set a second time (first in line {lines[name]}).")
        lines[name] = number
        if name not in own:
            look[name] = value
            continue
        try:
            given[name] = _own_value(name, value, own[name].default)
        except ValueError as error:
            raise BadSettingsFile(path, number, f"{name} can't be {value!r}: {error}.") from None
    return Choices(**given, look_settings=look, lines=lines)


def with_look_file(choices: Choices, engine: Engine) -> Choices:
    """With the look and the settings of the look file that they name. Raises what reading it raises."""
    if not choices.look_file:
        return choices
    told = engine.read_look(choices.look_file, use=True)
    return replace(choices, look=str(told["look"]), look_settings={**told["settings"], **choices.look_settings})


def engine_settings(choices: Choices, schema: Iterable[Setting], path: Path | None = None) -> dict[str, Any]:
    """The look's settings as the engine wants them; only those that the file sets. Raises BadSettingsFile."""
    path = path or settings_path()
    by_key = {setting.key: setting for setting in schema}
    values = {}
    for name, text in choices.look_settings.items():
        line = choices.lines.get(name, 0)
        if name not in by_key:
            known = ", ".join([*OWN, *sorted(by_key)])
            raise BadSettingsFile(path, line, f"{choices.look} has no setting {name!r}. There are {known}.")
        try:
            values[name] = complete((by_key[name],), {name: _value(by_key[name], str(text))})[name]
        except ValueError:
            raise BadSettingsFile(path, line, f"{name} is no {by_key[name].kind}: {text!r}.") from None
        except BadInput as error:
            raise BadSettingsFile(path, line, str(error)) from None
    return values


def check_format(choices: Choices, formats: Iterable[Mapping[str, Any]], path: Path | None = None) -> None:
    """Raise BadSettingsFile for a format that the engine doesn't write, or that is a folder of pictures."""
    known = {str(form["name"]): str(form.get("extension", ".")) for form in formats}
    if known and not known.get(choices.format):
        movies = ", ".join(name for name, extension in known.items() if extension)
        what = f"format can't be {choices.format!r}: strips in Resolve are movies. Choose one of {movies}."
        raise BadSettingsFile(path or settings_path(), choices.lines.get("format", 0), what)


def template(
    choices: Choices,
    schema: Iterable[Setting],
    formats: Iterable[Mapping[str, Any]],
    looks: Iterable[Mapping[str, Any]] = (),
    families: Iterable[str] = (),
) -> str:
    """The file's text: what is set stands as it is, the rest as commented defaults."""
    parts = [
        "# Restrip in DaVinci Resolve. Save this file, then run a script again. A line that begins with '#' is",
        "",
    ]
    parts[0] += " not read."
    for name, text in OWN.items():
        value = getattr(choices, name)
        shown = ("yes" if value else "no") if isinstance(value, bool) else value
        set_ = name in choices.lines or name in ("key_colour", "look")
        parts += [*_comment(text), f"{'' if set_ else '#'}{name} = {shown}", ""]
    listing = ", ".join(str(form["name"]) for form in formats if form.get("extension", "."))
    if listing:
        parts += [*_comment(f"Formats: {listing}."), ""]
    saved = ", ".join(str(look["name"]) for look in looks if not look.get("error"))
    if saved:
        parts += [*_comment(f"Saved looks, for look_file: {saved}."), ""]
    lines = [line for family in families for line in _comment(family)]
    if lines:
        parts += [*_comment("What models can do, by their family:"), *lines, ""]
    parts += [*_comment(f"The settings of {choices.look} and of every job, with their defaults."), ""]
    for setting in schema:
        given = choices.look_settings.get(setting.key)
        bounds = [setting.help or setting.label]
        if setting.choices:
            bounds.append("One of " + ", ".join(value for value, _ in setting.choices) + ".")
        if setting.low is not None or setting.high is not None:
            bounds.append(f"From {setting.low} to {setting.high} {setting.unit}".rstrip() + ".")
        line = f"{setting.key} = {setting.default if given is None else given}"
        parts += [*_comment(" ".join(filter(None, bounds))), line if given is not None else f"#{line}", ""]
    return "\n".join(parts)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, 100)]


def _own_value(name: str, text: str, default: object) -> object:
    if name in _CHOICES and text not in _CHOICES[name]:
        raise ValueError(f"choose one of {', '.join(_CHOICES[name])}")
    if isinstance(default, bool):
        if text.lower() not in _YES:
            raise ValueError("say yes or no")
        return _YES[text.lower()]
    if isinstance(default, int):
        if not text.isdigit():
            raise ValueError("give a number")
        return int(text)
    if name == "fade" and text not in ("auto", "gap") and not text.isdigit():
        raise ValueError("give auto, gap or a number of frames")
    return text


def _value(setting: Setting, text: str) -> Any:
    if setting.kind == "bool":
        if text.lower() not in _YES:
            raise ValueError(text)
        return _YES[text.lower()]
    if setting.kind in ("int", "float"):
        return int(text) if setting.kind == "int" else float(text)
    return text
