"""Options that several commands share, and reading what they were given."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from restrip import codec
from restrip.client.client import Client, connect
from restrip.client.job import MOST_SIDE_PX, Output
from restrip.client.preferences import is_size
from restrip.client.setting import Setting
from restrip.errors import BadInput
from restrip.looks.families import FAMILIES
from restrip.storage.texts import json_of, read_text, words
from restrip.storage.typed_paths import typed_path
from restrip.timeline import FrameRange, Key, read_marker

LOOK_SUFFIX = ".restriplook"


class BadOption(BadInput):
    """A value of a command's option that can't be read."""

    code = "bad-option"


_UNITS_MIB = {"": 1.0, "B": 2.0**-20, "K": 2.0**-10, "M": 1.0, "G": 2.0**10, "T": 2.0**20}


def mib_of(size: str) -> float:
    """MiB of a size such as "20G", "1.5 TiB", "500M", "0.5" or "4096 B"; units are of 1024. Raises BadOption."""
    found = re.fullmatch(r"([0-9]*[.,]?[0-9]+) *(B|[KMGT](?=I?B|$)|)(?:(?<=[KMGT])I?B)?", size.strip().upper())
    mib = float(found[1].replace(",", ".")) * _UNITS_MIB[found[2]] if found else -1.0
    if not is_size(mib):
        raise BadOption(f"{size[:40]!r} is no size.", "Give a number of MiB, or one with a unit: 500M, 20G, 1.5T.")
    return mib


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json, for commands with a result."""
    parser.add_argument("--json", action="store_true", help="machine-readable result on stdout, progress on stderr")


def add_look(parser: argparse.ArgumentParser) -> None:
    """--look and what sets it up."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--look", default="", metavar="LOOK", help=", ".join(family.usage for family in FAMILIES))
    which.add_argument(
        "--look-file",
        default="",
        metavar="NAME|FILE",
        help="a saved look, with its settings and the key that all others are made against (`restrip look list`); "
        "what --prompt, --seed and --set say goes before it",
    )
    parser.add_argument("--prompt", metavar="TEXT", help="what the picture shall become (sd looks)")
    parser.add_argument("--seed", type=int, metavar="N", help="the look's seed (sd looks)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any setting; `restrip looks --settings` lists them",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """What a rendering writes, and how."""
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the strips and the manifest")
    parser.add_argument("--format", default="h264", metavar="NAME", help="h264 (default), prores4444, ...")
    parser.add_argument(
        "--fade", default="auto", metavar="N|gap|auto", help="crossfade in frames, 0 for cuts, gap for the whole gap"
    )
    parser.add_argument("--baked", action="store_true", help="also one blended movie of the whole range")
    parser.add_argument(
        "--look-only", action="store_true", help="with --matte: the look alone, transparent where the source stays"
    )
    parser.add_argument("--preview", action="store_true", help="also preview.mp4, as an editor would play the strips")
    parser.add_argument(
        "--sheet", metavar="FILE", default="", help="also a .png of source, keys and result side by side"
    )
    parser.add_argument("--otio", metavar="FILE", default="", help="also an OpenTimelineIO timeline of the strips")
    parser.add_argument("--size", type=int, default=0, metavar="PX", help="render smaller: the long side in pixels")
    parser.add_argument(
        "--draft", action="store_true", help="a third of the size and few steps, to see what comes; then `restrip full`"
    )


def folder_of(text: str, option: str) -> str:
    """The absolute path of a folder to write to. Raises BadOption for an empty one, as of a variable that isn't set: it
    would be the folder that one is in.
    """
    if not text:
        raise BadOption(f"{option} names no folder.", "Name one; . is the folder that you are in.")
    return str(typed_path(text))


def output_of(options: argparse.Namespace) -> Output:
    """The Output that add_output's options describe. Raises BadOption."""
    fade: str | int = options.fade
    if fade not in ("auto", "gap"):
        try:
            fade = int(options.fade)
            if fade < 0:
                raise ValueError
        except ValueError:
            raise BadOption(
                f"--fade can't be {options.fade!r}.", "Give a number of frames, 0 for cuts, gap or auto."
            ) from None
    if not 0 <= options.size <= MOST_SIDE_PX:
        raise BadOption(
            f"--size can't be {options.size}.", f"Give the long side in pixels, up to {MOST_SIDE_PX}, or leave it out."
        )
    return Output(
        folder=folder_of(options.out, "--out"),
        format=options.format,
        fade=fade,
        baked=options.baked,
        preview=options.preview,
        look_only=options.look_only,
        sheet=str(typed_path(options.sheet)) if options.sheet else "",
        long_side=options.size,
        draft=options.draft,
        otio=str(typed_path(options.otio)) if options.otio else "",
    )


def look_name(given: str) -> str:
    """A saved look's name, or the absolute path of a look file."""
    path = Path(os.path.expanduser(given))
    is_file = path.suffix == LOOK_SUFFIX and (os.path.exists(path) or len(path.parts) > 1)
    return str(path.absolute()) if is_file else given


def read_look_file(options: argparse.Namespace, client: Client) -> dict[str, Any]:
    """With --look-file: fills in --look, says the file's notes, and returns its settings. Raises RemoteError."""
    if not options.look_file:
        return {}
    look = client.read_look(look_name(options.look_file), use=True)
    for note in look["notes"]:
        say_wait(f"note: {note}")
    options.look = look["look"]
    return dict(look["settings"])


def settings_of(options: argparse.Namespace, client: Client) -> dict[str, Any]:
    """The settings given by --look-file, --prompt, --seed and --set, read as the kinds of the engine's schema."""
    from_file = read_look_file(options, client)
    given: dict[str, str] = {}
    for pair in options.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadOption(f"--set {pair} has no value.", "Write it as --set NAME=VALUE.")
        given[name] = value
    if options.prompt is not None:
        given["prompt"] = options.prompt
    if options.seed is not None:
        given["seed"] = str(options.seed)
    if not given:
        return from_file
    known = {setting.key: setting for setting in client.settings().settings}
    return from_file | {name: _value(known[name], text) if name in known else text for name, text in given.items()}


def _value(setting: Setting, text: str) -> Any:
    reader, wanted = READERS.get(setting.kind, (str, "a text"))
    try:
        value = reader(text)
    except ValueError:
        raise BadOption(f"{setting.key} can't be {text!r}.", f"Give {wanted}: {setting.help}") from None
    # Told now: the clip is probed with some of them, before the job is checked.
    return setting.check(value) if setting.kind in ("int", "float") else value


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _truth(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "int": (int, "a whole number"),
    "float": (_number, "a number, with a point"),
    "bool": (_truth, "yes or no"),
}


def frame_range(text: str) -> FrameRange:
    """--range A:B."""
    return FrameRange.parse(text)


def key_list(text: str) -> list[Key]:
    """--keys 0,45,90. Raises BadOption."""
    try:
        return [Key(int(frame)) for frame in text.split(",") if frame.strip()]
    except ValueError:
        raise BadOption(f"--keys can't be {text!r}.", "Give frames with commas between them: 0,45,90.") from None


def key_file(path: str) -> list[Key]:
    """--keys-file: JSON ([{"frame": 0}]) or a line a key (`45`, `45: a prompt`, docs/markers.md). Raises BadOption."""
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise BadOption(
            f"The keys file {path} can't be read: {words(error)}.", "Check the path and that it is text."
        ) from None
    try:
        if text.lstrip().startswith("["):
            return codec.read(list[Key], json_of(text))
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        return [_key_line(line, Path(path).parent) for line in lines]
    except (ValueError, TypeError, AttributeError) as error:
        raise BadOption(
            f"The keys file {path} can't be read: {error}.",
            "Write a line a key: its frame, or `45: a prompt`; or a JSON list.",
        ) from None


def _key_line(line: str, folder: Path) -> Key:
    """`45`, or `45:` and what docs/markers.md allows; a picture's relative path begins at `folder`."""
    frame, _, text = line.partition(":")
    said = read_marker(text)
    image = str((folder / said.image).absolute()) if said.image is not None else None
    return Key(int(frame), prompt=said.prompt, seed=said.seed, image=image)


def open_client() -> Client:
    """The engine, started when it doesn't run. One of another installation finishes its jobs first, which is said."""
    return connect("command line", on_wait=say_wait)


def say_wait(words: str) -> None:
    """Say on stderr for what a command waits."""
    print(words, file=sys.stderr, flush=True)
