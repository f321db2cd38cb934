"""`restrip install blender`: which Blenders are found, and which package each of them gets."""

from __future__ import annotations

import argparse
import json
import os
import zipfile
from pathlib import Path

import pytest

from restrip.client.discovery import recorded_start
from restrip.install import blender

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")


def stand_in(folder: Path, version: tuple[int, int, int], python: tuple[int, int]) -> Path:
    """A program that answers like Blender, and on "extension install-file" unpacks the zip's name into its folder."""
    extensions = folder / "extensions"
    told = json.dumps({"version": version, "python": python, "extensions": str(extensions)})
    program = folder / "blender"
    folder.mkdir(parents=True, exist_ok=True)
    program.write_text(
        "#!/bin/sh\n"
        f"case \"$*\" in *python-expr*) echo noise; echo 'RESTRIP {told}';; *install-file*) "
        f'mkdir -p "{extensions}/user_default/restrip"; for last; do :; done; '
        f'echo "$last" > "{extensions}/installed";; esac\n'
    )
    program.chmod(0o755)
    return program


def options(program: Path | None = None) -> argparse.Namespace:
    return argparse.Namespace(blender=str(program) if program else None, zip_only=None)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyzmq's wheel is never fetched: the package gets the one that is installed here, whatever Python it is for."""
    tool = blender.build_tool()

    def own(target: object, folder: Path) -> Path:
        path = folder / "pyzmq-0-py3-none-any.whl"
        path.write_bytes(b"")
        return path

    monkeypatch.setattr(tool, "own_pyzmq", own)
    monkeypatch.setattr(blender, "build_tool", lambda: tool)


@pytest.mark.parametrize(
    ("version", "python", "package"), [((4, 2, 5), (3, 11), "py311"), ((5, 2, 2), (3, 14), "py313")]
)
def test_each_blender_gets_the_package_for_its_python(
    tmp_path: Path, version: tuple[int, int, int], python: tuple[int, int], package: str
) -> None:
    program = stand_in(tmp_path / "b", version, python)
    told = blender.run(options(program))
    given = Path((tmp_path / "b" / "extensions" / "installed").read_text().strip())
    assert given.name.endswith(f"-{package}.zip")
    assert zipfile.ZipFile(given).testzip() is None
    assert told["installed"] == [{"blender": str(program), "version": ".".join(map(str, version))}]
    assert str(tmp_path / "b" / "extensions") in told["sentences"][0]


def test_the_front_end_learns_how_the_engine_is_started(tmp_path: Path) -> None:
    blender.run(options(stand_in(tmp_path / "b", (5, 0, 1), (3, 11))))
    assert recorded_start()[1:] == ("-m", "restrip.service")


def test_an_old_blender_is_told_so_and_left_alone(tmp_path: Path) -> None:
    told = blender.run(options(stand_in(tmp_path / "b", (3, 6, 0), (3, 10))))
    assert told["installed"] == []
    assert "too old" in told["sentences"][0]
    assert not (tmp_path / "b" / "extensions").exists()


def test_a_program_that_is_no_blender_is_named_with_the_way_out(tmp_path: Path) -> None:
    program = tmp_path / "blender"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    with pytest.raises(blender.NoBlender) as caught:
        blender.run(options(program))
    assert Path(caught.value.detail["package"]).is_file()


def test_a_blender_that_refuses_says_why(tmp_path: Path) -> None:
    program = stand_in(tmp_path / "b", (5, 0, 1), (3, 11))
    program.write_text(program.read_text().replace("mkdir -p", "echo disk full; exit 1; mkdir -p"))
    with pytest.raises(blender.InstallFailed) as caught:
        blender.run(options(program))
    assert "disk full" in caught.value.detail["log"]


def test_blenders_in_the_usual_places_are_found_once(tmp_path: Path) -> None:
    first = stand_in(tmp_path / "blender-5.0.1-linux-x64", (5, 0, 1), (3, 11))
    second = stand_in(tmp_path / "blender-4.5-linux-x64", (4, 5, 0), (3, 11))
    on_path = tmp_path / "bin"
    on_path.mkdir()
    (on_path / "blender").symlink_to(first)
    found = [
        program
        for program in blender.programs_on("linux", {"PATH": str(on_path)}, tmp_path)
        if program.startswith(str(tmp_path))
    ]
    assert found == [str(on_path / "blender"), str(second)]


@pytest.mark.parametrize(
    ("platform", "machine", "name"),
    [
        ("linux", "linux-x86_64", "linux-x64"),
        ("darwin", "macosx-11.0-arm64", "macos-arm64"),
        ("win32", "win-amd64", "windows-x64"),
    ],
)
def test_platforms_are_named_as_blender_names_them(platform: str, machine: str, name: str) -> None:
    assert blender.platform_name(platform, machine) == name
