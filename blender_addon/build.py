"""Build the extension's packages: a zip per platform and Python, with everything inside that Blender needs.

    python blender_addon/build.py --out DIR                      all packages (pip fetches the wheels of pyzmq)
    python blender_addon/build.py --out DIR --only linux-x64-py311
    python blender_addon/build.py --out DIR --wheels FOLDER      pyzmq's wheels from a folder instead

Blender 4.2 to 5.0 run Python 3.11, 5.1 and later 3.13 or newer. One zip with wheels for both is refused by 3.13,
because Blender takes an abi3 wheel for "Python 3" and drops it where a wheel for 3.11 is there too.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORE = ("restrip/__init__.py", "restrip/errors.py", "restrip/progress.py", "restrip/py.typed")
CORE_FOLDERS = ("client", "client/key_files", "client/requests", "codec", "storage", "timeline")
HEAVY = {"editor_timeline.py", "otio.py", "otio_schema.py"}
NOT_SHIPPED = {"build.py"}
PYZMQ = "27.1.0"
INSTALLED_ONLY = {"INSTALLER", "REQUESTED", "direct_url.json"}
FIXED_TIME = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Target:
    """A package: Blender's name of the platform, the Python, and pip's names of the platform."""

    platform: str
    python: str
    tags: tuple[str, ...]

    @property
    def name(self) -> str:
        """As `--only` takes it: linux-x64-py311."""
        return f"{self.platform}-py{self.python.replace('.', '')}"


_TAGS = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_26_x86_64", "manylinux2014_x86_64"),
    "macos-arm64": ("macosx_11_0_arm64", "macosx_10_15_universal2"),
    "macos-x64": ("macosx_10_15_universal2", "macosx_10_9_x86_64"),
    "windows-x64": ("win_amd64",),
    "windows-arm64": ("win_arm64",),
}
TARGETS = tuple(Target(platform, python, tags) for platform, tags in _TAGS.items() for python in ("3.11", "3.13"))


def core_files(engine: Path) -> dict[str, bytes]:
    """The light core by its path in a wheel: what a front-end imports of restrip, and no more."""
    names = list(CORE)
    for folder in CORE_FOLDERS:
        files = sorted((engine / "restrip" / folder).glob("*.py"))
        names += [f"restrip/{folder}/{file.name}" for file in files if file.name not in HEAVY]
    return {name: (engine / name).read_bytes() for name in names}


def core_wheel(engine: Path, folder: Path, version: str) -> Path:
    """Write the light core as a pure wheel into `folder`."""
    info = f"restrip_link-{version}.dist-info"
    files = core_files(engine)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: restrip-link\nVersion: {version}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: restrip\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = folder / f"restrip_link-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in files.items():
            wheel.writestr(zipfile.ZipInfo(name, FIXED_TIME), data, zipfile.ZIP_DEFLATED)
    return path


def fetch_pyzmq(target: Target, folder: Path) -> Path:
    """Have pip fetch pyzmq's wheel for a target."""
    platforms = [part for tag in target.tags for part in ("--platform", tag)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run(
        [*command, "--python-version", target.python, *platforms, "--dest", str(folder), f"pyzmq=={PYZMQ}"], check=True
    )
    return max(folder.glob("pyzmq-*.whl"), key=lambda path: path.stat().st_mtime)


def own_pyzmq(target: Target, folder: Path) -> Path | None:
    """pyzmq as this very Python has it, as a wheel; None when it is for another platform or Python."""
    try:
        package = importlib.metadata.distribution("pyzmq")
    except importlib.metadata.PackageNotFoundError:
        return None
    tags = [line[5:] for line in (package.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: ")]
    pythons = ("cp311-cp311-",) if target.python == "3.11" else ("cp312-abi3-",)
    fitting = [tag for tag in tags if tag.startswith(pythons) and tag.endswith(target.tags)]
    if not fitting:
        return None
    path = folder / f"pyzmq-{package.version}-{fitting[0]}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in package.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts and file.name not in INSTALLED_ONLY:
                name = zipfile.ZipInfo(str(file), FIXED_TIME)
                wheel.writestr(name, Path(str(file.locate())).read_bytes(), zipfile.ZIP_DEFLATED)
    return path


def version_of(engine: Path) -> str:
    """The version of the engine's package, which is the extension's too."""
    text = (engine / "restrip" / "__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "([^"\n]+)"', text, re.MULTILINE)
    assert found is not None, engine
    return found.group(1)


def manifest_text(target: Target, wheels: Sequence[str], version: str) -> str:
    """blender_manifest.toml for a target, with the version, its platform and wheels, before the first table."""
    text = (HERE / "blender_manifest.toml").read_text("utf-8")
    head, table, rest = text.partition("[permissions]")
    paths = [f"./wheels/{name}" for name in wheels]
    fields = {"version": version, "platforms": [target.platform], "wheels": paths}
    added = "".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items())
    return f"{head}{added}\n{table}{rest}"


def lay_out(target: Target, folder: Path, wheels: Path | None, engine: Path) -> None:
    """Put everything that goes into the zip into `folder`."""
    inside = folder / "wheels"
    inside.mkdir(parents=True)
    for path in sorted(HERE.rglob("*")):
        relative = path.relative_to(HERE)
        hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
        if path.is_file() and not hidden and relative.name not in NOT_SHIPPED and path.suffix != ".pyc":
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / relative)
    version = version_of(engine)
    core_wheel(engine, inside, version)
    if wheels is not None:
        shutil.copy(next(iter(sorted(wheels.glob("pyzmq-*.whl")))), inside)
    elif own_pyzmq(target, inside) is None:
        fetch_pyzmq(target, inside)
    names = sorted(path.name for path in inside.iterdir())
    (folder / "blender_manifest.toml").write_text(manifest_text(target, names, version), "utf-8")


def build(target: Target, out: Path, *, wheels: Path | None = None, engine: Path = HERE.parent / "engine") -> Path:
    """Build one package into the folder `out`; returns the zip."""
    version = version_of(engine)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"restrip-blender-{version}-{target.name}.zip"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "restrip"
        lay_out(target, folder, wheels, engine)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
            for file in sorted(p for p in folder.rglob("*") if p.is_file()):
                name = zipfile.ZipInfo(file.relative_to(folder).as_posix(), FIXED_TIME)
                package.writestr(name, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return path


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the zips")
    parser.add_argument("--only", choices=[target.name for target in TARGETS], help="build one package")
    parser.add_argument("--wheels", type=Path, help="take pyzmq's wheel from this folder instead of fetching it")
    given = parser.parse_args(argv)
    for target in TARGETS:
        if given.only in (None, target.name):
            print(build(target, given.out, wheels=given.wheels))
    return 0


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    sys.exit(main())
