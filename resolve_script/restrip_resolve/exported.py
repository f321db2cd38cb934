"""A timeline that console.lua exported, through `restrip resolve` with what the settings file says.

    python -m restrip_resolve.exported FOLDER STAMP

reads FOLDER/STAMP.otio and writes "FOLDER/STAMP restyled.otio". Runs in the Python in which Restrip is installed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from restrip.errors import RestripError
from restrip_resolve.jobs.submit import results_folder
from restrip_resolve.settings import Choices, load

SCRIPTS_ONLY = ("mode", "step", "matte")
"""Settings that change the picture, and that only the menu scripts know."""


def command_line(choices: Choices, folder: Path, stamp: str) -> list[str]:
    """The arguments of `restrip` for a timeline."""
    given = {
        **({"--look-file": choices.look_file} if choices.look_file else {"--look": choices.look}),
        "--markers": choices.key_colour,
        "--format": choices.format,
        "--fade": choices.fade,
        "--size": choices.long_side,
        "--out": results_folder(choices) / f"timeline {stamp}",
        "--otio": folder / f"{stamp} restyled.otio",
    }
    settings = [f"--set={name}={value}" for name, value in choices.look_settings.items()]
    given_as = (f"{name}={value}" for name, value in given.items())
    draft = ["--draft"] if choices.draft else []
    return ["resolve", str(folder / f"{stamp}.otio"), *given_as, *draft, *settings]


def main(arguments: Sequence[str]) -> int:
    """Run it; returns the exit code of `restrip`, 2 for a settings file that can't be read."""
    folder, stamp = arguments
    try:
        choices = load()
    except RestripError as error:
        print(f"restrip: {error.message} {error.remedy}")
        return 2
    unused = [name for name in SCRIPTS_ONLY if name in choices.lines]
    if unused:
        print(f"Not used here, only by the menu scripts: {', '.join(unused)}.", flush=True)
    return subprocess.run([sys.executable, "-m", "restrip", *command_line(choices, Path(folder), stamp)]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
