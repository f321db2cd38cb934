"""Keys, parts and their hashes: what a change touches is what is rendered again."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from restrip.client.job import Output
from restrip.jobs.model.cache_keys import Known
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.input_files import look_at
from restrip.jobs.model.plan import Plan
from restrip.jobs.model.planner import make_plan, size_within
from restrip.looks import LookTraits
from restrip.media.files import MediaMissing
from restrip.propagate.device_choice import NoGpu
from restrip.timeline import ClipRange, FrameRange, Key, Rate

SIZE = (640, 360)
ANCHORED = LookTraits(needs_anchor=True)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"movie")
    return path


def job(clip: Path, frames: tuple[int, ...] = (10, 40, 70), **more: object) -> Job:
    spec = Job("job-1", ClipRange((str(clip),), Rate.of(25), 100), tuple(Key(n) for n in frames), "neural:1", cuts=())
    return replace(spec, **more)  # type: ignore[arg-type]


def plan_of(spec: Job, cuts: tuple[int, ...] = (), **known: object) -> Plan:
    return make_plan(spec, Known(SIZE, cuts, known.pop("look", {"look": "neural:1"}), **known))  # type: ignore[arg-type]


def shared(a: Plan, b: Plan) -> tuple[int, int]:
    """How many keys and parts of `b` are cached when `a` was rendered."""
    keys = len(set(b.key_hashes) & set(a.key_hashes))
    return keys, len(
        {segment_task.hash for segment_task in b.segment_tasks}
        & {segment_task.hash for segment_task in a.segment_tasks}
    )


def filed(plan: Plan, device: str) -> set[str]:
    """Where the parts of a plan are found that were carried on a device."""
    return {segment_task.filed(device, plan.baked) for segment_task in plan.segment_tasks}


def test_parts_are_the_segments(clip: Path) -> None:
    plan = plan_of(job(clip))
    assert [segment_task.frames for segment_task in plan.segment_tasks] == [
        FrameRange(*r) for r in ((0, 10), (10, 40), (40, 70), (70, 100))
    ]
    assert [segment_task.keys for segment_task in plan.segment_tasks] == [(0,), (0, 1), (1, 2), (2,)]
    assert [strip.segments for strip in plan.strips] == [(0, 1), (1, 2), (2, 3)]
    assert [(s.left, s.right, s.frames) for s in plan.seams] == [
        (0, 1, FrameRange(10, 40)),
        (1, 2, FrameRange(40, 70)),
    ]


def test_a_plan_is_read_back(clip: Path) -> None:
    for spec in (job(clip), job(clip, mode="every", step=7, output=Output(baked=True))):
        plan = plan_of(spec, cuts=(33,), traits=ANCHORED, notes=("n",))
        assert Plan.from_json(plan.to_json()) == plan


def test_the_same_job_is_all_cached(clip: Path) -> None:
    other = job(clip, job_id="job-2", project="p", priority=3, output=Output(folder="/elsewhere", preview=True))
    assert shared(plan_of(job(clip)), plan_of(other)) == (3, 4)


def test_moving_one_key_renders_it_and_two_segments(clip: Path) -> None:
    assert shared(plan_of(job(clip)), plan_of(job(clip, (10, 45, 70)))) == (2, 2)


def test_a_key_more_divides_one_segment(clip: Path) -> None:
    assert shared(plan_of(job(clip)), plan_of(job(clip, (10, 40, 55, 70)))) == (3, 3)


def test_moving_the_last_key_leaves_the_rest(clip: Path) -> None:
    assert shared(plan_of(job(clip)), plan_of(job(clip, (10, 40, 75)))) == (2, 2)


def test_trimming_the_clip_keeps_what_lies_between_the_same_keys(clip: Path) -> None:
    whole = job(clip)
    trimmed = replace(whole, clip=replace(whole.clip, trim_in=5, length=90), keys=tuple(Key(n) for n in (5, 35, 65)))
    # The two segments between keys; the edges are shorter now.
    assert shared(plan_of(whole), plan_of(trimmed)) == (3, 2)


def test_where_the_clip_lies_on_the_timeline_changes_nothing(clip: Path) -> None:
    spec = job(clip)
    assert shared(plan_of(spec), plan_of(replace(spec, clip=replace(spec.clip, timeline_start=500, name="x")))) == (
        3,
        4,
    )


@pytest.mark.parametrize(
    ("change", "keys", "segment_tasks"),
    [
        ({"output": Output(fade=4)}, 3, 0),
        ({"output": Output(format="prores4444")}, 3, 0),
        ({"output": Output(long_side=320)}, 0, 0),
        ({"settings": {"lean": 0.5}}, 3, 0),
    ],
)
def test_what_each_setting_touches(clip: Path, change: dict[str, object], keys: int, segment_tasks: int) -> None:
    assert shared(plan_of(job(clip)), plan_of(job(clip, **change))) == (keys, segment_tasks)


def test_a_plan_doesnt_claim_where_parts_are_carried(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether there is a GPU is for the worker of each part to know, and not for the one that plans."""
    monkeypatch.setattr("restrip.propagate.device_choice.gpu_mib", lambda: 24_000)
    auto, cpu, gpu = (plan_of(job(clip, settings={"propagate_on": on})) for on in ("auto", "cpu", "cuda"))
    assert (auto.devices, cpu.devices, gpu.devices) == (("cuda", "cpu"), ("cpu",), ("cuda",))
    assert filed(auto, "cpu") == filed(cpu, "cpu") and filed(auto, "cuda") == filed(gpu, "cuda")
    assert not filed(cpu, "cpu") & filed(gpu, "cuda")
    monkeypatch.setattr("restrip.propagate.device_choice.gpu_mib", lambda: 0)
    assert plan_of(job(clip)) == auto
    with pytest.raises(NoGpu):
        plan_of(job(clip, settings={"propagate_on": "cuda"}))


def test_the_plan_of_an_older_version_is_read(clip: Path) -> None:
    plan = plan_of(job(clip, settings={"propagate_on": "cpu"}))
    body = plan.to_json()
    del body["devices"], body["inputs"]
    assert Plan.from_json(body) == replace(plan, inputs={})


def test_another_look_or_version_makes_all_anew(clip: Path) -> None:
    assert shared(plan_of(job(clip)), plan_of(job(clip), look={"look": "neural:1", "version": 2})) == (0, 0)


def test_a_changed_file_makes_all_anew(clip: Path) -> None:
    """Also when nothing but its content tells: the size is the same, and somebody set the time back."""
    seen = clip.stat()
    before = plan_of(job(clip))
    clip.write_bytes(b"moviE")
    os.utime(clip, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert shared(before, plan_of(job(clip))) == (0, 0)


def test_a_file_that_was_only_touched_or_moved_is_found_again(clip: Path) -> None:
    before = plan_of(job(clip))
    os.utime(clip, ns=(1, 1))
    moved = clip.rename(clip.with_name("moved.mp4"))
    assert shared(before, plan_of(job(moved))) == (3, 4)


def test_the_frames_time_decides_and_not_only_its_number(clip: Path) -> None:
    spec = job(clip)
    later = replace(spec, clip=replace(spec.clip, offset_s=Fraction(1, 50)))
    assert shared(plan_of(spec), plan_of(later)) == (0, 0)


def test_baked_output_asks_for_its_own_files_under_the_same_part(clip: Path) -> None:
    plain, baked = plan_of(job(clip)), plan_of(job(clip, output=Output(baked=True)))
    assert shared(plain, baked) == (3, 4)
    assert (plain.baked, baked.baked) == (False, True)
    assert (
        plain.segment_tasks[0].filed("cpu", True)
        != plain.segment_tasks[0].filed("cpu", False)
        == plain.segment_tasks[0].hash
    )


def test_prompt_and_seed_are_the_jobs_or_the_keys(clip: Path) -> None:
    spec = job(clip, look="sd:tiny", settings={"prompt": "a", "seed": 7})
    assert spec.asked.look.explicit(Key(3)) == Key(3, prompt="a", seed=7)
    assert spec.asked.look.explicit(Key(3, prompt="b", seed=0)) == Key(3, prompt="b", seed=0)
    assert spec.asked.look.neutral().values["prompt"] == "" and spec.asked.look.neutral().values["seed"] != 7
    with_seed = job(clip, (10, 40, 70), look="sd:tiny", settings={"prompt": "a"})
    keys = (Key(10, seed=7), Key(40, seed=7), Key(70, seed=7))
    # A seed that was tried on a key costs nothing again as the job's seed.
    assert shared(plan_of(replace(with_seed, keys=keys)), plan_of(spec)) == (3, 4)


def test_a_look_without_prompts_ignores_them(clip: Path) -> None:
    assert job(clip).asked.look.explicit(Key(3, prompt="x", seed=1)) == Key(3)
    named = job(clip, keys=(Key(10, prompt="x", name="K: x"), Key(40), Key(70)))
    assert shared(plan_of(job(clip)), plan_of(named)) == (3, 4)


def test_a_key_from_a_picture_depends_on_its_content(clip: Path, tmp_path: Path) -> None:
    painted = tmp_path / "painted.png"
    painted.write_bytes(b"1")
    spec = job(clip, keys=(Key(10, image=str(painted)), Key(40), Key(70)))
    before = plan_of(spec)
    assert shared(plan_of(job(clip)), before) == (2, 2)
    assert shared(before, plan_of(spec, look={"look": "other"})) == (1, 1)
    painted.write_bytes(b"2")
    assert shared(before, plan_of(spec)) == (2, 2)
    painted.unlink()
    with pytest.raises(MediaMissing):
        plan_of(spec)


def test_the_others_are_made_against_the_anchor(clip: Path) -> None:
    anchored = plan_of(job(clip), traits=ANCHORED)
    assert anchored.anchor == 0
    moved_last = plan_of(job(clip, (10, 40, 71)), traits=ANCHORED)
    moved_anchor = plan_of(job(clip, (11, 40, 70)), traits=ANCHORED)
    assert len(set(anchored.key_hashes) & set(moved_last.key_hashes)) == 2
    assert not set(anchored.key_hashes) & set(moved_anchor.key_hashes)
    assert plan_of(job(clip, (10,)), traits=ANCHORED).anchor is None


def test_a_cut_is_a_border_and_a_shot_without_a_key_gets_one(clip: Path) -> None:
    plan = plan_of(job(clip, (10, 20)), cuts=(50,))
    assert [key.frame for key in plan.keys] == [10, 20, 75]
    assert all(segment_task.frames.end <= 50 or segment_task.frames.first >= 50 for segment_task in plan.segment_tasks)
    assert any("shot around frame 75" in note for note in plan.notes)
    assert (plan.seams[1].left, plan.seams[1].right, plan.seams[1].frames) == (1, 2, FrameRange(50, 50))


def test_without_a_key_the_middle_frame_is_one(clip: Path) -> None:
    plan = plan_of(job(clip, ()))
    assert [key.frame for key in plan.keys] == [50]
    assert any("middle frame" in note for note in plan.notes)


def test_every_nth_frame_gives_one_strip_a_shot(clip: Path) -> None:
    plan = plan_of(job(clip, (), mode="every", step=4), cuts=(50,))
    assert [key.frame for key in plan.keys] == [*range(0, 50, 4), *range(50, 100, 4)]
    assert [strip.frames for strip in plan.strips] == [FrameRange(0, 50), FrameRange(50, 100)]
    assert [seam.frames for seam in plan.seams] == [FrameRange(50, 50)]
    assert all(len(segment_task.frames) <= 48 for segment_task in plan.segment_tasks)
    covered = [n for segment_task in plan.segment_tasks for n in segment_task.frames]
    assert covered == list(range(100))
    assert not any(segment_task.frames.first < 50 < segment_task.frames.end for segment_task in plan.segment_tasks)
    assert plan.baked


def test_one_key_changed_in_every_mode_renders_one_part(clip: Path) -> None:
    spec = job(clip, (), mode="every", step=4)
    changed = replace(spec, keys=(Key(20, prompt="x"),), look="sd:tiny")
    assert shared(plan_of(replace(spec, look="sd:tiny")), plan_of(changed)) == (
        24,
        len(plan_of(spec).segment_tasks) - 1,
    )


def test_an_odd_size_goes_into_a_format_that_takes_it(clip: Path) -> None:
    plan = make_plan(job(clip), Known((641, 361), (), {}))
    assert plan.format == "prores4444"
    assert any("641x361" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [
        ((1920, 1080), 0, (1920, 1080)),
        ((1920, 1080), 640, (640, 360)),
        ((1080, 1920), 640, (360, 640)),
        ((640, 272), 320, (320, 136)),
        ((333, 111), 100, (100, 34)),
        ((640, 360), 640, (640, 360)),
        ((640, 360), 9999, (640, 360)),
        ((4000, 10), 100, (100, 2)),
    ],
)
def test_size_within(size: tuple[int, int], long_side: int, expected: tuple[int, int]) -> None:
    assert size_within(size, long_side) == expected


def test_a_source_that_isnt_there(tmp_path: Path) -> None:
    with pytest.raises(MediaMissing):
        look_at({"source": [str(tmp_path / "none.mp4")]})


def test_a_timeline_at_a_rate_without_timecode_says_what_can_be_made_of_it(clip: Path) -> None:
    slow = replace(job(clip).clip, rate=Rate.of(8))
    asked = replace(job(clip, output=Output(otio="/out/a.otio")), clip=slow)
    assert any("EDL" in note and "MLT" in note and "rate 24" in note for note in plan_of(asked).notes)
    assert not any("EDL" in note for note in plan_of(replace(job(clip), clip=slow)).notes)
    assert not any("EDL" in note for note in plan_of(job(clip, output=Output(otio="/out/a.otio"))).notes)
