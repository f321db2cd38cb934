"""Room on the disk: asked for before a job, and kept to when it runs out in the middle."""

from __future__ import annotations

import errno
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from job_bench import Hand, Little

from restrip.client.job import Output
from restrip.jobs.model.cache_keys import Known
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.plan import Plan
from restrip.jobs.model.planner import make_plan
from restrip.jobs.model.store import Record
from restrip.jobs.resources import disk
from restrip.jobs.resources.disk import BYTES_A_PIXEL, NoRoom, Room, check_room, room_of
from restrip.media.av.mux import Sink
from restrip.media.files import DiskFull
from restrip.media.formats import FORMATS
from restrip.storage import json_files


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path / "state")


def planned(little: Little, **output: Any) -> Plan:
    """Keys at 4 and 16 of 24 frames, a million pixels each."""
    spec = Job.of(little.job("job-1", 4, 16, output=Output(**output)))
    return make_plan(spec, Known((1024, 1024), (), {"look": "painted"}))


def test_what_a_job_takes(little: Little) -> None:
    """Parts of 4, 12 and 8 frames, the middle one in two renditions; strips of 16 and 20 frames."""
    plan, a_pixel = planned(little), BYTES_A_PIXEL["h264"][0]
    assert room_of(plan, [0, 1, 2]) == Room((4 + 2 * 12 + 8) * a_pixel, pytest.approx(36 * a_pixel))
    assert room_of(plan, []) == Room(0, pytest.approx(36 * a_pixel)), "strips are written in any case"
    baked = room_of(planned(little, baked=True), [1], baked=True)
    assert baked == Room(pytest.approx(3 * 12 * a_pixel), pytest.approx((36 + 24) * a_pixel))
    assert room_of(plan, [], preview=True).mib > room_of(plan, []).mib


def test_depth_and_transparency_take_more(little: Little) -> None:
    assert set(BYTES_A_PIXEL) == set(FORMATS)
    plan = planned(little, format="ffv1")
    deep = room_of(replace(plan, deep=True), [0])
    assert room_of(plan, [0]).mib < deep.mib < room_of(replace(plan, deep=True, alpha=True), [0]).mib


def test_pictures_are_linked_on_one_disk(little: Little, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free_mib", lambda folder: 1000.0)
    check_room(tmp_path, tmp_path, Room(500, 800), planned(little, format="png"))
    with pytest.raises(NoRoom) as caught:
        check_room(tmp_path, tmp_path, Room(500, 800), planned(little))
    assert caught.value.detail == {"path": str(tmp_path), "need_mib": 1300, "spare_mib": 64, "free_mib": 1000}
    assert "1300 MiB" in caught.value.message and "64 MiB that are kept spare" in caught.value.message
    assert "364 MiB more" in caught.value.remedy, "with the spare ones it is enough then"
    monkeypatch.setattr(disk, "free_mib", lambda folder: 60.0)
    with pytest.raises(NoRoom, match=r"about 0\.5 MiB .* 60 MiB are free.*Make room for 5 MiB more"):
        check_room(tmp_path, tmp_path, Room(0.2, 0.3), planned(little))


def test_a_guests_job_leaves_more_free(hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free_mib", lambda _: 1000.0)
    for job_id, guest in (("own-1", ""), ("theirs-1", "grant-1")):
        hand.put(little.job(job_id, 0))
        json_files.write_json(hand.folder(job_id) / "state.json", asdict(Record(job_id, guest=guest)))
    assert hand.task("prepare", "own-1")
    with pytest.raises(NoRoom, match="beside 1024 MiB"):
        hand.task("prepare", "theirs-1")


def test_a_job_without_room_is_refused_before_it_starts(
    hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free_mib", lambda folder: 64.0)
    with pytest.raises(NoRoom) as caught:
        hand.run(little.job("job-1", 4, 16))
    assert "resume" in caught.value.remedy
    assert not (hand.state / "cache" / "keys").exists(), "nothing was rendered"
    monkeypatch.setattr(disk, "free_mib", lambda folder: 1000.0)
    assert hand.run(little.job("job-2", 4, 16)).strips


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_in_the_middle_keeps_what_is_finished(
    hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """The third part's second frame finds no room; afterwards that part alone is rendered."""
    job = little.job("job-1", 4, 16)
    room_for = iter(range(4 + 12 * 2 + 1))
    write = Sink.write

    def full(self: Sink, frame: Any) -> None:
        if next(room_for, None) is None:
            raise OSError(code, os.strerror(code))
        write(self, frame)

    monkeypatch.setattr(Sink, "write", full)
    with pytest.raises(DiskFull) as caught:
        hand.run(job)
    assert "resume" in caught.value.remedy
    assert not list((hand.state / "cache" / "incoming").iterdir()), "nothing half written stays"
    monkeypatch.undo()
    counts = hand.again().run(replace(job, job_id="job-2")).counts
    assert (counts["keys_cached"], counts["segments_cached"], counts["segments_rendered"]) == (2, 2, 1)


def test_a_disk_that_is_full_when_strips_are_joined(
    hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = little.job("job-1", 4, 16, output=Output(folder=str(tmp_path / "out")))

    def full(*_: Any) -> None:
        raise DiskFull(str(tmp_path / "out" / "strip"))

    with monkeypatch.context() as patched:
        patched.setattr("restrip.jobs.tasks.finish.join", full)
        with pytest.raises(DiskFull):
            hand.run(job)
    assert not list((tmp_path / "out").iterdir())
    counts = hand.run(replace(job, job_id="job-2")).counts
    assert (counts["segments_cached"], counts["segments_rendered"]) == (3, 0)
