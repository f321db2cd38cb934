"""The whole line from the command line: a real clip, a real engine, strips that play."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from restrip.cli import main
from restrip.client.client import EngineUnreachable, connect
from restrip.client.discovery import read_connection
from restrip.media import ClipReader
from restrip.storage.processes import alive
from restrip.timeline import ClipRange, FrameRange, Rate

Run = Callable[..., tuple[int, Any, str]]
NTSC = Rate.of(30000, 1001)
SIZE = (192, 144)  # 176 x 144 with pixels 12:11


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One engine for this file's tests."""
    folder = tmp_path_factory.mktemp("line") / "state"
    yield folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESTRIP_STATE_DIR", str(folder))
        try:
            with connect("test", start=False) as client:
                client.quit()
        except EngineUnreachable:
            pass


@pytest.fixture
def run(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with --json: exit code, what stdout held, what stderr held."""
    monkeypatch.setenv("RESTRIP_STATE_DIR", str(state))

    def command(*arguments: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else None, printed.err

    return command


def error_of(printed: str) -> dict[str, Any]:
    """The error among the lines of stderr."""
    errors = [line["error"] for line in map(json.loads, printed.splitlines()) if "error" in line]
    assert len(errors) == 1, printed
    return errors[0]


def frame_count(path: str, frames: FrameRange) -> int:
    """How many frames a strip's file holds; reading the last one proves that it is there."""
    with ClipReader(ClipRange((path,), NTSC, len(frames))) as reader:
        assert reader.frame(len(frames) - 1).size == SIZE
        return reader.info.frames


def render(run: Run, clip: Path, out: Path, keys: str, *more: str) -> dict[str, Any]:
    code, manifest, err = run(
        *("render", str(clip), "--range", "10:40", "--keys", keys, "--look", "neural:19", "--out", str(out)), *more
    )
    assert code == 0, err
    return manifest


def test_a_clip_becomes_strips_and_only_what_changed_is_rendered_again(
    run: Run, carphone: Path, tmp_path: Path
) -> None:
    extras = ("--preview", "--baked", "--otio", str(tmp_path / "t.otio"), "--sheet", str(tmp_path / "s.png"))
    manifest = render(run, carphone, tmp_path / "a", "15,25,35", *extras)
    assert [key["frame"] for key in manifest["keys"]] == [5, 15, 25]
    assert [strip["frames"] for strip in manifest["strips"]] == [[0, 15], [5, 25], [15, 30]]
    for strip in manifest["strips"]:
        assert Path(strip["file"]).parent == tmp_path / "a"
        assert frame_count(strip["file"], FrameRange(*strip["frames"])) == strip["frames"][1] - strip["frames"][0]
    for first, second in zip(manifest["fades"], manifest["keys"], strict=False):
        assert second["frame"] <= first["frames"][0] <= first["frames"][1] <= second["frame"] + 10
        assert first["score"] is not None
    assert frame_count(manifest["preview"], FrameRange(0, 30)) == 30
    assert frame_count(manifest["baked"], FrameRange(0, 30)) == 30
    assert all(Path(manifest[name]).exists() for name in ("otio", "sheet"))
    assert json.loads((tmp_path / "a" / "manifest.json").read_text("utf-8"))["job_id"] == manifest["job_id"]
    assert manifest["counts"]["segments_rendered"] == 4

    again = render(run, carphone, tmp_path / "b", "15,25,35", *extras)
    assert again["counts"]["segments_rendered"] == 0
    assert again["counts"]["keys_rendered"] == 0
    assert [s["sha256"] for s in again["strips"]] == [s["sha256"] for s in manifest["strips"]]

    moved = render(run, carphone, tmp_path / "c", "15,27,35", "--baked")
    assert moved["counts"]["segments_rendered"] == 2
    assert moved["counts"]["keys_rendered"] == 1

    code, listed, _ = run("jobs")
    assert code == 0
    assert [job["state"] for job in listed] == ["done"] * 3
    code, shown, _ = run("manifest", manifest["job_id"][:8])
    assert shown == manifest


def test_keys_painted_by_hand_are_used_at_any_size(run: Run, carphone: Path, tmp_path: Path) -> None:
    from restrip.media import read_picture, write_picture
    from restrip.media.frame import Frame

    painted = tmp_path / "painted"
    painted.mkdir()
    with ClipReader(ClipRange((str(carphone),), NTSC, 50)) as reader:
        for number in (30, 40):
            small = Frame(reader.frame(number).rgb[::2, ::2].copy() // 2)
            write_picture(painted / f"key_{number:05d}.png", small)
    code, manifest, err = run(
        *("render", str(carphone), "--range", "30:50", "--keys", "30,40"),
        *("--look", f"keys:{painted}", "--out", str(tmp_path / "out")),
    )
    assert code == 0, err
    assert any("96" in note and "192" in note for note in manifest["notes"]), manifest["notes"]
    assert read_picture(manifest["keys"][0]["picture"]).size == SIZE


def test_families_are_listed_and_a_looks_settings_are_those_that_act(run: Run) -> None:
    code, printed, _ = run("models")
    families = {family["name"]: family for family in printed}
    assert (
        code == 0 and "Style picture (attention" in families["sdxl"]["said"] and "clip_skip" in families["sdxl"]["idle"]
    )
    code, printed, _ = run("looks", "--settings", "--look", "sd:tiny")
    keys = {setting["key"] for setting in printed}
    assert code == 0 and {"prompt", "style_picture", "lean"} <= keys and not {"mask_weight", "stroke_size"} & keys
    code, printed, _ = run("looks", "--settings", "--look", "painted:folder")
    assert code == 0 and "first_number" in {setting["key"] for setting in printed}, "the name that it once had"
    code, _, err = run("looks", "--look", "neural:1")
    assert code == 2 and "--settings" in err
    code, _, err = run("looks", "--settings", "--look", "nosuch")
    assert code == 2 and "There is no look 'nosuch'." in err


def test_probe_says_what_a_clip_is(run: Run, carphone: Path) -> None:
    code, info, _ = run("probe", str(carphone))
    assert code == 0
    assert (info["frames"], info["rate"], info["size"]) == (120, "30000/1001", list(SIZE))


def test_keys_are_suggested_with_their_reasons_as_the_clip_counts(run: Run, carphone: Path) -> None:
    code, found, err = run("suggest", str(carphone), "--count", "3", "--range", "60:80")
    assert code == 0, err
    keys = found["keys"]
    assert [key["frame"] for key in keys] == sorted({key["frame"] for key in keys})
    assert len(keys) == 3
    assert all(60 <= key["frame"] < 80 and key["reason"] and key["error"] > 0 for key in keys)
    code, fewer, err = run("suggest", str(carphone), "--error", "50", "--range", "60:80")
    assert code == 0, err
    assert [key["reason"] for key in fewer["keys"]] == ["start"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--keys", "130"), "key-outside"),
        (("--keys", "5", "--range", "100:200"), "bad-range"),
        (("--keys", "5", "--look", "neural:26"), "unknown-look"),
        (("--keys", "5", "--look", "watercolour"), "unknown-look"),
        (("--keys", "5", "--set", "colour=red"), "bad-setting"),
        (("--keys", "5", "--format", "betamax"), None),
        (("--keys", "5", "--look", "painting:nowhere.jpg"), None),
        (("--keys", "5", "--look", "keys:nowhere"), None),
        (("--keys", "5", "--matte", "nowhere.png"), None),
        ((), "no-keys"),
    ],
)
def test_bad_requests_are_named_and_end_with_two(
    run: Run, carphone: Path, tmp_path: Path, arguments: tuple[str, ...], code: str | None
) -> None:
    given = ("render", str(carphone), "--look", "neural:19", "--out", str(tmp_path / "out"), *arguments)
    exit_code, result, err = run(*given)
    error = error_of(err)
    assert exit_code == 2 and result is None, error
    assert error["message"] and error["remedy"]
    assert code is None or error["code"] == code, error


def test_two_keys_on_a_frame_are_one_and_said_so(run: Run, carphone: Path, tmp_path: Path) -> None:
    manifest = render(run, carphone, tmp_path / "out", "15,15")
    assert len(manifest["keys"]) == 1


def broken(kind: str, carphone: Path, folder: Path) -> Path:
    clip = folder / f"{kind}.mp4"
    if kind == "text":
        clip.write_text("this is no movie", "utf-8")
    elif kind == "truncated":
        clip.write_bytes(carphone.read_bytes()[:20_000])
    elif kind == "empty":
        clip.touch()
    elif kind == "folder":
        clip.mkdir()
    return clip


@pytest.mark.parametrize("kind", ["missing", "text", "truncated", "empty", "folder"])
def test_broken_media_is_named_and_ends_with_two(run: Run, carphone: Path, tmp_path: Path, kind: str) -> None:
    clip = broken(kind, carphone, tmp_path)
    exit_code, _, err = run("render", str(clip), "--keys", "0", "--look", "neural:19", "--out", str(tmp_path / "out"))
    error = error_of(err)
    assert exit_code == 2, error
    assert kind == "missing" or clip.name in error["message"]
    assert error["remedy"]
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_folder_that_can_not_be_written_is_told_before_the_work(run: Run, carphone: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    exit_code, _, err = run("render", str(carphone), "--keys", "0", "--look", "neural:19", "--out", str(out))
    error = error_of(err)
    assert exit_code == 2, error
    assert str(out) in error["message"] or str(tmp_path / "file") in error["message"]


def test_an_engine_killed_in_the_middle_is_told_and_started_again(run: Run, bikes: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    code, queued, err = run(
        *("render", str(bikes), "--keys", "20,60,100", "--range", "0:120", "--look", "neural:11", "--out", out),
        *("--size", "160", "--detach"),
    )
    assert code == 0, err
    connection = read_connection()
    assert connection is not None
    os.kill(connection.pid, signal.SIGKILL)
    while alive(connection.pid):
        pass
    code, status, err = run("status", queued["job_id"])
    assert code == 0, err
    assert status["state"] in ("interrupted", "paused", "queued"), status
    code, manifest, err = run("resume", queued["job_id"])
    assert code == 0, err
    assert len(manifest["strips"]) >= 3
    assert manifest["counts"]["segments_rendered"] + manifest["counts"]["segments_cached"] >= 4
