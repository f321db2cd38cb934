"""`restrip doctor`: what is here, what is missing, and the one thing to do about it."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from restrip import __version__
from restrip.cli import options as shared
from restrip.cli.bundle import write_bundle
from restrip.cli.terminal import Terminal, local_time
from restrip.client.build import PACKAGE, own_build
from restrip.client.client import EngineUnreachable, connect
from restrip.client.discovery import StateFolder, run_folder, state_dir
from restrip.client.origin import install_line
from restrip.client.preferences import Preferences
from restrip.client.privileges import NOT_AS_ROOT, is_root
from restrip.client.worker_crashes import last_deaths
from restrip.errors import RestripError

ENGINE = {
    "av": "av",
    "cv2": "opencv-python-headless",
    "numpy": "numpy",
    "numba": "numba",
    "onnxruntime": "onnxruntime",
    "OpenEXR": "OpenEXR",
    "pillow_heif": "pillow-heif",
}
DIFFUSION = {"torch": "torch", "diffusers": "diffusers", "transformers": "transformers", "safetensors": "safetensors"}

DEATHS_SHOWN = 3
LATELY_S = 24 * 3600.0

# Asked in a process of its own: importing torch takes seconds and memory, and may fail in ways that end a process.
LIBRARIES = "import av, json; print(json.dumps({k: '.'.join(map(str, v)) for k, v in av.library_versions.items()}))"
GPU = """
import json, torch
if torch.cuda.is_available():
    free, total = torch.cuda.mem_get_info()
    api = "hip" if torch.version.hip else "cuda"
    print(json.dumps([torch.cuda.get_device_name(0), free >> 20, total >> 20, api]))
elif getattr(torch.backends, "mps", None) and torch.backends.mps.is_available():
    print(json.dumps(["Apple GPU (mps)", 0, 0, "mps"]))
else:
    print("[]")
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is as it should be, what it is, and what to do when it isn't.

    `needed` is False for what only some looks need.
    """

    name: str
    ok: bool
    value: str
    remedy: str = ""
    needed: bool = True


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser("doctor", help="check the installation, and say what to do next")
    parser.add_argument(
        "--bundle", metavar="FILE", help="pack logs and versions into a .zip, without prompts or pictures"
    )
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Look at everything; never fails on what it finds."""
    findings = examine()
    if options.bundle:
        path = Path(options.bundle).absolute()
        names = write_bundle(path, findings)
        terminal.result({"bundle": str(path), "contents": names}, f"{path}: {', '.join(names)}")
        return
    first = next((f for f in findings if not f.ok and f.needed), None) or next((f for f in findings if not f.ok), None)
    advice = "Everything is in place: `restrip demo` shows it." if first is None else f"Next: {first.remedy}"
    rows = [["ok" if f.ok else ("missing" if f.needed else "-"), f.name, f.value] for f in findings]
    terminal.table({"findings": [asdict(f) for f in findings], "next": advice}, ["", "what", "found"], rows)
    if not terminal.json_wanted:
        terminal.result(None, advice)


def examine() -> list[Finding]:
    """All findings, in the order in which they matter."""
    python = platform.python_version()
    findings = [
        Finding("restrip", True, __version__),
        Finding("Python", sys.version_info >= (3, 11), python, "Install Python 3.11 or newer."),
        *_packages(ENGINE, "engine", needed=True),
        _libraries(),
        *_packages(DIFFUSION, "diffusion", needed=False),
        _gpu(),
        _memory(),
        state := _state(),
    ]
    return [*findings, _cache(), _engine(), _deaths(), _rights()] if state.ok else findings


def _packages(packages: dict[str, str], extra: str, needed: bool) -> list[Finding]:
    remedy = install_line(extra) + ("" if needed else " for Stable Diffusion looks.")
    found = []
    for module, package in packages.items():
        there = importlib.util.find_spec(module) is not None
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = "found, of no known version" if there else "not installed"
        found.append(Finding(package, there, version, remedy, needed))
    return found


def _asked(code: str) -> Any:
    """What a child Python prints as JSON; None when it fails."""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def _why_not(code: str) -> str:
    """Why a child Python can't do something: the last line that it says; "" when it can."""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    return said[-1] if done.returncode else ""


def _libraries() -> Finding:
    versions = _asked(LIBRARIES) if importlib.util.find_spec("av") else None
    shown = ", ".join(f"{name} {version}" for name, version in (versions or {}).items())
    return Finding("ffmpeg libraries", versions is not None, shown or "not found", install_line("engine"))


def _gpu() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("GPU", False, "not looked for (needs torch)", install_line("diffusion"), needed=False)
    gpu = _asked(GPU)
    if gpu is None and (why := _why_not("import torch")):
        remedy = f"{install_line('diffusion')} --force-reinstall"
        return Finding("GPU", False, f"not looked for: torch can't be loaded ({why})", remedy, needed=False)
    if not gpu and shutil.which("nvidia-smi"):
        remedy = "Install the torch build for your GPU (pytorch.org, Get started)."
        return Finding("GPU", False, "one is here, but this torch can't use it", remedy, needed=False)
    if not gpu:
        return Finding("GPU", True, "none: the CPU does the work")
    name, free, total, api = gpu
    return Finding("GPU", True, f"{name}, {free} of {total} MiB free, {api}; {carried_by(api)}")


def carried_by(api: str) -> str:
    """How keys are carried through time with a GPU of this kind ("cuda", "hip", "mps")."""
    if api == "mps":
        return "propagation runs on the CPU"
    if api == "cuda" and importlib.util.find_spec("triton") is not None:
        return "propagation by Triton"
    return "propagation by torch operations, without Triton's kernels"


def _memory() -> Finding:
    try:
        mib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    except (AttributeError, ValueError, OSError):
        return Finding("memory", True, f"{os.cpu_count()} processors")
    return Finding(
        "memory", mib >= 3500, f"{mib} MiB, {os.cpu_count()} processors", "Render at --size 960.", needed=False
    )


def _state() -> Finding:
    """Whether things can be kept there: tried, as far as it goes."""
    try:
        folder = run_folder()
        with tempfile.TemporaryFile(dir=folder):
            return Finding("state folder", True, str(folder.parent))
    except OSError as error:
        trouble: RestripError = StateFolder(folder, error)
    except RestripError as error:
        trouble = error
    return Finding("state folder", False, trouble.message, trouble.remedy)


def _cache() -> Finding:
    limit = Preferences.load(state_dir()).cache_mib
    return Finding("cache", True, f"may have {limit:g} MiB: 'restrip cache --limit SIZE' sets it")


def _deaths(now: float | None = None) -> Finding:
    """The most recent unexpected ends of workers; those of the last day need attention."""
    deaths = last_deaths(state_dir())
    if not deaths:
        return Finding("worker deaths", True, "none")
    lines = [
        f"{local_time(death['time'])} {death['what']}"
        + (f" ({death['task']}, job {death['job']})" if death["job"] else "")
        for death in deaths[-DEATHS_SHOWN:]
    ]
    lately = (time.time() if now is None else now) - deaths[-1]["time"] < LATELY_S
    return Finding("worker deaths", not lately, "\n".join(reversed(lines)), str(deaths[-1]["remedy"]), needed=False)


def _rights() -> Finding:
    """As root the engine does what a job file or a checkpoint of a stranger's makes it do to the whole machine."""
    root = is_root()
    return Finding("rights", not root, "root's" if root else "an ordinary user's", NOT_AS_ROOT, needed=False)


def _engine() -> Finding:
    """Which engine runs: of which installation, on which Python, and whether it is this one's."""
    here = f"the next command starts the one of {PACKAGE}, Python {platform.python_version()} ({sys.executable})"
    try:
        with connect("doctor", start=False) as client:
            hello = client.hello
    except EngineUnreachable:
        return Finding("engine", True, f"not running; {here}")
    except RestripError as error:
        return Finding("engine", False, error.message, error.remedy, needed=False)
    place, python = hello.get("installation", "an older Restrip"), hello.get("python", "not known")
    runs = f"runs, version {hello.get('engine_version', '?')}, from {place}, Python {python}"
    if hello.get("build") == own_build():
        return Finding("engine", True, runs)
    remedy = f"It is of another installation or build: it finishes its jobs, then {here}."
    return Finding("engine", False, runs, remedy, needed=False)
