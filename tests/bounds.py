"""Run the tests with the lowest versions of the packages that pyproject.toml names, or with the newest that there are.

    python tests/bounds.py lowest                                     all tests that need no Blender
    python tests/bounds.py lowest --pin torch==2.13.0+cpu tests/media
    python tests/bounds.py newest --python 3.13 --extra demo          without torch

Each makes an environment of its own with uv (in the set-up `[test]`) and removes it at the end. CI has the newest on
every Python that it finds; run the lowest when a bound changes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("demo", "diffusion")


def tools() -> list[str]:
    """What the tests themselves need, of any version that fits."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    return [requirement for requirement in extras["light-test"] if not re.match(r"restrip\W", requirement)]


def install(place: Path, given: argparse.Namespace) -> Path:
    """An environment in `place`; returns its Python."""
    environment = dict(os.environ)
    if "PIP_FIND_LINKS" in environment:
        environment.setdefault("UV_FIND_LINKS", ",".join(environment["PIP_FIND_LINKS"].split()))

    def uv(*words: str) -> None:
        subprocess.run(["uv", *words], cwd=ROOT, env=environment, check=True)

    python = place / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv("venv", "--quiet", "--python", given.python, str(place / "env"))
    pins, chosen = place / "pins.txt", place / "chosen.txt"
    pins.write_text("\n".join(given.pin) + "\n", "utf-8")
    extras = [word for extra in given.extra or EXTRAS for word in ("--extra", extra)]
    resolution = "lowest-direct" if given.which == "lowest" else "highest"
    uv(
        *("pip", "compile", "--quiet", "--resolution", resolution, "--python", str(python), "--override", str(pins)),
        *("pyproject.toml", *extras, "--output-file", str(chosen)),
    )
    uv("pip", "install", "--quiet", "--python", str(python), "--requirement", str(chosen), *tools())
    uv("pip", "install", "--quiet", "--python", str(python), "--no-deps", str(ROOT))
    direct = re.findall(
        r"^[\w.-]+==\S+(?=\n    # via\n    #   restrip|\n    # via restrip)", chosen.read_text("utf-8"), re.M
    )
    print("With", ", ".join(direct), flush=True)
    return python


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the tests' exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("which", choices=["lowest", "newest"])
    parser.add_argument("--python", default=sys.executable, help="a program or a version (this one)")
    parser.add_argument("--extra", action="append", help=f"a part of Restrip ({' and '.join(EXTRAS)}), more than once")
    parser.add_argument("--pin", action="append", default=[], help="a build to take, as torch==2.13.0+cpu")
    given, tests = parser.parse_known_args(argv)
    with tempfile.TemporaryDirectory(prefix="restrip-bounds-") as place:
        python = install(Path(place), given)
        return subprocess.run(
            [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=ROOT
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
