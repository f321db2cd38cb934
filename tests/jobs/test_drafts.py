"""Drafts as whole jobs: a third of the size, the same segments and fades, and nothing of it in the full result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from job_bench import Hand

from restrip.client.draft import full_job, is_draft
from restrip.client.job import JobSpec, Manifest, Output
from restrip.media import ClipReader, Frame, MovieWriter, fit_picture, read_picture, write_picture
from restrip.timeline import ClipRange, Key, Rate

SIZE, DRAFT, FRAMES = (432, 288), (144, 96), 5


def frame_of(n: int) -> Frame:
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    waves = 127 + 60 * np.sin(x / 17) + 50 * np.cos((x + 2 * y) / 29)
    picture = np.stack([waves, np.roll(waves, 40, 0), 255 - waves], axis=2).astype(np.uint8)
    cv2.circle(picture, (150 + 6 * n, 140), 60, (250, 240, 60), -1)
    return Frame(picture)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cv2.setNumThreads(1)
    made = tmp_path_factory.mktemp("drafts")
    (made / "painted").mkdir()
    with MovieWriter(made / "clip.mkv", SIZE, Rate.of(25), "ffv1") as writer:
        for n in range(FRAMES):
            writer.write(frame_of(n))
    for n in (0, FRAMES - 1):
        write_picture(made / "painted" / f"{n:05d}.png", Frame(np.ascontiguousarray(255 - frame_of(n).rgb)))
    half = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    half[:, SIZE[0] // 2 :] = 255
    write_picture(made / "matte.png", Frame(half))
    return made


@pytest.fixture
def job(folder: Path) -> Callable[..., JobSpec]:
    def made(job_id: str, *, draft: bool, look: str = f"keys:{folder / 'painted'}", **more: object) -> JobSpec:
        clip = ClipRange((str(folder / "clip.mkv"),), Rate.of(25), FRAMES, name="clip")
        output = Output(format="ffv1", draft=draft)
        spec = JobSpec(job_id, clip, (Key(0), Key(FRAMES - 1)), look, cuts=(), output=output)
        return replace(spec, **more)  # type: ignore[arg-type]

    return made


def frames(manifest: Manifest, strip: int = 0) -> list[Frame]:
    made = manifest.strips[strip]
    with ClipReader(ClipRange((made.file,), Rate.of(25), len(made.frames))) as reader:
        return list(reader.frames())


def likeness(a: Frame, b: Frame) -> float:
    """The correlation of two pictures of one size."""
    return float(np.corrcoef(a.rgb8().ravel(), b.rgb8().ravel())[0, 1])


def test_a_draft_shows_what_comes_and_leaves_no_trace_in_it(tmp_path: Path, job: Callable[..., JobSpec]) -> None:
    alone = Hand(tmp_path / "alone").run(job("full-1", draft=False))
    hand = Hand(tmp_path / "state")
    draft = hand.run(job("draft-1", draft=True))
    full = hand.run(full_job(draft, "full-2"))
    assert is_draft(draft) and not is_draft(full)
    assert (draft.size, full.size) == (DRAFT, SIZE)
    assert full.counts["keys_rendered"] == 2 and full.counts["segments_rendered"] == 2
    assert [strip.sha256 for strip in full.strips] == [strip.sha256 for strip in alone.strips]
    assert [read_picture(made.picture).rgb.tobytes() for made in full.keys] == [
        read_picture(made.picture).rgb.tobytes() for made in alone.keys
    ]
    assert (draft.fades, draft.cuts) == (tuple(replace(f, score=draft.fades[0].score) for f in full.fades), full.cuts)
    assert [(s.frames, s.visible) for s in draft.strips] == [(s.frames, s.visible) for s in full.strips]
    assert [Path(s.file).name[:10] for s in (draft.strips[0], full.strips[0])] == ["draft-000-", "strip-000-"]
    for shown, comes in zip(frames(draft), frames(full), strict=True):
        assert shown.size == DRAFT and likeness(shown, fit_picture(comes, DRAFT)) > 0.98
    assert hand.run(job("draft-2", draft=True)).counts["keys_cached"] == 2


def test_a_drafts_matte_is_as_soft_as_the_full_ones(tmp_path: Path, job: Callable[..., JobSpec], folder: Path) -> None:
    given = {"matte": str(folder / "matte.png"), "settings": {"matte_feather": 60.0}}
    hand = Hand(tmp_path / "state")
    draft, full = (hand.run(job(f"job-{n}", draft=not n, **given)) for n in (0, 1))
    shown, comes = frames(draft)[0], fit_picture(frames(full)[0], DRAFT)
    assert likeness(shown, comes) > 0.99
    assert float(np.abs(shown.rgb8().astype(int) - comes.rgb8()).max()) < 16


def test_a_painted_looks_strokes_shrink_with_the_picture(tmp_path: Path, job: Callable[..., JobSpec]) -> None:
    hand = Hand(tmp_path / "state")
    draft, full = (hand.run(job(f"job-{n}", draft=not n, look="neural:19", keys=(Key(2),))) for n in (0, 1))
    shown, comes = (read_picture(made.keys[0].picture) for made in (draft, full))
    assert shown.size == DRAFT and comes.size == SIZE
    assert likeness(shown, fit_picture(comes, DRAFT)) > 0.95
