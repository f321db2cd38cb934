"""A request becomes a job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from restrip.client.client import Client
from restrip.client.status import JobStatus
from restrip.errors import RemoteError
from restrip.request import (
    FolderUnreadable,
    JobNotDone,
    NoClip,
    NoKeys,
    Request,
    absolute_look,
    job_of,
    media_paths,
    watched,
)
from restrip.timeline import BadRange, FrameRange, Key, KeyOutside, Rate


class ProbeClient:
    """A client for a clip of 100 frames, whose jobs end as they are told to."""

    def __init__(self, ends: JobStatus | None = None) -> None:
        self.ends = ends

    def probe(self, paths: list[str]) -> dict[str, Any]:
        return {"frames": 100, "rate": "30000/1001", "duration_s": float(Rate.of(30000, 1001).seconds(100))}

    def watch(self, job_id: str, on_status: Any) -> JobStatus | None:
        return self.ends


def job(**given: Any) -> Any:
    client: Client = ProbeClient()  # type: ignore[assignment]
    return job_of(client, Request("clip.mp4", "neural:19", **given))


def test_keys_count_from_the_range() -> None:
    spec = job(keys=[60, Key(52, prompt="ink")], frames=FrameRange(50, 80))
    assert spec.clip.trim_in == 50
    assert spec.clip.length == 30
    assert spec.keys == (Key(2, prompt="ink"), Key(10))


def test_the_whole_clip_is_the_range_when_none_is_given() -> None:
    spec = job(keys=[0])
    assert (spec.clip.trim_in, spec.clip.length, spec.clip.rate) == (0, 100, Rate.of(30000, 1001))


def test_a_key_every_so_many_frames() -> None:
    assert [key.frame for key in job(every=40).keys] == [0, 40, 80]
    assert [key.frame for key in job(every=40, frames=FrameRange(10, 60)).keys] == [0, 40]


@pytest.mark.parametrize(("rate", "frames"), [("24", 81), ("30000/1001", 100), ("60000/1001", 200), ("12.5", 42)])
def test_another_rate_shows_the_same_seconds(rate: str, frames: int) -> None:
    clip = job(keys=[frames - 1], rate=rate).clip
    assert (clip.rate, clip.length) == (Rate.parse(rate), frames)


def test_keys_and_range_count_at_the_rate_that_is_given() -> None:
    spec = job(keys=[150], rate="60000/1001", frames=FrameRange(120, 190))
    assert (spec.clip.trim_in, spec.clip.length, spec.keys) == (120, 70, (Key(30),))
    with pytest.raises(KeyOutside):
        job(keys=[81], rate="24")
    with pytest.raises(BadRange, match="0 to 80"):
        job(keys=[0], rate="24", frames=FrameRange(0, 82))


def test_a_sequence_shows_each_picture_once_at_every_rate(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").touch()
    client: Client = ProbeClient()  # type: ignore[assignment]
    clip = job_of(client, Request(tmp_path, "neural:19", [0], rate="12")).clip
    assert (clip.rate, clip.length) == (Rate.of(12), 100)


@pytest.mark.parametrize("frames", [FrameRange(90, 101), FrameRange(100, 120), FrameRange(5, 5), FrameRange(-1, 5)])
def test_a_range_outside_the_clip_is_told(frames: FrameRange) -> None:
    with pytest.raises(BadRange, match="0 to 99"):
        job(keys=[0], frames=frames)


def test_a_key_outside_the_range_is_told_in_the_clips_frames() -> None:
    with pytest.raises(KeyOutside, match="frames 50 to 79"):
        job(keys=[49, 60], frames=FrameRange(50, 80))


def test_no_key_is_told() -> None:
    with pytest.raises(NoKeys):
        job(keys=[])


def test_every_frame_mode_needs_no_key() -> None:
    assert job(mode="every", step=2).keys == ()


def test_paths_in_a_looks_name_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wave.jpg").touch()
    client: Client = ProbeClient()  # type: ignore[assignment]
    looks = {look: job_of(client, Request("clip.mp4", look, [0])).look for look in ("painting:wave.jpg", "sd:tiny")}
    assert looks == {"painting:wave.jpg": f"painting:{tmp_path / 'wave.jpg'}", "sd:tiny": "sd:tiny"}


@pytest.mark.parametrize("name", ["keys", "painted"])
def test_painted_keys_are_named_in_the_clips_frames(tmp_path: Path, name: str) -> None:
    client: Client = ProbeClient()  # type: ignore[assignment]
    spec = job_of(client, Request("clip.mp4", f"{name}:{tmp_path}", [60], frames=FrameRange(50, 80)))
    assert spec.settings == {"first_number": 50}
    assert spec.keys == (Key(10),)


def test_a_folder_is_a_sequence_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.png", "a.PNG", "notes.txt"):
        (tmp_path / name).touch()
    assert media_paths(tmp_path) == [str(tmp_path / "a.PNG"), str(tmp_path / "b.png")]


def test_an_empty_name_is_no_folder() -> None:
    with pytest.raises(NoClip):
        media_paths("")


def test_a_file_is_itself() -> None:
    assert media_paths("clip.mp4") == [str(Path("clip.mp4").absolute())]


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000, "~nobody-here/x"])
def test_a_name_that_no_disk_takes_is_the_engines_to_name(name: str) -> None:
    assert media_paths(name) == [str(Path(name).absolute())]
    assert absolute_look(f"painting:{name}") == f"painting:{name}"
    assert job(keys=[0], settings={"style_picture": name}).settings == {"style_picture": name}


@pytest.mark.parametrize("state", ["cancelled", "interrupted", "unknown"])
def test_a_job_that_is_not_done_is_never_taken_for_done(state: str) -> None:
    client: Client = ProbeClient(JobStatus("x", state=state))  # type: ignore[assignment]
    with pytest.raises(JobNotDone, match=state):
        watched(client, "x")


def test_a_failed_job_raises_what_it_failed_with() -> None:
    wire = {"code": "disk-full", "message": "The disk is full.", "remedy": "Make room.", "bad_input": False}
    client: Client = ProbeClient(JobStatus("x", state="failed", error=wire))  # type: ignore[assignment]
    with pytest.raises(RemoteError) as raised:
        watched(client, "x")
    assert raised.value.code == "disk-full"


def test_a_folder_that_cant_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(FolderUnreadable, match="permission denied"):
        media_paths(tmp_path)


def test_without_keys_a_folder_of_painted_ones_says_which_there_are(tmp_path: Path) -> None:
    for number in (5, 50, 60, 200):
        (tmp_path / f"key_{number:05d}.png").touch()

    def frames(**given: Any) -> list[int]:
        client: Client = ProbeClient()  # type: ignore[assignment]
        return [key.frame for key in job_of(client, Request("clip.mp4", f"keys:{tmp_path}", **given)).keys]

    assert frames() == [5, 50, 60]
    assert frames(frames=FrameRange(50, 80)) == [0, 10]
    assert frames(frames=FrameRange(50, 80), settings={"first_number": 5}) == [0]
    assert frames(keys=[50]) == [50]
    with pytest.raises(NoKeys, match="painted keys"):
        frames(frames=FrameRange(70, 80))
