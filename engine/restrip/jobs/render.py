"""The tasks that render: keys by the look, parts by propagation. What is finished is cached before they return."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import cv2

from restrip.errors import RestripError
from restrip.jobs.cache import Draft, Entry
from restrip.jobs.estimate import Speeds, key_name
from restrip.jobs.matte import Matte
from restrip.jobs.plan import Part, Plan, explicit, propagation_settings
from restrip.jobs.prepare import cached_part, job_spec, look_of, saved_plan
from restrip.jobs.tasks import Assignment
from restrip.jobs.window import Window
from restrip.link.job import JobSpec
from restrip.link.message import MAX_BLOB_BYTES
from restrip.looks import Look, Styled
from restrip.looks.painted import picture_for_key
from restrip.media import MovieWriter, fit_picture, read_picture, write_picture
from restrip.media.formats import FORMATS
from restrip.media.frame import Frame
from restrip.propagate import Carried, FadeScore, PropagateSettings, StyledKey, propagate, propose_fade
from restrip.timeline import FrameRange, Key, Segment

PREVIEW_SIDE_PX = 320
SIDES = ("left", "right", "joint")


class KeyLost(RestripError):
    """A key's picture went missing between its making and its use."""

    code = "key-lost"

    def __init__(self, frame: int) -> None:
        super().__init__(f"The picture of key {frame} is gone from the cache.", "Retry the job: it is made again.")


def make_keys(task: Assignment) -> dict[str, Any]:
    """Make the pictures of these keys that aren't cached, each cached as soon as it is there."""
    spec = job_spec(task.folder)
    plan, _ = saved_plan(task.folder)
    wanted = [n for n in task.body["keys"] if not task.cache.has("keys", plan.key_hashes[n])]
    total = len(task.body["keys"])
    with Window(spec, plan, spec.clip.frames, for_keys=True) as window:
        painted = [n for n in wanted if plan.keys[n].image]
        for index in painted:
            key = plan.keys[index]
            _keep(task, plan, index, picture_for_key(window.frame(key.frame), key))
        styled = [n for n in wanted if not plan.keys[n].image]
        if styled:
            look = look_of(task.shop, spec, plan.size, task.report)
            for chunk in _chunks(look, plan, styled, task.attempt):
                done = total - len(styled) + styled.index(chunk[0])
                _stylize(task, (spec, plan, look), window, chunk, (done, total))
    return {"rendered": len(wanted)}


def _chunks(look: Look, plan: Plan, indices: list[int], attempt: int) -> Iterator[list[int]]:
    """Keys to make in one call: as many as the look likes to have at once, one when memory ran out."""
    at_once = 1 if attempt else max(1, getattr(look, "batch", 1))
    for n in range(0, len(indices), at_once):
        yield indices[n : n + at_once]


def _stylize(
    task: Assignment, job: tuple[JobSpec, Plan, Look], window: Window, chunk: list[int], progress: tuple[int, int]
) -> None:
    spec, plan, look = job
    before, whole = progress
    anchor: tuple[Frame, Key] | None = None
    if plan.anchor is not None and not plan.keys[plan.anchor].image:
        anchor_key = explicit(spec, plan.keys[plan.anchor])
        anchor = (window.frame(anchor_key.frame), anchor_key)

    def report(done: int, total: int, note: str = "") -> None:
        share = len(chunk) * done / total if total else 0
        task.report("keys", round((before + share) * 100), whole * 100, **({"note": note} if note else {}))

    report(0, 1)
    began = time.monotonic()
    # The anchor itself is made without one: it is what the others look at.
    alone = [n for n in chunk if n == plan.anchor]
    for group, against in ((alone, None), ([n for n in chunk if n != plan.anchor], anchor)):
        if group:
            keys = [explicit(spec, plan.keys[n]) for n in group]
            made = look.stylize([window.frame(key.frame) for key in keys], keys, report, against)
            for index, styled in zip(group, made, strict=True):
                _keep(task, plan, index, styled)
    report(1, 1)
    mpx = plan.size[0] * plan.size[1] / 1e6 * len(chunk)
    Speeds.load(task.state_dir).measured(key_name(spec.look), time.monotonic() - began, mpx)


def _keep(task: Assignment, plan: Plan, index: int, styled: Styled) -> None:
    with task.cache.make("keys", plan.key_hashes[index]) as draft:
        write_picture(draft.folder / "picture.png", styled.picture)
        draft.facts.update(facts=dict(styled.facts), notes=list(styled.notes))
    task.report("keys", 0, 0, preview=preview_blob(styled.picture), frame=plan.keys[index].frame)


def render_part(task: Assignment) -> dict[str, Any]:
    """Carry the keys of one part through its frames, into one file a rendition."""
    spec = job_spec(task.folder)
    plan, _ = saved_plan(task.folder)
    index = int(task.body["part"])
    if cached_part(task.cache, plan, index) is not None:
        return {"rendered": 0}
    part = plan.parts[index]
    key = part.joint_hash if plan.joint else part.hash
    began = time.monotonic()
    with task.cache.make("segments", key) as draft, Window(spec, plan, part.frames) as window:
        _Rendering(task, spec, plan, index, window, draft).run()
    mpx = plan.size[0] * plan.size[1] / 1e6 * len(part.frames)
    Speeds.load(task.state_dir).measured("frame", time.monotonic() - began, mpx)
    return {"rendered": len(part.segments)}


class _Rendering:
    """One part being rendered."""

    def __init__(self, task: Assignment, spec: JobSpec, plan: Plan, index: int, window: Window, draft: Draft) -> None:
        self.task, self.spec, self.plan = task, spec, plan
        self.index, self.window, self.draft = index, window, draft
        self.part: Part = plan.parts[index]
        self.done = 0

    def run(self) -> None:
        """Render all segments into the draft, its facts included."""
        with ExitStack() as stack:
            matte = stack.enter_context(Matte(self.spec, self.plan.size)) if self.spec.matte else None
            writers = {name: stack.enter_context(self._writer(name)) for name in self._names()}
            fades = [self._segment(segment, writers, matte) for segment in self.part.segments]
        self.draft.facts.update(fades=fades, names=self._names())

    def _names(self) -> list[str]:
        """The renditions that this part has."""
        if self.plan.every:
            return ["joint"]
        segment = self.part.segments[0]
        here = {"left": segment.left is not None, "right": segment.right is not None, "joint": self.plan.joint}
        return [name for name in SIDES if here[name]]

    def _writer(self, name: str) -> MovieWriter:
        extension = FORMATS[self.plan.format].extension
        colour = self.window.reader.info.colour
        path = self.draft.folder / f"{name}{extension}"
        return MovieWriter(path, self.plan.size, self.spec.clip.rate, self.plan.format, colour)

    def _segment(self, segment: Segment, writers: dict[str, MovieWriter], matte: Matte | None) -> dict[str, Any]:
        window = self.window.part(segment.frames)
        keys = (self._key(segment.left), self._key(segment.right))
        base = propagation_settings(self.spec)
        joint = "joint" in writers
        settings = PropagateSettings.of(base, joint=joint, scratch=str(self.draft.folder), device=_device())
        fade = self._fade(window, keys, settings)
        settings = PropagateSettings.of(base, joint=joint, scratch=settings.scratch, device=settings.device, fade=fade)
        score = FadeScore()
        frames = iter(segment.frames)
        for carried in propagate(window, keys, settings, self._report(segment, "propagating")):
            n = next(frames)
            if n in fade and carried.left is not None and carried.right is not None:
                score.add(carried.left, carried.right)
            self._write(n, carried, writers, matte)
        self.done += len(segment.frames)
        start = self.part.frames.first
        return {"first": fade.first - start, "end": fade.end - start, "score": score.value}

    def _fade(
        self, window: Window, keys: tuple[StyledKey | None, StyledKey | None], settings: PropagateSettings
    ) -> FrameRange:
        if self.plan.every:
            return window.frames  # Never shown as two strips: keys share the whole way.
        return propose_fade(window, keys, self.spec.output.fade, settings, self._report(None, "motion"))

    def _write(self, n: int, carried: Carried, writers: dict[str, MovieWriter], matte: Matte | None) -> None:
        source = self.window.frame(n) if matte is not None else None
        for name, writer in writers.items():
            picture = getattr(carried, name)
            if picture is None:
                raise RuntimeError(f"propagation gave no {name} rendition of frame {n}")
            if matte is not None and source is not None:
                picture = matte.limit(n, picture, source)
            writer.write(picture)

    def _key(self, index: int | None) -> StyledKey | None:
        if index is None:
            return None
        key = self.plan.keys[index]
        entry = self.task.cache.find("keys", self.plan.key_hashes[index])
        if entry is None:
            raise KeyLost(key.frame)
        return StyledKey(key.frame, self.window.frame(key.frame), self.window.fitted(key_picture(entry)))

    def _report(self, segment: Segment | None, phase: str) -> Any:
        """Progress in frames of the whole part; looking for the fade moves nothing."""
        length, here = len(self.part.frames), 0 if segment is None else len(segment.frames)

        def report(done: int, total: int, note: str = "") -> None:
            share = here * done / total if total else 0
            named = "motion" if phase == "propagating" and done * 2 <= total and self._two_sided(segment) else phase
            more = {"note": note} if note else {}
            self.task.report(named, round((self.done + share) * 100), length * 100, segment=self.index, **more)

        return report

    @staticmethod
    def _two_sided(segment: Segment | None) -> bool:
        return segment is not None and segment.left is not None and segment.right is not None


def key_picture(entry: Entry) -> Frame:
    """The picture of a cached key."""
    return read_picture(str(entry.file("picture.png")))


def preview_blob(picture: Frame) -> str:
    """A small JPEG as base64, at most MAX_BLOB_BYTES."""
    width, height = picture.size
    scale = min(1.0, PREVIEW_SIDE_PX / max(width, height))
    small = fit_picture(picture, (max(1, round(width * scale)), max(1, round(height * scale)))).rgb8()
    for quality in (85, 60, 30):
        _, coded = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        raw = coded.tobytes()
        if len(raw) <= MAX_BLOB_BYTES:
            break
    return base64.b64encode(raw).decode("ascii")


def _device() -> str:
    """Where propagation runs: "cuda" when this process has loaded torch for a look and it has one, else "cpu"."""
    torch = sys.modules.get("torch")
    return "cuda" if torch is not None and torch.cuda.is_available() else "cpu"
