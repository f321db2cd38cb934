"""What a draft's size is, and that draft and full job know nothing of each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from restrip.client.job import Output
from restrip.jobs.model.cache_keys import Known
from restrip.jobs.model.draft import LEAST_SIDE_PX, draft_size
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.plan import Plan
from restrip.jobs.model.planner import make_plan
from restrip.timeline import ClipRange, Key, Rate


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), (640, 360)),
        ((3840, 2160), (1280, 720)),
        ((2160, 3840), (720, 1280)),
        ((1280, 720), (426, 240)),
        ((640, 272), (214, 90)),
        ((240, 180), (96, 72)),
        ((180, 240), (72, 96)),
        ((80, 72), (80, 72)),
        ((64, 48), (64, 48)),
    ],
)
def test_a_third_but_never_too_small(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert draft_size(size) == expected


@pytest.mark.parametrize("size", [(4096, 1716), (854, 480), (1001, 563), (5000, 260), (131, 997), (7680, 4320)])
def test_any_draft_has_even_sides_and_the_pictures_shape(size: tuple[int, int]) -> None:
    width, height = draft_size(size)
    assert width % 2 == height % 2 == 0 and LEAST_SIDE_PX <= min(width, height) <= max(LEAST_SIDE_PX, min(size))
    assert width / height == pytest.approx(size[0] / size[1], rel=0.01)


def plan_of(spec: Job) -> Plan:
    return make_plan(spec, Known((1920, 1080), (), {"look": "neural:1"}))


@pytest.fixture
def spec(tmp_path: Path) -> Job:
    (tmp_path / "clip.mp4").write_bytes(b"movie")
    clip = ClipRange((str(tmp_path / "clip.mp4"),), Rate.of(25), 100)
    return Job("job-1", clip, (Key(10), Key(40)), "neural:1", cuts=())


def test_the_same_keys_and_segments_and_nothing_in_common_in_the_cache(spec: Job) -> None:
    full, draft = plan_of(spec), plan_of(replace(spec, output=Output(draft=True)))
    assert (draft.size, draft.full_size, draft.key_size) == ((640, 360), (1920, 1080), (1920, 1080))
    assert draft.draft and draft.shrunk == pytest.approx(1 / 3)
    assert not full.draft and full.key_size == full.size and full.shrunk == 1
    assert draft.keys == full.keys and draft.seams == full.seams
    assert [task.segments for task in draft.segment_tasks] == [task.segments for task in full.segment_tasks]
    assert not set(draft.key_hashes) & set(full.key_hashes)
    assert not {task.hash for task in draft.segment_tasks} & {task.hash for task in full.segment_tasks}
    assert Plan.from_json(draft.to_json()) == draft


def test_a_draft_is_no_smaller_job_of_the_same_size(spec: Job) -> None:
    """It is made from other frames, with other means."""
    draft, small = (plan_of(replace(spec, output=made)) for made in (Output(draft=True), Output(long_side=640)))
    assert draft.size == small.size
    assert not set(draft.key_hashes) & set(small.key_hashes)
    assert not {task.hash for task in draft.segment_tasks} & {task.hash for task in small.segment_tasks}


def test_a_draft_of_a_smaller_job_is_a_third_of_that(spec: Job) -> None:
    plan = plan_of(replace(spec, output=Output(draft=True, long_side=960)))
    assert (plan.size, plan.key_size) == ((320, 180), (960, 540))
