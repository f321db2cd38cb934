from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from job_bench import Hand

from restrip.client.job import JobSpec, Output
from restrip.jobs.tasks.compare_keys import KeyNotInRegister, KeyUnlikeFrame
from restrip.media import Frame, MovieWriter, read_picture, write_picture
from restrip.timeline import ClipRange, Key, Rate

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from moved_keys import Move, moved
from truths import STYLES


@pytest.fixture(scope="module")
def disk(tmp_path_factory, bunny) -> Path:
    """A clip of three equal frames; a key that lies right, one that doesn't, and one of something else."""
    folder = tmp_path_factory.mktemp("compared")
    with MovieWriter(folder / "clip.mkv", bunny.size, Rate.of(25), "ffv1") as writer:
        for _ in range(3):
            writer.write(bunny)
    key = STYLES["recolor"](bunny.rgb)
    for name, picture in {
        "right": key,
        "moved": moved(key, Move(-6, 3))[0],
        "other": np.ascontiguousarray(key[::-1, ::-1]),
        "tiny": np.ascontiguousarray(key[::12, ::12]),
    }.items():
        (folder / name).mkdir()
        write_picture(folder / name / "key_00001.png", Frame(picture))
    return folder


def job(disk: Path, folder: str, name: str = "one", **settings: object) -> JobSpec:
    clip = ClipRange((str(disk / "clip.mkv"),), Rate.of(25), 3)
    look = f"painted:{disk / folder}"
    return JobSpec(name, clip, (Key(1),), look, settings=settings, cuts=(), output=Output(format="png"))


def difference(manifest, disk: Path) -> float:
    made, right = read_picture(manifest.keys[0].picture), read_picture(disk / "right" / "key_00001.png")
    return float(np.abs(made.rgb.astype(int) - right.rgb)[12:-12, 12:-12].mean())


def test_a_moved_key_is_set_back_and_said(disk, tmp_path):
    manifest = Hand(tmp_path).run(job(disk, "moved"))
    assert "The picture of key 1 was moved 6.0 px left and 3.0 px down: set back." in manifest.notes
    assert difference(manifest, disk) < 0.2
    assert manifest.keys[0].facts["corrected"]["warp"]


def test_a_picture_of_the_keys_own_is_compared_too(disk, tmp_path):
    image = str(disk / "moved" / "key_00001.png")
    manifest = Hand(tmp_path).run(replace(job(disk, "right"), keys=(Key(1, image=image),), look="neural:3"))
    assert any("set back" in note for note in manifest.notes) and difference(manifest, disk) < 0.2


def test_off_leaves_it_as_it_is(disk, tmp_path):
    manifest = Hand(tmp_path).run(job(disk, "moved", key_registration="off"))
    assert manifest.notes == () and difference(manifest, disk) > 5
    assert manifest.settings["key_registration"] == "off"


@pytest.mark.parametrize(("folder", "words"), [("other", "can't be compared"), ("tiny", "being only 27x15")])
def test_what_cant_be_compared_is_used_and_said(disk, tmp_path, folder, words):
    manifest = Hand(tmp_path).run(job(disk, folder))
    assert any(words in note for note in manifest.notes)


def test_an_unmoved_key_keeps_its_picture_its_hash_and_its_silence(disk, tmp_path):
    hand = Hand(tmp_path)
    compared = hand.run(job(disk, "right"))
    plain = hand.run(job(disk, "right", "two", key_registration="off"))
    assert compared.notes == () and difference(compared, disk) == 0
    assert plain.counts["keys_cached"] == 1 and plain.counts["segments_rendered"] == 0


def test_what_is_off_opens_no_clip(disk, tmp_path, monkeypatch):
    monkeypatch.setattr("restrip.jobs.tasks.compare_keys.Window", None)
    assert Hand(tmp_path).run(job(disk, "moved", key_registration="off")).notes == ()


def test_strict_keys_stop_at_one_of_another_clip(disk, tmp_path):
    with pytest.raises(KeyUnlikeFrame, match="key 1 can't be compared with its frame"):
        Hand(tmp_path).run(job(disk, "other", key_registration="strict"))


def test_a_key_that_was_cut_to_another_shape_is_not_stretched(disk, tmp_path, bunny):
    """The middle of the frame, at its own scale: its pixels stay its own."""
    cut = np.ascontiguousarray(read_picture(disk / "right" / "key_00001.png").rgb[:, 40:-40])
    write_picture(tmp_path / "1.png", Frame(cut))
    spec = replace(job(disk, "right"), look=f"painted:{tmp_path}")
    manifest = Hand(tmp_path / "state").run(spec)
    made = read_picture(manifest.keys[0].picture).rgb
    assert np.array_equal(made[:, 50:-50], cut[:, 10:-10])
    assert any("shows a part of the frame" in note for note in manifest.notes)
    assert not any("changes its shape" in note for note in manifest.notes)


def test_strict_keys_stop_the_job_beyond_the_limit(disk, tmp_path):
    hand = Hand(tmp_path)
    with pytest.raises(KeyNotInRegister, match=r"key 1 is moved 6.0 px left.*6.7 px.* 4 px are the most"):
        hand.run(job(disk, "moved", key_registration="strict"))
    manifest = hand.run(job(disk, "moved", "two", key_registration="strict", key_tolerance=8.0))
    assert difference(manifest, disk) < 0.2


def test_what_was_found_is_kept(disk, tmp_path, monkeypatch):
    hand = Hand(tmp_path)
    first = hand.run(job(disk, "moved"))
    monkeypatch.setattr("restrip.jobs.tasks.compare_keys.compare", None)
    second = hand.run(job(disk, "moved", "two"))
    assert second.notes == first.notes and second.counts["keys_rendered"] == 0


def test_the_preset_for_edit_models_puts_the_frame_back(disk, tmp_path, bunny):
    (tmp_path / "edited").mkdir()
    edited = np.clip(bunny.rgb.astype(np.float32) * 0.96 + 6, 0, 255).round().astype(np.uint8)
    edited[60:110, 120:180] = STYLES["recolor"](bunny.rgb)[60:110, 120:180]
    write_picture(tmp_path / "edited" / "1.png", Frame(edited))
    spec = replace(job(disk, "right", keys_from="edit model"), look=f"painted:{tmp_path / 'edited'}")
    manifest = Hand(tmp_path / "state").run(spec)
    made = read_picture(manifest.keys[0].picture).rgb
    assert np.array_equal(made[:, :90], bunny.rgb[:, :90]) and np.array_equal(made[:40], bunny.rgb[:40])
    assert np.abs(made[80, 150].astype(int) - bunny.rgb[80, 150]).max() > 20
    assert manifest.settings["keys_from"] == "edit model"
