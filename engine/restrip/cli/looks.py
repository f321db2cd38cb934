"""`restrip looks`: what a clip can be restyled with."""

from __future__ import annotations

import argparse
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal
from restrip.client.client import Client
from restrip.client.setting import Setting
from restrip.looks.families import family_named, family_of
from restrip.request import absolute_look


def add(commands: Any) -> None:
    """Describe the command."""
    looks = commands.add_parser("looks", help="the built-in looks, and every setting")
    looks.add_argument("--settings", action="store_true", help="list the settings instead")
    looks.add_argument(
        "--look", metavar="NAME", help="with --settings: those that act with this look, sd:CHECKPOINT's with its model"
    )
    shared.add_json(looks)
    looks.set_defaults(run=show_looks)


def show_looks(options: argparse.Namespace, terminal: Terminal) -> None:
    """Names and thumbnails, or settings with their bounds."""
    if options.look and not options.settings:
        raise shared.BadOption("--look says whose settings are listed.", "Add --settings, or leave --look out.")
    with shared.open_client() as client:
        if options.settings:
            settings = acting(options.look, client) if options.look else client.settings().settings
            rows = [[s.key, s.kind, str(s.default), _bounds(s.low, s.high, s.unit), s.help] for s in settings]
            terminal.table(
                [s.to_json() for s in settings], ["setting", "kind", "default", "range", "what it does"], rows
            )
            return
        looks = client.looks()
    terminal.table(looks, ["look", "name", "thumbnail"], [[x["name"], x["label"], x["thumbnail"]] for x in looks])


def acting(look: str, client: Client) -> tuple[Setting, ...]:
    """The settings that act with a look. Raises UnknownLook, RemoteError of a model that can't be used."""
    family = family_named(look) or family_of(look)[0]
    schema, model = client.settings(), absolute_look(look).partition(":")[2]
    idle = schema.idle(str(client.model(model)["family"])) if family.prefix == "sd" and model else ()
    return tuple(setting for setting in schema.for_look(family.prefix) if setting.key not in idle)


def _bounds(low: float | None, high: float | None, unit: str) -> str:
    if low is None and high is None:
        return unit
    return f"{'' if low is None else low} to {'' if high is None else high} {unit}".strip()
