"""Keys opened in the user's own program: the right file, no shell, and words for what can't be started."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from restrip.client.key_files import program
from restrip.client.key_files.program import NoKeyPicture, PaintProgramMissing, command_for, open_picture

NASTY = "key $(touch pwned); `touch pwned` & 'x' \"y\" 00045.png"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / (NASTY if os.name == "posix" else "key & 00045.png")
    path.write_bytes(b"picture")
    return path


@pytest.fixture
def painter(tmp_path: Path) -> Path:
    """A program in a folder with spaces that writes down what it was given."""
    folder = tmp_path / "My Paint 2"
    folder.mkdir()
    path = folder / "paint program"
    path.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"part = {str(tmp_path / 'told.part')!r}\n"
        "json.dump([sys.argv[1:], 'PYTHONPATH' in os.environ], open(part, 'w'))\n"
        f"os.rename(part, {str(tmp_path / 'told')!r})\n"
    )
    path.chmod(0o755)
    return path


@pytest.mark.skipif(os.name != "posix", reason="a script with a first line that names its program")
@pytest.mark.parametrize("form", ["{}", "{} --new-window 'two words'", '"{}" -x'])
def test_the_program_gets_the_picture_and_its_arguments_as_they_are(
    key: Path, painter: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/the/editors")
    monkeypatch.chdir(tmp_path)
    open_picture(str(key), form.format(painter))
    until = time.monotonic() + 60
    while not (tmp_path / "told").exists() and time.monotonic() < until:
        time.sleep(0.02)
    arguments, inherited = __import__("json").loads((tmp_path / "told").read_text())
    wanted = {"{}": [], "{} --new-window 'two words'": ["--new-window", "two words"], '"{}" -x': ["-x"]}[form]
    assert arguments == [*wanted, str(key)] and not inherited
    assert not (tmp_path / "pwned").exists()
    program._started[-1].wait(60)


def test_a_program_of_macos_is_started_as_the_finder_does(key: Path, tmp_path: Path) -> None:
    app = tmp_path / "Adobe Photoshop 2026.app"
    app.mkdir()
    assert command_for(str(app), str(key), "darwin") == ["open", "-a", str(app), str(key)]
    assert command_for(f"{app} --fresh", str(key), "darwin") == ["open", "-a", str(app), str(key), "--args", "--fresh"]
    assert command_for("", str(key), "darwin") == ["open", str(key)]
    assert command_for("", str(key), "win32") is None


def test_a_program_of_windows_needs_no_quotes_and_backslashes_stay(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exe = tmp_path / "GIMP 3" / "gimp.exe"
    exe.parent.mkdir()
    exe.touch()
    monkeypatch.setattr(program.shutil, "which", lambda name: name)
    assert command_for(f"{exe} -n C:\\b\\c", str(key), "win32") == [str(exe), "-n", "C:\\b\\c", str(key)]
    assert command_for('"C:\\a b\\p.exe" /x', str(key), "win32") == ["C:\\a b\\p.exe", "/x", str(key)]
    with pytest.raises(PaintProgramMissing, match="a shell would read"):
        command_for("C:\\tools\\paint.bat", str(key), "win32")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("/nowhere/krita --x", "isn't there"),
        ("no-such-program-of-ours", "isn't there"),
        ("'/opt/krita", "quote that isn't closed"),
        ("{folder}", "is a folder"),
        ("{key}", "isn't a program"),
    ],
)
def test_a_program_that_cant_be_started_is_named(key: Path, tmp_path: Path, given: str, why: str) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    with pytest.raises(PaintProgramMissing) as raised:
        command_for(given.format(folder=tmp_path, key=plain), str(key), "linux")
    assert why in raised.value.message and raised.value.code == "paint-program-missing" and raised.value.remedy


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "has no picture yet"),
        ("https://somewhere/key_00001.png", "no file of this computer"),
        ("keys/key_00001.png", "no file of this computer"),
        ("/on/the/other/computer/key_00001.png", "isn't on this computer"),
        ("/on/the/other/computer/key_00001.gif", "isn't on this computer"),
        ("/bin/sh", "is no picture"),
    ],
)
def test_only_pictures_that_are_here_are_opened(path: str, why: str) -> None:
    with pytest.raises(NoKeyPicture, match=why):
        open_picture(path, sys.executable)
