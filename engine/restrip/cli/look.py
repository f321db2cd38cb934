"""`restrip look save|list|show|add|export|remove`: looks as files."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from restrip.cli import options as shared
from restrip.cli.jobs import whole_id
from restrip.cli.terminal import Terminal
from restrip.errors import RemoteError
from restrip.storage import atomic


def add(commands: Any) -> None:
    """Describe the commands."""
    parser = commands.add_parser(
        "look",
        help="looks as files: save one from a job, use it for other clips and on other computers",
        description="A look file holds a job's settings and prompts, its models by their hashes, and one finished key, "
        "against which the keys of every strip are made that uses the look.",
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    described = {
        "save": ("save the look of a finished job", save),
        "list": ("the looks saved on this computer", list_looks),
        "show": ("what is in a look, and whether this computer has all of it", show),
        "add": ("take in a look file from elsewhere", take_in),
        "export": ("copy a saved look to a file, to give it to somebody", export),
        "remove": ("delete a saved look", remove),
    }
    made = {name: verbs.add_parser(name, help=text) for name, (text, _) in described.items()}
    made["save"].add_argument("name", metavar="NAME", help="how the look is called from now on")
    made["save"].add_argument("--job", metavar="ID", help="the job's id, or its beginning; the newest finished one")
    made["save"].add_argument(
        "--key", type=int, metavar="F", help="the key that becomes the anchor, by its frame as the job counts"
    )
    made["show"].add_argument("look", metavar="LOOK", help="a saved look's name, or a file")
    made["add"].add_argument("file", metavar="FILE", help="a look file")
    made["add"].add_argument("--name", default="", metavar="NAME", help="another name than the file's")
    made["export"].add_argument("look", metavar="NAME", help="a saved look")
    made["export"].add_argument("file", metavar="FILE", help="where to, a file or a folder")
    made["remove"].add_argument("look", metavar="NAME", help="a saved look")
    for name in ("save", "add", "export"):
        made[name].add_argument("--replace", action="store_true", help="in place of one of that name")
    for name, (_, run) in described.items():
        shared.add_json(made[name])
        made[name].set_defaults(run=run)


def save(options: argparse.Namespace, terminal: Terminal) -> None:
    """Save a finished job's look."""
    if not options.name.strip():
        raise shared.BadOption("A look needs a name.", "Write one behind `restrip look save`.")
    with shared.open_client() as client:
        if options.job:
            job_id = whole_id(client, options.job)
        else:
            done = [job.job_id for job in client.jobs("*", ["done"], 50) if job.kind == "render"]
            if not done:
                raise shared.BadOption("There is no finished job.", "Render a strip first, or name a job with --job.")
            job_id = done[0]
        try:
            look = client.save_look(job_id, options.name, key=options.key, replace=options.replace)
        except RemoteError as error:
            if error.code == "no-look-to-save" and not options.job:
                error.remedy += (
                    f" This was the newest job, {job_id}; --job ID takes another (`restrip jobs` lists them)."
                )
            raise
    terminal.result(look, f"Saved as {look['path']}.", f"Use it with --look-file {_quoted(look['name'])}.")


def list_looks(options: argparse.Namespace, terminal: Terminal) -> None:
    """The saved looks; one that can't be read is listed with what is wrong."""
    with shared.open_client() as client:
        looks = client.saved_looks()
    rows = [[one["name"], one["look"] or one["error"]["message"], one["path"]] for one in looks]
    terminal.table(looks, ["look", "made with", "file"], rows)


def show(options: argparse.Namespace, terminal: Terminal) -> None:
    """All that a look file says."""
    with shared.open_client() as client:
        look = client.read_look(shared.look_name(options.look))
    terminal.result(look, *sentences(look))


def take_in(options: argparse.Namespace, terminal: Terminal) -> None:
    """Put a file among the saved looks."""
    with shared.open_client() as client:
        look = client.add_look(str(Path(options.file).absolute()), options.name, replace=options.replace)
    missing = [f"Not on this computer: {name}." for name in look["missing"]]
    terminal.result(look, *missing, f"Use it with --look-file {_quoted(look['name'])}.")


def export(options: argparse.Namespace, terminal: Terminal) -> None:
    """Copy a saved look's file."""
    with shared.open_client() as client:
        source = Path(client.read_look(options.look)["path"])
    target = Path(options.file).absolute()
    target = target / source.name if os.path.isdir(target) else target
    if os.path.lexists(target) and not options.replace:
        raise shared.BadOption(f"{target} is there already.", "Choose another file, or add --replace.")
    aside = atomic.aside_of(target)
    try:
        if target.exists() and target.samefile(source):
            raise shared.BadOption(f"{target} is the saved look itself.", "Choose another place.")
        shutil.copyfile(source, aside)  # Whole, or what was there before.
        atomic.sync_file(aside)
        atomic.replace(aside, target)
    except OSError as error:
        raise shared.BadOption(
            f"{target} can't be written: {error.strerror or error}.", "Choose another place."
        ) from None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
    terminal.result({"file": str(target)}, str(target))


def remove(options: argparse.Namespace, terminal: Terminal) -> None:
    """Delete a saved look."""
    with shared.open_client() as client:
        answer = client.remove_look(options.look)
    terminal.result(answer, f"{answer['removed']} is deleted.")


def sentences(look: dict[str, Any]) -> list[str]:
    """A look for a person."""
    anchor, settings = look["anchor"], look["settings"]
    lines = [f"{look['name']}: {look['look']}", f"file      {look['path']}"]
    lines.append(
        f"saved     {time.strftime('%Y-%m-%d %H:%M', time.localtime(look['created']))}, Restrip {look['engine']}"
    )
    of = f" of {anchor['clip']}" if anchor.get("clip") else ""
    lines.append(f"anchor    frame {anchor['frame']}{of}, {anchor['size'][0]}x{anchor['size'][1]}")
    lines += [f"prompt    {settings['prompt']}"] if settings.get("prompt") else []
    for model in look["models"]:
        license_ = f", licence {model['license']}" if model.get("license") else ""
        lines.append(f"model     {model['name']} (sha256 {model['sha256'][:10]}{license_})")
    lines += [f"missing   {name}" for name in look["missing"]]
    lines += [f"note: {note}" for note in look["notes"]]
    return lines


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
