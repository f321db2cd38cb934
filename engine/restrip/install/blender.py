"""`restrip install blender`: the extension for every Blender that is found, or for one that is named.

Each Blender is asked for its version and its Python, gets the package made for those, and installs it itself.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import restrip
from restrip.client import start
from restrip.client.discovery import state_dir
from restrip.client.origin import install_line
from restrip.errors import BadInput, RestripError

HELP = "the extension for Blender 4.2 and later"
OLDEST = (4, 2)
MARK = "RESTRIP "
ASK = (
    "import bpy, json, sys; print('RESTRIP ' + json.dumps({'version': list(bpy.app.version), "
    "'python': list(sys.version_info[:2]), 'extensions': bpy.utils.user_resource('EXTENSIONS')}))"
)


class NoBlender(BadInput):
    """No Blender was found."""

    code = "no-blender"

    def __init__(self, package: Path) -> None:
        super().__init__(
            "No Blender was found.",
            f"Name it with --blender FILE, or drag {package} into Blender's window.",
            package=str(package),
        )


ENGINE = Path(restrip.__file__).parents[1]
"""The folder that the package restrip lies in, from which the extension takes its light parts."""


class NoExtension(RestripError):
    """The extension's files aren't part of this installation."""

    code = "no-front-end"

    def __init__(self) -> None:
        super().__init__(
            "The extension isn't here.", f"Install Restrip again: {install_line('engine')} --force-reinstall"
        )


class InstallFailed(RestripError):
    """Blender refused the extension."""

    code = "install-failed"

    def __init__(self, program: str, log: str) -> None:
        super().__init__(f"{program} didn't install the extension.", "Its own words are in the details.", log=log)


@dataclass(frozen=True)
class Blender:
    """A Blender as it describes itself: the program, its version and Python, its folder for extensions."""

    program: str
    version: tuple[int, ...]
    python: tuple[int, ...]
    extensions: str

    @property
    def name(self) -> str:
        """As people call it: "Blender 5.0"."""
        return f"Blender {self.version[0]}.{self.version[1]}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("--blender", metavar="FILE", help="Blender's program (default: every Blender that is found)")
    parser.add_argument("--zip-only", metavar="DIR", help="only make the packages of this platform, into DIR")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Install; returns what lies where, and sentences to say. Raises RestripError."""
    tool = build_tool()
    platform = platform_name(sys.platform, sysconfig.get_platform())
    folder = Path(options.zip_only or state_dir() / "packages")
    if options.zip_only:
        made = [tool.build(target, folder, engine=ENGINE) for target in tool.TARGETS if target.platform == platform]
        return {"packages": [str(path) for path in made], "sentences": [str(path) for path in made]}
    programs = [options.blender] if options.blender else list(programs_on(sys.platform, os.environ, Path.home()))
    found = [blender for blender in map(ask, programs) if blender is not None]
    if not found:
        raise NoBlender(tool.build(_target(tool, platform, (3, 13)), folder, engine=ENGINE))
    installed, sentences = [], []
    for blender in found:
        if blender.version[:2] < OLDEST:
            sentences.append(f"{blender.name} is too old: the extension needs 4.2 or later.")
            continue
        package = tool.build(_target(tool, platform, blender.python), folder, engine=ENGINE)
        install(blender, package)
        installed.append({"blender": blender.program, "version": ".".join(map(str, blender.version))})
        sentences.append(f"{blender.name} has it now, in {blender.extensions}.")
    record_start()
    if installed:
        sentences.append("Start Blender, open the Video Editing workspace and right-click a strip: Stylize.")
    return {"installed": installed, "sentences": sentences}


def build_tool() -> ModuleType:
    """blender_addon/build.py, installed as part of restrip_blender or in the checkout. Raises NoExtension."""
    found = importlib.util.find_spec("restrip_blender")
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    folders.append(str(Path(restrip.__file__).parents[2] / "blender_addon"))
    path = next((path for path in (Path(folder) / "build.py" for folder in folders) if path.is_file()), None)
    if path is None:
        raise NoExtension
    spec = importlib.util.spec_from_file_location("restrip_blender_build", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def platform_name(platform: str, machine: str) -> str:
    """Blender's name of a platform: "linux-x64", "macos-arm64", "windows-x64"."""
    arm = "arm64" in machine or "aarch64" in machine
    system = {"win32": "windows", "darwin": "macos"}.get(platform, "linux")
    return f"{system}-{'arm64' if arm else 'x64'}"


def programs_on(platform: str, environment: Mapping[str, str], home: Path) -> Iterator[str]:
    """The Blenders that are installed in the usual places, each once."""
    seen = set()
    for program in _candidates(platform, environment, home):
        real = os.path.realpath(program)
        if real not in seen and os.access(program, os.X_OK):
            seen.add(real)
            yield program


def ask(program: str) -> Blender | None:
    """What a program says of itself; None when it is no Blender that runs."""
    command = [program, "--background", "--factory-startup", "--python-expr", ASK]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    line = next((line for line in done.stdout.splitlines() if line.startswith(MARK)), None)
    if line is None:
        return None
    told = json.loads(line[len(MARK) :])
    return Blender(program, tuple(told["version"]), tuple(told["python"]), str(told["extensions"]))


def install(blender: Blender, package: Path) -> None:
    """Have a Blender install and enable the package. Raises InstallFailed."""
    command = [blender.program, "--background", "--command", "extension", "install-file"]
    done = subprocess.run(
        [*command, "--repo", "user_default", "--enable", str(package)],
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0 or not (Path(blender.extensions) / "user_default" / "restrip").is_dir():
        raise InstallFailed(blender.program, (done.stdout + done.stderr)[-4000:])


def record_start() -> None:
    """Note how the engine is started, for a Blender where it isn't installed."""
    start.record_start([sys.executable, "-m", "restrip.service"])


def _target(tool: ModuleType, platform: str, python: tuple[int, ...]) -> Any:
    wanted = "3.11" if python <= (3, 11) else "3.13"
    found = [target for target in tool.TARGETS if target.platform == platform and target.python == wanted]
    if not found:
        raise BadInput(f"There is no package for {platform}.", "See docs/blender.md for the platforms.")
    return found[0]


def _candidates(platform: str, environment: Mapping[str, str], home: Path) -> Iterator[str]:
    on_path = shutil.which("blender", path=environment.get("PATH"))
    if on_path:
        yield on_path
    if platform == "win32":
        for base in ("ProgramFiles", "ProgramFiles(x86)"):
            root = Path(environment.get(base, "C:/Program Files"))
            yield from map(str, sorted((root / "Blender Foundation").glob("Blender */blender.exe")))
            yield str(root / "Steam" / "steamapps" / "common" / "Blender" / "blender.exe")
    elif platform == "darwin":
        for folder in (Path("/Applications"), home / "Applications"):
            yield from map(str, sorted(folder.glob("Blender*.app/Contents/MacOS/Blender")))
    else:
        yield "/snap/bin/blender"
        for folder in (home, home / "Applications", home / "opt", Path("/opt"), Path("/usr/local")):
            yield from map(str, sorted(folder.glob("blender*/blender")))
        yield str(home / ".local/share/Steam/steamapps/common/Blender/blender")
