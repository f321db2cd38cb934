"""A draft's manifest is all that is needed to render it in full."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from restrip.client.draft import NotADraft, facts_of, full_job, full_size, is_draft
from restrip.client.job import BadJob, JobSpec, Manifest, Output
from restrip.timeline import ClipRange, Key, Rate

CLIP = ClipRange(("/clips/run.mp4",), Rate.of(25), 75, trim_in=12, name="run")
KEYS = (Key(3, prompt="oil"), Key(40, seed=7), Key(60, image="/painted/60.png"))
ASKED = JobSpec(
    "draft-1",
    CLIP,
    KEYS,
    "sd:tiny",
    {"prompt": "a bright mosaic", "seed": 5, "steps": 20},
    Output(folder="/out", format="prores4444", fade=12, baked=True, draft=True),
    matte="/mattes/run.png",
    mode="every",
    step=3,
    project="edit",
)


def manifest(**facts: object) -> Manifest:
    made = Manifest("draft-1", "0.1.0", CLIP, (640, 360), "sd:tiny", {}, (), (), (), facts=facts)
    return Manifest.from_json(json.loads(json.dumps(made.to_json())))


def test_the_full_job_is_what_was_asked_for_but_the_draft() -> None:
    draft = manifest(**facts_of(ASKED, (1920, 1080)))
    assert is_draft(draft) and full_size(draft) == (1920, 1080)
    assert full_job(draft, "full-1") == replace(ASKED, job_id="full-1", output=replace(ASKED.output, draft=False))


def test_a_full_result_is_no_draft() -> None:
    assert not is_draft(manifest()) and full_size(manifest()) == (640, 360)
    with pytest.raises(NotADraft, match="draft-1"):
        full_job(manifest(), "full-1")


@pytest.mark.parametrize("said", [True, {"size": [3]}, {"job": 3}, {"job": {"job_id": 3}}])
def test_a_manifest_that_says_too_little_is_told(said: object) -> None:
    with pytest.raises(BadJob):
        full_job(manifest(draft=said), "full-1")
    assert full_size(manifest(draft=said)) == (640, 360)
