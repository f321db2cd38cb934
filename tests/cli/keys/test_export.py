"""`restrip export-keys` and `restrip open-key`, as typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from restrip.cli import main
from restrip.cli.keys import opening
from restrip.client.client import connect
from restrip.media import read_picture


@pytest.fixture
def _engine(_own_state: None) -> Iterator[None]:
    yield
    with connect("tests", start=False) as client:
        client.quit()


@pytest.mark.usefixtures("_engine")
def test_frames_are_exported_by_the_clips_numbers_and_painted_ones_stay(
    carphone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "keys"
    asked = ["export-keys", str(carphone), "--range", "10:40", "--every", "20", str(folder)]
    assert main([*asked, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert [Path(key["file"]).name for key in made["keys"]] == ["key_00010.png", "key_00030.png"]
    assert read_picture(made["keys"][0]["file"]).size == tuple(made["size"])
    (folder / "key_00010.png").write_bytes(b"painted")
    assert main(asked) == 0
    said = capsys.readouterr().out.splitlines()
    assert "left alone" in said[0] and "there already" in said[1] and said[2] == made["note"]
    assert (folder / "key_00010.png").read_bytes() == b"painted"
    assert main(["export-keys", str(carphone), "--keys", "500", str(folder)]) == 2
    assert "500" in capsys.readouterr().err


def test_the_right_key_is_opened_in_the_program_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = []
    monkeypatch.setattr(opening, "open_picture", lambda path, program: started.append((path, program)))
    for number in (5, 45):
        (tmp_path / f"key_{number:05d}.png").touch()
    assert main(["open-key", str(tmp_path), "45", "--in", "/opt/My Paint/paint --new"]) == 0
    monkeypatch.setenv(opening.VARIABLE, "krita")
    assert main(["open-key", str(tmp_path), "5"]) == 0
    assert started == [
        (str(tmp_path / "key_00045.png"), "/opt/My Paint/paint --new"),
        (str(tmp_path / "key_00005.png"), "krita"),
    ]
    assert main(["open-key", str(tmp_path), "6"]) == 2
    assert main(["open-key", str(tmp_path / "none"), "6"]) == 2
    assert "no picture for frame 6" in capsys.readouterr().err
