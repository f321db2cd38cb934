"""Drafts, as front-ends see them: which manifest is one, and the job that renders it in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from restrip.client.job import BadJob, JobSpec, Manifest
from restrip.errors import BadInput

SHRINK = 3
"""How many times smaller a draft is, each way."""

FACT = "draft"
"""A fact that only a draft's manifest has: {"size": [width, height] of the full picture, "job": what was asked}."""


class NotADraft(BadInput):
    """A finished job that is no draft can't be rendered in full: it is."""

    code = "not-a-draft"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id} is no draft: it was rendered in full.", "Choose a draft.", job_id=job_id)


def is_draft(manifest: Manifest) -> bool:
    """Whether a manifest is a draft's."""
    return bool(manifest.facts.get(FACT))


def full_size(manifest: Manifest) -> tuple[int, int]:
    """(width, height) of a draft's full picture; of any other result its own."""
    said = manifest.facts.get(FACT)
    size = said.get("size") if isinstance(said, Mapping) else None
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        return manifest.size
    return size[0], size[1]


def facts_of(spec: JobSpec, size: tuple[int, int]) -> dict[str, Any]:
    """What a draft's manifest says of itself; `size` is the full picture's (width, height)."""
    return {FACT: {"size": list(size), "job": spec.to_json()}}


def in_full(spec: JobSpec, job_id: str) -> JobSpec:
    """The job that a draft shows, in full: keys, prompts, seeds, settings and names of files are the draft's."""
    return replace(spec, job_id=job_id, output=replace(spec.output, draft=False))


def full_job(manifest: Manifest, job_id: str) -> JobSpec:
    """The same from a draft's manifest. Raises NotADraft, BadJob."""
    if not is_draft(manifest):
        raise NotADraft(manifest.job_id)
    asked = manifest.facts[FACT]
    if not isinstance(asked, Mapping) or not isinstance(asked.get("job"), Mapping):
        raise BadJob(f"The manifest of job {manifest.job_id} doesn't say what was asked for.", "Make the draft again.")
    return in_full(JobSpec.from_json(asked["job"]), job_id)
