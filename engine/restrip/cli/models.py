"""`restrip models`: the checkpoints in a models folder, and fetching one from the hub, which happens only here."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal
from restrip.client.discovery import state_dir
from restrip.client.status import JobStatus
from restrip.errors import RemoteError

FETCHER = "restrip.looks.diffusion.checkpoints.hub"
SILENT: dict[str, Any] = {
    "code": "download-failed",
    "message": "The download ended without a word.",
    "remedy": "Try again: what was fetched is kept.",
}


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "models",
        help="what each family of models can do, the checkpoints in a models folder, or fetch one",
        description="List what each family of models can do, or the checkpoints in a folder of AUTOMATIC1111 or "
        "ComfyUI, or fetch one from the Hugging Face hub. Restrip downloads nothing but what --download names.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("folder", metavar="FOLDER", nargs="?", help="a models folder, or any folder above it")
    which.add_argument("--download", metavar="OWNER/NAME", help="a diffusers model; used then as sd:hub:OWNER/NAME")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """List, or fetch."""
    if options.download:
        folder = fetch(options.download, terminal)
        terminal.result(
            {"folder": folder, "look": f"sd:hub:{options.download}"},
            f"{options.download} is in {folder}.",
            f"Next: restrip render YOUR_CLIP --keys 0,45 --look sd:hub:{options.download} --out restyled",
        )
        return
    if not options.folder:
        list_families(terminal)
        return
    with shared.open_client() as client:
        models = client.models(str(Path(options.folder).absolute()))
    if not models:
        if not os.path.isdir(options.folder):  # Asked now: the engine may be another computer's, and have that folder.
            raise shared.BadOption(f"{options.folder} is no folder.", "Name the one that your models are in.")
        terminal.aside(f"{options.folder} holds no checkpoint.")
    rows = [[x["name"], x["family"], x["hash"][:10], _license(x), x["path"]] for x in models]
    terminal.table(models, ["model", "family", "hash", "licence", "path"], rows)


def list_families(terminal: Terminal) -> None:
    """A row for each family, with what it can do."""
    with shared.open_client() as client:
        families = client.settings().families
    rows = [[family["name"], family["label"], family["said"]] for family in families]
    terminal.table([dict(family) for family in families], ["family", "models", "what they can do"], rows)


def _license(model: Mapping[str, Any]) -> str:
    """The licence's name, and whether it forbids commercial use."""
    return f"{model['license']}{' (no commercial use)' if model['forbids_commercial_use'] else ''}"


def fetch(repo: str, terminal: Terminal) -> str:
    """Fetch a model in a process of its own and show how far it is. Returns its folder; raises what went wrong."""
    command = [sys.executable, "-m", FETCHER, repo, str(state_dir() / "models")]
    last: dict[str, Any] = {}
    with terminal.progress() as show, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            for last in _lines(child):
                if "total" in last:
                    status = {"phase": "fetching", "note": repo, **last}
                    show(JobStatus.from_json({"job_id": "download", "state": "running", **status}))
        except BaseException:
            child.terminate()
            raise
    if "folder" in last:
        return str(last["folder"])
    raise RemoteError(last.get("error", SILENT))


def _lines(child: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What the child tells; lines that libraries print are left out."""
    for line in child.stdout or ():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict):
            yield told
