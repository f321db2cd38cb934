"""The task that renders segments: its keys carried through its frames, into one file a rendition."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from restrip.jobs.cache import Draft
from restrip.jobs.frame_source import Window
from restrip.jobs.matte import Matte
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.plan import Plan, SegmentTask
from restrip.jobs.tasks.keys import KeyLost, key_picture
from restrip.jobs.tasks.prepare import cached_segment, job_spec, saved_plan
from restrip.jobs.tasks.registry import Assignment, Progressed
from restrip.jobs.tasks.renditions import Renditions
from restrip.jobs.tasks.segment_ahead import FROM, PIXELS, SegmentAhead
from restrip.media import MovieWriter
from restrip.media.av.mux import HardwareEncoderFailed
from restrip.media.background_writer import BackgroundWriter
from restrip.media.formats import FORMATS
from restrip.media.frame import Frame
from restrip.media.movies.hardware import works
from restrip.media.timecode import shown_at
from restrip.progress import Report
from restrip.propagate import CarriedFrame, FadeScore, PropagateSettings, StyledKey, propagate, propose_fade
from restrip.propagate.device_choice import NoGpu, chosen
from restrip.timeline import FrameRange, Segment

SIDES = {"left": "left", "right": "right", "joint": "baked"}
"""Renditions by the names of their cached files, which are those of version 0.1."""


def render_segments(task: Assignment) -> dict[str, Any]:
    """Carry the keys of one segment task through its frames, into one file a rendition.

    It is filed under where this worker carries it: another may have a GPU that this one hasn't. Where hardware was to
    encode it and gives up, it is done again and the processor encodes. Raises NoGpu.
    """
    memory = task.shop
    begun, memory.ahead = memory.ahead, None
    done = None if begun is None else begun.taken(task.report)
    if done is not None:
        return done
    try:
        done = _rendered(_with_next(task), lambda: None)
    except BaseException:
        memory.drop_ahead()
        raise
    if memory.ahead is not None:
        memory.ahead.left()
    return done


def _with_next(task: Assignment) -> Assignment:
    """The same task; when most of it is done, the next segment is begun beside it where that is of use."""
    part = (task.following or {}).get("part")
    if part is None or task.attempt:
        return task
    spec, (plan, _) = job_spec(task.folder), saved_plan(task.folder)
    small = plan.size[0] * plan.size[1] <= PIXELS and not plan.hardware
    if not small or _device_here(task, spec, plan) != "cpu":
        return task
    from restrip.propagate.cpu.pipeline import several  # only there numba is needed

    def render(report: Progressed, before_cached: Callable[[], None]) -> dict[str, Any]:
        return _rendered(replace(task, body=task.following or {}, report=report, following=None), before_cached)

    def report(phase: str, done: int, total: int, **more: Any) -> None:
        task.report(phase, done, total, **more)
        if task.shop.ahead is None and total and done >= FROM * total and several():
            task.shop.ahead = SegmentAhead(task.job, part, render)

    return replace(task, report=report)


def _rendered(task: Assignment, before_cached: Callable[[], None]) -> dict[str, Any]:
    """Render a task's segment; `before_cached` is called when it is whole."""
    spec = job_spec(task.folder)
    plan, _ = saved_plan(task.folder)
    index = int(task.body["part"])
    if cached_segment(task.cache, plan, index) is not None:
        before_cached()
        return {"rendered": 0}
    segment_task = plan.segment_tasks[index]
    device = _device_here(task, spec, plan)
    key = segment_task.filed(device, plan.baked)

    def rendered(hardware: str, notes: list[str]) -> dict[str, Any]:
        with (
            task.cache.make("segments", key) as draft,
            Window(spec, plan, segment_task.frames, as_decoded=device == "cuda") as window,
        ):
            _Rendering(task, spec, plan, index, window, draft, hardware, notes).run()
            before_cached()
        return {"rendered": len(segment_task.segments)}

    if not plan.hardware:
        return rendered("", [])
    if not works(plan.format, plan.hardware, plan.size):
        return rendered("", [f"{plan.hardware.partition(':')[0]} doesn't encode here: the processor did."])
    try:
        return rendered(plan.hardware, [])
    except HardwareEncoderFailed as error:
        return rendered("", [f"{error.message} The processor encoded the segment."])


def _device_here(task: Assignment, spec: Job, plan: Plan) -> str:
    """The device that this worker carries on, "cpu" or "cuda", for what was asked.

    A task whose `gpu` is false has none to itself, whatever there is: others work on it.
    """
    asked = spec.asked.motion.device
    if task.body.get("gpu", True):
        return chosen(asked, plan.size)
    if asked == "cuda":
        raise NoGpu
    return "cpu"


class _Rendering:
    """One segment task being rendered."""

    def __init__(
        self,
        task: Assignment,
        spec: Job,
        plan: Plan,
        index: int,
        window: Window,
        draft: Draft,
        hardware: str,
        notes: list[str],
    ) -> None:
        self.task, self.spec, self.plan, self.hardware = task, spec, plan, hardware
        self.index, self.window, self.draft = index, window, draft
        self.segment_task: SegmentTask = plan.segment_tasks[index]
        self.done = 0
        self.notes = notes

    def run(self) -> None:
        """Render all segments into the draft, its facts included."""
        with ExitStack() as stack:
            matte = stack.enter_context(self._matte()) if self.spec.matte else None
            renditions = stack.enter_context(Renditions(self._names(), self._writer))
            fades = [self._segment(segment, renditions, matte) for segment in self.segment_task.segments]
            self.notes += [] if matte is None else matte.notes
        concealed = [
            n - self.segment_task.frames.first for n in self.segment_task.frames if self.window.reader.concealed(n)
        ]
        notes = [*self.notes, *([] if concealed else self.window.reader.damage_notes)]
        self.draft.facts.update(fades=fades, names=self._names(), concealed=concealed, notes=notes)
        if renditions.twins:
            self.draft.facts["alike"] = True
        if self.hardware:
            self.draft.facts["encoder"] = self.hardware

    def _names(self) -> list[str]:
        """The renditions that this task has."""
        if self.plan.every:
            return ["joint"]
        segment = self.segment_task.segments[0]
        here = {"left": segment.left is not None, "right": segment.right is not None, "joint": self.plan.baked}
        return [name for name in SIDES if here[name]]

    def _matte(self) -> Matte:
        return Matte(self.spec, self.plan.size, self.plan.shrunk)

    def _writer(self, name: str) -> MovieWriter:
        extension = FORMATS[self.plan.format].extension
        clip, info = self.spec.clip, self.window.reader.info
        path = self.draft.folder / f"{name}{extension}"
        starts = shown_at(info.timecode, info.rate, clip.media_time(self.segment_task.frames.first), clip.rate)
        written = path, self.plan.size, clip.rate, self.plan.format, info.colour
        mastering = self.window.reader.mastering
        return MovieWriter(
            *written, timecode=starts, quick=self.plan.draft, hardware=self.hardware, mastering=mastering
        )

    def _segment(self, segment: Segment, renditions: Renditions, matte: Matte | None) -> dict[str, Any]:
        window = self.window.within(segment.frames)
        keys = (self._key(segment.left), self._key(segment.right))
        settings = replace(
            self.spec.asked.motion,
            device=_device_here(self.task, self.spec, self.plan),
            baked="joint" in self._names(),
            scratch=str(self.draft.folder),
            quick=self.plan.draft,
        )
        fade = self._fade(window, keys, settings)
        settings = replace(settings, fade=fade)
        score = FadeScore()
        frames = iter(segment.frames)
        for carried in propagate(window, keys, settings, self._report(segment, "propagating")):
            n = next(frames)
            if n in fade and carried.left is not None and carried.right is not None:
                score.add(carried.left, carried.right)
            self._write(n, carried, renditions, matte)
        self.done += len(segment.frames)
        start = self.segment_task.frames.first
        return {"first": fade.first - start, "end": fade.end - start, "score": score.value}

    def _fade(
        self, window: Window, keys: tuple[StyledKey | None, StyledKey | None], settings: PropagateSettings
    ) -> FrameRange:
        if self.plan.every:
            return window.frames  # Never shown as two strips: keys share the whole way.
        return propose_fade(window, keys, self.spec.output.fade, settings, self._report(None, "motion"))

    def _write(self, n: int, carried: CarriedFrame, renditions: Renditions, matte: Matte | None) -> None:
        whole = not self.spec.output.look_only
        source = self.window.frame(n) if matte is not None and whole else None
        for name, writer in renditions.writers(carried.alike).items():
            picture = getattr(carried, SIDES[name])
            if picture is None:
                raise RuntimeError(f"propagation gave no {name} rendition of frame {n}")
            if matte is not None:
                picture = matte.cut_out(n, picture) if source is None else matte.limit(n, picture, source)
            self._put(n, picture, writer)

    def _put(self, n: int, picture: Frame, writer: BackgroundWriter) -> None:
        """Write a picture of frame n, where highlights are kept with those of the clip."""
        if not self.plan.highlights:
            writer.write(picture)
            return
        coding, light = self.window.reader.coding, self.window.restored(n, picture)
        if self.plan.format == "exr":
            writer.write_light(coding.as_709(light))
        else:
            writer.write(coding.code(light))

    def _key(self, index: int | None) -> StyledKey | None:
        if index is None:
            return None
        key = self.plan.keys[index]
        entry = self.task.cache.find("keys", self.plan.key_hashes[index])
        if entry is None:
            raise KeyLost(key.frame)
        return StyledKey(key.frame, self.window.frame(key.frame), self.window.fitted(key_picture(entry)))

    def _report(self, segment: Segment | None, phase: str) -> Report:
        """Progress in frames of the whole task; looking for the fade moves nothing."""
        length, here = len(self.segment_task.frames), 0 if segment is None else len(segment.frames)

        def report(done: int, total: int, note: str = "") -> None:
            fraction = here * done / total if total else 0
            named = "motion" if phase == "propagating" and done * 2 <= total and self._two_sided(segment) else phase
            more = {"note": note} if note else {}
            if note and note not in self.notes:
                self.notes.append(note)
            self.task.report(named, round((self.done + fraction) * 100), length * 100, segment=self.index, **more)

        return report

    @staticmethod
    def _two_sided(segment: Segment | None) -> bool:
        return segment is not None and segment.left is not None and segment.right is not None
