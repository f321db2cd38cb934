"""What a job asks for, typed: checked where it is taken in, and nowhere else."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from restrip.client.job import JobSpec, Output
from restrip.client.setting import BadSetting, Setting
from restrip.jobs.model.cache_keys import Known
from restrip.jobs.model.effective_settings import ONLY_CHANGED, Job, MatteSettings, SourceSettings
from restrip.jobs.model.planner import make_plan
from restrip.jobs.model.settings_schema import MATTE_SETTINGS, SOURCE_SETTINGS
from restrip.jobs.model.validation import read_job
from restrip.looks import UnknownLook
from restrip.propagate import PropagateSettings
from restrip.propagate.settings import PROPAGATE_SETTINGS
from restrip.timeline import ClipRange, Key, Rate

KEYS = (Key(0), Key(10, prompt="a dog", seed=3))


def spec(look: str = "neural:1", clip: str = "/clip.mp4", **settings: Any) -> JobSpec:
    return JobSpec("job-1", ClipRange((clip,), Rate.of(25), 20), KEYS, look, settings, cuts=())


def test_each_concern_has_its_own_and_the_defaults_of_the_schema() -> None:
    asked = Job.of(spec()).asked
    assert asked.motion == PropagateSettings(lean=0.1, shading=1.0, device="auto", graphs=True)
    assert asked.matte == MatteSettings(4.0, None)
    assert asked.source == SourceSettings(strict=False, stream=0, gaps="hold")
    assert asked.look.values == {"style_strength": 1.0, "stroke_size": 1.0, "keep_color": False, "anchor_file": ""}
    assert (asked.look.family.prefix, asked.look.argument) == ("neural", "1")


def test_what_is_given_is_typed_and_recorded_as_it_was_written() -> None:
    """A whole number for one with a fraction is the same setting, and another text in a hash and a manifest."""
    asked = Job.of(spec(lean=1, matte_feather=2, video_stream=3, strict=True, gaps="close", stroke_size=2)).asked
    assert (asked.motion.lean, type(asked.motion.lean)) == (1.0, float)
    assert asked.matte == MatteSettings(2.0, 2) and type(asked.matte.feather_px) is float
    assert asked.source == SourceSettings(True, 3, "close")
    assert type(asked.recorded["lean"]) is int and type(asked.look.values["stroke_size"]) is float
    # Some are recorded only where they are asked to be otherwise.
    others = [s.key for s in (*PROPAGATE_SETTINGS, *MATTE_SETTINGS, *SOURCE_SETTINGS) if s.key not in ONLY_CHANGED]
    assert list(asked.whole) == ["style_strength", "stroke_size", "keep_color", "anchor_file", *others]
    changed = Job.of(spec(highlights="off", propagate_graphs=False)).asked.recorded
    assert (changed["highlights"], changed["propagate_graphs"]) == ("off", False)


def test_settings_of_other_looks_and_of_older_engines_are_left_alone() -> None:
    job = Job.of(spec(prompt="a fox", gone_since="0.1"))
    assert "prompt" not in job.asked.whole and "gone_since" not in job.asked.whole
    assert job.settings == {"prompt": "a fox", "gone_since": "0.1"}, "the job stays what was asked"


@pytest.mark.parametrize(
    ("given", "named"),
    [({"lean": 7}, "lean"), ({"stroke_size": "x"}, "stroke_size"), ({"gaps": "?"}, "gaps"), ({"strict": 1}, "strict")],
)
def test_values_that_cannot_be_are_refused_where_a_job_is_made(given: dict[str, Any], named: str) -> None:
    with pytest.raises(BadSetting) as refused:
        Job.of(spec(**given))
    assert refused.value.detail["setting"] == named
    with pytest.raises(BadSetting):
        replace(Job.of(spec()), settings=given)
    with pytest.raises(UnknownLook):
        Job.of(spec("oil:1"))


def test_a_job_is_the_spec_that_it_was_made_of() -> None:
    plain = replace(spec(lean=1), output=Output(format="prores4444"), mode="every", step=5, priority=3, project="p")
    job = Job.of(plain)
    assert job.to_json() == plain.to_json() and JobSpec.from_json(job.to_json()) == plain
    moved = replace(job, settings={"lean": 0.5})
    assert moved.asked.motion.lean == 0.5 and job.asked.motion.lean == 1.0
    with pytest.raises(FrozenInstanceError):
        job.asked = moved.asked  # type: ignore[misc]


def test_keys_bring_their_prompt_and_seed_and_the_look_is_opened_without() -> None:
    look = Job.of(spec("sd:tiny", prompt="a fox <lora:grain:0.7>", seed=9, lora="ink:0.5", anchor_key=1)).asked.look
    assert [look.explicit(key) for key in KEYS] == [Key(0, prompt="a fox <lora:grain:0.7>", seed=9), KEYS[1]]
    neutral = look.neutral().values
    assert (neutral["prompt"], neutral["seed"], neutral["lora"]) == ("", 1, "ink:0.5, grain:0.7")
    assert look.anchor_key == 1
    plain = Job.of(spec()).asked.look
    assert plain.explicit(KEYS[1]) == Key(10) and plain.neutral() == plain and plain.anchor_key == -1


def test_a_job_that_was_taken_in_is_not_checked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"movie")
    job = read_job(spec("sd:tiny", str(clip), prompt="a fox", steps=5).to_json())

    def refuse(self: Setting, value: object) -> object:
        raise AssertionError(f"{self.key} is checked again")

    monkeypatch.setattr(Setting, "check", refuse)
    look = job.asked.look.neutral().open((64, 48))
    plan = make_plan(job, Known((64, 48), (), look.identity(), look.traits))
    assert plan.anchor == 0 and [job.asked.look.explicit(key).prompt for key in plan.keys] == ["a fox", "a dog"]
    assert look.identity()["settings"]["steps"] == 5
