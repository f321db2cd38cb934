"""Fixtures for the Blender tests: a real bpy in its own process, with the extension installed in it.

The interpreter is this one (bpy 5.0). RESTRIP_BPY_PYTHONS names others, separated by the path separator, each of an
environment with another bpy; then every test runs in each of them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from restrip.client.client import Client, EngineUnreachable, connect
from restrip.install.blender import platform_name

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
PYTHONS = [python for python in os.environ.get("RESTRIP_BPY_PYTHONS", "").split(os.pathsep) if python] or [
    sys.executable
]
Blender = Callable[..., Any]


@pytest.fixture(scope="session")
def build() -> Any:
    """blender_addon/build.py, which is no part of an importable package."""
    spec = importlib.util.spec_from_file_location("restrip_blender_build", ROOT / "blender_addon" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def load() -> Callable[[str], Any]:
    """A module of the extension that needs no Blender, by name."""
    spec = importlib.util.spec_from_file_location("restrip_outside", ROOT / "blender_addon" / "outside.py")
    assert spec is not None and spec.loader is not None
    outside = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(outside)

    def by_name(name: str) -> Any:
        before = list(sys.path)
        module = outside.load(name, [])
        assert sys.path == before
        return module

    return by_name


@pytest.fixture(scope="session", params=PYTHONS, ids=lambda python: Path(python).parents[1].name)
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter that has bpy."""
    given: str = request.param
    if given == sys.executable and importlib.util.find_spec("bpy") is None:
        pytest.skip("bpy isn't installed (the test set-up has it for Python 3.11)")
    return given


@pytest.fixture(scope="session")
def package(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension's zip for this machine and Python, built by that Python with the pyzmq that it has."""
    folder = tmp_path_factory.mktemp("package")
    asked = [python, "-c", "import sys; print(sys.version_info >= (3, 12))"]
    newer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == "True"
    name = f"{platform_name(sys.platform, sysconfig.get_platform())}-py{'313' if newer else '311'}"
    command = [python, str(ROOT / "blender_addon" / "build.py"), "--out", str(folder), "--only", name]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.zip"))


@pytest.fixture(scope="session")
def installed(python: str, package: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An interpreter with bpy, and the folder of a Blender user who has installed the extension."""
    user = tmp_path_factory.mktemp("blender-user")
    run(python, user, "install", "install", {"package": str(package)})
    return python, user


@pytest.fixture
def install_into(installed: tuple[str, Path], package: Path) -> Callable[[Path], Any]:
    """Install the extension for another user, whose folder is given."""
    return lambda user: run(installed[0], user, "install", "install", {"package": str(package)})


@pytest.fixture
def blender(installed: tuple[str, Path]) -> Blender:
    """Call `blender("place.two_keys", folder=...)`: inside/place.py's function, in a fresh Blender; its result."""
    python, user = installed

    def call(what: str, *, limit_s: float = 300, **given: Any) -> Any:
        module, _, function = what.partition(".")
        return run(python, user, module, function, given, limit_s)

    return call


@pytest.fixture
def engine(_own_state: None) -> Iterator[Client]:
    """A running engine in a folder of its own, which Blender finds by itself."""
    with connect("tests") as client:
        yield client
        with contextlib.suppress(EngineUnreachable):  # One test kills it.
            client.quit()


@pytest.fixture(scope="session")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Movies of 100 frames that show their number as eight black or white bars: `counting("24")` is at 24/s."""
    folder = tmp_path_factory.mktemp("counting")

    def make(rate: str, first: int = 0, frames: int = 100) -> Path:
        path = folder / f"{rate.replace('/', '_')}-{first}-{frames}.mp4"
        if not path.exists():
            write_counting(path, Fraction(rate), range(first, first + frames))
        return path

    return make


@pytest.fixture(scope="session")
def counting_pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Eight PNG files in a row, numbered the same way."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    for number in range(8):
        paths.append(str(folder / f"p_{number:04d}.png"))
        cv2.imwrite(paths[-1], numbered(number))
    return paths


@pytest.fixture(scope="session")
def bars() -> Callable[[int], Any]:
    """One picture of a counting movie, by its number."""
    return numbered


@pytest.fixture(scope="session")
def number_on() -> Callable[[str], int]:
    """Read the number off a picture of a counting movie."""

    def read(path: str) -> int:
        picture = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        assert picture is not None, path
        height, width = picture.shape
        seen = [picture[height // 2, int((bit + 0.5) * width / 8)] > 128 for bit in range(8)]
        return sum(1 << bit for bit in range(8) if seen[bit])

    return read


def numbered(number: int, size: tuple[int, int] = (320, 180)) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A picture [H, W, 3]: bit b of the number is the b-th of eight upright bars, white for 1."""
    row = np.repeat([235 if number >> bit & 1 else 16 for bit in range(8)], size[0] // 8).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (size[1], size[0], 3)))


def write_counting(path: Path, rate: Fraction, numbers: range, group: int = 12) -> None:
    """H.264 with B-frames and tags for BT.709; with a group of 1 each frame stands alone."""
    with av.open(str(path), "w") as container:
        options = {"crf": "8", "g": str(group), "bf": "2" if group > 1 else "0", "threads": "1"}
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in numbers:
            frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def run(python: str, user: Path, module: str, function: str, given: dict[str, Any], limit_s: float = 300) -> Any:
    """Run a function of inside/ in a Blender of its own, which ends without its exit handlers."""
    answer = user / f"answer-{os.getpid()}.json"
    answer.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "BLENDER_USER_RESOURCES": str(user / "blender"),
        "PYTHONPATH": str(HERE / "inside"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    asked = json.dumps({"module": module, "function": function, "given": given, "answer": str(answer)})
    done = subprocess.run(
        [python, str(HERE / "inside" / "run.py"), asked],
        capture_output=True,
        text=True,
        env=environment,
        timeout=limit_s,
        stdin=subprocess.DEVNULL,
    )
    assert answer.exists(), f"{module}.{function} gave no answer (rc {done.returncode})\n{done.stdout}\n{done.stderr}"
    told = json.loads(answer.read_text("utf-8"))
    assert "error" not in told, f"{told.get('error')}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return told["result"]
