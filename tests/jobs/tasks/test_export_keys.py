"""Frames exported to be painted on: the clip's pixels, under names that are found again; nothing is written over."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restrip.client.job import clip_to_json
from restrip.jobs.outputs.key_note import NAME
from restrip.jobs.tasks.export_keys import KeysAmongPictures
from restrip.jobs.tasks.registry import WorkerMemory, run_task
from restrip.looks.keys_from_files import find_painted
from restrip.media import ClipReader, read_picture, write_picture
from restrip.media.files import DiskFull, OutputUnwritable
from restrip.timeline import ClipRange, Rate

RATE = Rate.of(30000, 1001)


@pytest.fixture
def clip(carphone: Path) -> ClipRange:
    return ClipRange((str(carphone),), RATE, 40, trim_in=20, name="carphone")


def export(clip: ClipRange, folder: Path, *frames: int, **more: Any) -> dict[str, Any]:
    body = {"source": clip_to_json(clip), "frames": list(frames), "folder": str(folder), "first": 20, "replace": False}
    message = {"kind": "export_keys", "job": "", "state_dir": str(folder.parent / "state"), "body": {**body, **more}}
    return run_task(WorkerMemory(), message, lambda *report, **_: None)


def outcomes(made: dict[str, Any]) -> list[str]:
    return [key["outcome"] for key in made["keys"]]


def test_the_frames_are_the_clips_own_and_are_found_again_as_keys(clip: ClipRange, tmp_path: Path) -> None:
    folder = tmp_path / "Keys to paint" / "shot 1"
    made = export(clip, folder, 30, 0, 0, editor="blender")
    assert outcomes(made) == ["written", "written"]
    assert list(find_painted(str(folder))) == [20, 50]
    with ClipReader(clip) as reader:
        for key in made["keys"]:
            picture = read_picture(key["file"])
            assert picture.size == reader.size == tuple(made["size"])
            assert np.array_equal(picture.rgb, reader.frame(key["frame"]).rgb)
    text = (folder / NAME).read_bytes().decode("utf-8")
    assert made["note"] == str(folder / NAME)
    assert all(word in text for word in ("carphone", "key_00020.png", "frame 50", "Blender", "Watch Keys", "\r\n"))
    assert sorted(path.name for path in folder.iterdir()) == sorted([NAME, "key_00020.png", "key_00050.png"])


def test_what_was_painted_is_left_alone_and_said(clip: ClipRange, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    export(clip, folder, 0, 30)
    painted = folder / "key_00020.png"
    painted.rename(folder / "sky 20.jpg")
    (folder / "sky 20.jpg").write_bytes(b"painted")
    made = export(clip, folder, 0, 30, 35)
    assert outcomes(made) == ["painted", "there", "written"]
    assert made["keys"][0]["file"] == str(folder / "sky 20.jpg")
    assert (folder / "sky 20.jpg").read_bytes() == b"painted" and not painted.exists()


def test_a_painted_key_that_is_to_be_replaced_is_kept_under_a_name_of_no_frame(clip: ClipRange, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    for version in (b"first", b"second"):
        export(clip, folder, 0, replace=True)
        (folder / "key_00020.png").write_bytes(version)
    made = export(clip, folder, 0, replace=True)
    assert outcomes(made) == ["replaced"] and made["keys"][0]["kept"].endswith("(before 2).png")
    assert (folder / "key_00020 (before).png").read_bytes() == b"first"
    assert (folder / "key_00020 (before 2).png").read_bytes() == b"second"
    assert list(find_painted(str(folder))) == [20] and read_picture(folder / "key_00020.png").size == tuple(
        made["size"]
    )


def test_a_key_that_was_painted_in_another_file_is_it_and_is_left_alone(clip: ClipRange, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    (made,) = export(clip, folder, 0, editor="command line")["keys"]
    assert f'--look "keys:{folder}" --out' in (folder / NAME).read_text("utf-8")
    document = folder / "key_00020.psd"
    document.write_bytes(b"painted")
    assert find_painted(str(folder)) == {20: document}
    assert outcomes(export(clip, folder, 0)) == ["painted"] and document.read_bytes() == b"painted"
    assert outcomes(export(clip, folder, 0, replace=True)) == ["replaced"]
    assert find_painted(str(folder)) == {20: Path(made["file"])}
    assert (folder / "key_00020 (before).psd").read_bytes() == b"painted"


def test_frames_that_an_earlier_version_exported_are_there(clip: ClipRange, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    (made,) = export(clip, folder, 0)["keys"]
    write_picture(folder / "key_00020.png", read_picture(made["file"]))
    assert outcomes(export(clip, folder, 0)) == ["there"]


def test_a_note_of_somebody_elses_is_left_alone(clip: ClipRange, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / NAME).write_text("my own")
    assert export(clip, folder, 0)["note"] == "" and (folder / NAME).read_text() == "my own"
    (folder / NAME).unlink()
    assert export(clip, folder, 0)["note"] and export(clip, folder, 3)["note"]
    assert "key_00023.png" in (folder / NAME).read_text("utf-8")


def test_a_folder_that_cant_be_made_is_named(clip: ClipRange, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnwritable):
        export(clip, tmp_path / "file" / "keys", 0)


def test_a_full_disk_is_named_with_the_keys_name_and_leaves_nothing(
    clip: ClipRange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("restrip.jobs.tasks.export_keys.sync_file", full)
    with pytest.raises(DiskFull) as caught:
        export(clip, tmp_path / "keys", 0)
    assert caught.value.detail["path"] == str(tmp_path / "keys" / "key_00020.png")
    assert list((tmp_path / "keys").iterdir()) == []


@pytest.mark.parametrize("replace", [False, True])
def test_the_clips_own_pictures_are_no_painted_keys(clip: ClipRange, tmp_path: Path, replace: bool) -> None:
    """Frames 0, 1, 2 of a sequence are named as keys are: to export there would rename or mix them."""
    folder = tmp_path / "shot"
    folder.mkdir()
    with ClipReader(clip) as reader:
        for number in range(3):
            write_picture(folder / f"f_{number:04d}.png", reader.frame(number))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    shot = ClipRange(tuple(str(folder / name) for name in sorted(before)), RATE, 3)
    (tmp_path / "link").symlink_to(folder)
    for place in (folder, tmp_path / "link"):
        with pytest.raises(KeysAmongPictures):
            export(shot, place, 1, replace=replace, first=0)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert outcomes(export(shot, folder / "keys", 1, first=0)) == ["written"]
