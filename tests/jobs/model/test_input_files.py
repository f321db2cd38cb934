"""Files that are replaced in the middle of a job: by others of the same size, and with the time of change set back."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from job_bench import Hand, Little

from restrip.client.job import JobSpec, Output
from restrip.jobs.frame_source import Window
from restrip.jobs.model.input_files import SourceChanged, Watch, look_at
from restrip.jobs.tasks.prepare import saved_plan
from restrip.media import Frame
from restrip.timeline import Key


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path / "state")


def swap(path: Path) -> None:
    """Another file in its place, of the same size and time of change."""
    seen, data = path.stat(), bytearray(path.read_bytes())
    other = path.with_name(f"other{path.suffix}")
    if path.suffix == ".png":
        picture(other, 7)
    else:
        for n in range(len(data) - max(1, len(data) // 10), len(data)):
            data[n] ^= 0x55
        other.write_bytes(bytes(data))
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.replace(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (seen.st_size, seen.st_mtime_ns)


def picture(path: Path, value: int) -> Path:
    cv2.imwrite(str(path), np.full((48, 64, 3), value, np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 0])
    return path


@pytest.fixture
def clip(little: Little, tmp_path: Path) -> Path:
    made = tmp_path / "clip.mkv"
    made.write_bytes(little.clip.read_bytes())
    return made


def job(little: Little, clip: Path, **more: object) -> JobSpec:
    spec = little.job("job-1", 2, 6, length=8)
    return replace(spec, clip=replace(spec.clip, paths=(str(clip),)), **more)


def keys_of(hand: Hand, spec: JobSpec) -> None:
    hand.put(spec)
    hand.task("keys", spec.job_id, keys=hand.task("prepare", spec.job_id)["missing_keys"])


def entries(hand: Hand, kind: str) -> int:
    return len(list((hand.state / "cache" / kind).glob("??/*")))


Given = Callable[[Path, Little], tuple[JobSpec, Path]]


def with_source(tmp_path: Path, little: Little) -> tuple[JobSpec, Path]:
    return job(little, tmp_path / "clip.mkv"), tmp_path / "clip.mkv"


def with_key_picture(tmp_path: Path, little: Little) -> tuple[JobSpec, Path]:
    path = picture(tmp_path / "key.png", 90)
    return job(little, little.clip, keys=(Key(2, image=str(path)), Key(6))), path


def with_matte(tmp_path: Path, little: Little) -> tuple[JobSpec, Path]:
    path = picture(tmp_path / "m,atte.png", 250)
    return job(little, little.clip, matte=str(path)), path


def with_painted_key(tmp_path: Path, little: Little) -> tuple[JobSpec, Path]:
    (tmp_path / "painted").mkdir()
    paths = [picture(tmp_path / "painted" / f"{n}.png", 20 * n) for n in (2, 6, 7)]
    return job(little, little.clip, look=f"keys:{tmp_path / 'painted'}"), paths[1]


def with_painting(tmp_path: Path, little: Little) -> tuple[JobSpec, Path]:
    path = picture(tmp_path / "wave.png", 130)
    return job(little, little.clip, look=f"painting:{path}", settings={"stroke_size": 4.0}), path


def with_control_picture(tmp_path: Path, little: Little) -> tuple[JobSpec, Path]:
    (tmp_path / "depth").mkdir()
    path = picture(tmp_path / "depth" / "2.png", 30)
    return job(little, little.clip, look="sd:tiny", settings={"control_file": str(path.parent)}), path


GIVEN = [with_source, with_key_picture, with_matte, with_painted_key, with_painting, with_control_picture]


@pytest.mark.parametrize("given", GIVEN, ids=lambda given: given.__name__)
def test_what_is_replaced_before_the_keys_is_told(
    given: Given, hand: Hand, little: Little, clip: Path, tmp_path: Path
) -> None:
    spec, path = given(tmp_path, little)
    hand.put(spec)
    found = hand.task("prepare", "job-1")
    swap(path)
    with pytest.raises(SourceChanged, match=path.name):
        hand.task("keys", "job-1", keys=found["missing_keys"])
    assert entries(hand, "keys") == 0
    # Planned anew it is another key: nothing of the old file is taken for it.
    hand.put(replace(spec, job_id="job-2"))
    hand.task("prepare", "job-2")
    before, after = (saved_plan(hand.folder(name))[0] for name in ("job-1", "job-2"))
    assert set(before.key_hashes) - set(after.key_hashes) or path.name == "m,atte.png"
    assert before.segment_tasks[1].hash not in {segment_task.hash for segment_task in after.segment_tasks}, (
        "between both keys"
    )


@pytest.mark.parametrize("given", [with_source, with_matte], ids=lambda given: given.__name__)
def test_what_is_replaced_between_keys_and_segments_is_told(
    given: Given, hand: Hand, little: Little, clip: Path, tmp_path: Path
) -> None:
    spec, path = given(tmp_path, little)
    keys_of(hand, spec)
    swap(path)
    with pytest.raises(SourceChanged, match=path.name):
        hand.task("part", "job-1", part=0)
    assert entries(hand, "segments") == 0


def test_what_is_replaced_before_the_strips_are_written_is_told(hand: Hand, little: Little, clip: Path) -> None:
    """Their sound, the preview and the sheet are made of the source."""
    spec = job(little, clip, output=Output(preview=True))
    keys_of(hand, spec)
    for n in range(3):
        hand.task("part", "job-1", part=n)
    swap(clip)
    with pytest.raises(SourceChanged):
        hand.task("finish", "job-1", retries=[], made={})
    assert not (hand.folder("job-1") / "manifest.json").exists()


@pytest.mark.parametrize("kind", ["keys", "part"])
def test_what_is_replaced_while_it_is_read_is_told_and_not_kept(
    kind: str, hand: Hand, little: Little, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = job(little, clip)
    hand.put(spec)
    found = hand.task("prepare", "job-1")
    if kind == "part":
        hand.task("keys", "job-1", keys=found["missing_keys"])
    read, seen = Window.frame, list[int]()

    def frame(self: Window, n: int) -> Frame:
        if not seen:
            swap(clip)
        seen.append(n)
        return read(self, n)

    monkeypatch.setattr(Window, "frame", frame)
    body = {"keys": found["missing_keys"]} if kind == "keys" else {"part": 0}
    with pytest.raises(SourceChanged):
        hand.task(kind, "job-1", **body)
    assert seen and entries(hand, "segments") == 0 and entries(hand, "keys") == (2 if kind == "part" else 0)


def test_a_picture_of_no_key_may_be_repainted_meanwhile(hand: Hand, little: Little, tmp_path: Path) -> None:
    spec, path = with_painted_key(tmp_path, little)
    hand.put(spec)
    found = hand.task("prepare", "job-1")
    picture(path.with_name("7.png"), 1)
    assert hand.task("keys", "job-1", keys=found["missing_keys"])["rendered"] == 2


def test_a_file_that_was_only_touched_goes_on(hand: Hand, little: Little, clip: Path) -> None:
    """Its rights, its time of change, a copy of itself in its place: the content is what was planned."""
    spec = job(little, clip)
    hand.put(spec)
    found = hand.task("prepare", "job-1")
    clip.chmod(0o600)
    os.utime(clip, ns=(1, 1))
    hand.task("keys", "job-1", keys=found["missing_keys"])
    copy = clip.with_name("copy")
    copy.write_bytes(clip.read_bytes())
    copy.replace(clip)
    assert hand.task("part", "job-1", part=0)["rendered"] == 1


def test_a_file_that_vanishes_while_it_is_read_is_told(clip: Path) -> None:
    seen = look_at({"source": [str(clip)]})
    watch = Watch({"source": [str(clip)]}, seen)
    clip.unlink()
    with pytest.raises(SourceChanged, match="deleted"):
        watch.check()


def test_a_lora_that_was_replaced_is_another_model(hand: Hand, little: Little, tmp_path: Path) -> None:
    """Of the same name, size and time; only headers are read for the plan."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    path = tmp_path / "a, b.safetensors"
    layer = "lora_unet_down_blocks_0_attentions_0_proj_in"
    save_file({f"{layer}.lora_down.weight": torch.ones(4, 8), f"{layer}.lora_up.weight": torch.ones(8, 4)}, path)
    spec = job(little, little.clip, look="sd:tiny", settings={"lora": f"{path}:0.5"})
    hand.put(spec)
    found = hand.task("prepare", "job-1")
    swap(path)
    with pytest.raises(SourceChanged, match="a, b"):
        hand.task("keys", "job-1", keys=found["missing_keys"])
    assert entries(hand, "keys") == 0
