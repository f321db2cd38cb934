"""The last task of a job: rendered segments become strips, fades get their place, and the manifest is written last.

tasks    [t0][t1][t2]          strip of key 0 = t0.right + t1.left, joined without encoding again
strips   [  A   ]
            [  B   ]           fade A -> B where p1 proposed it
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip import __version__
from restrip.client import draft
from restrip.client.job import KeyResult, Manifest, StripFile
from restrip.errors import RestripError
from restrip.jobs.cache import Entry
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.input_files import Watch
from restrip.jobs.model.plan import Plan
from restrip.jobs.outputs import delivery as outputs
from restrip.jobs.outputs.encoded_again import encoded_again
from restrip.jobs.outputs.finished_files import key_picture, linked_copy
from restrip.jobs.outputs.preview import add_sound, add_sources, sheet_of, write_preview, write_sheet
from restrip.jobs.references import clip_files, inputs_of
from restrip.jobs.tasks.prepare import cached_segment, job_spec, output_folder, saved_plan, targets_of
from restrip.jobs.tasks.registry import Assignment
from restrip.looks.look_file.shelf import name_of
from restrip.looks.settings import ANCHOR_FILE
from restrip.media import join, probe, timecode_in
from restrip.media.files import OutputUnwritable
from restrip.media.formats import FORMATS
from restrip.storage import json_files
from restrip.timeline import Crossfade, FrameRange, Strip, visible_of
from restrip.timeline.otio import write_timeline


class SegmentLost(RestripError):
    """A rendered segment went missing before the strips were joined."""

    code = "part-lost"

    def __init__(self, index: int) -> None:
        super().__init__(
            f"Segment {index} is gone from the cache.", "Retry the job: only what is missing is rendered again."
        )


def finish(task: Assignment) -> dict[str, Any]:
    """Write strips, what else was asked for, and the manifest. Returns the manifest's path and sha256.

    Raises OutputMoved when the folder was deleted or replaced.
    """
    spec = job_spec(task.folder)
    plan, resolved = saved_plan(task.folder)
    # Sound, preview and sheet are made of the source once more.
    source = Watch(inputs_of(clip_files(spec)), plan.inputs)
    ending = _Ending(task, spec, plan, source, outputs.Delivery(task.state_dir, output_folder(task, spec), resolved))
    try:
        return ending.run()
    except (OSError, OutputUnwritable):
        ending.delivery.stay()  # A folder that is gone in the middle of a file says so.
        raise


class _Ending:
    """One job being finished."""

    def __init__(self, task: Assignment, spec: Job, plan: Plan, source: Watch, delivery: outputs.Delivery) -> None:
        self.task, self.spec, self.plan, self.source, self.delivery = task, spec, plan, source, delivery
        self.targets = targets_of(spec, plan, delivery.folder)
        self.entries = [self._entry(index) for index in range(len(plan.segment_tasks))]
        self.steps = len(plan.strips) + sum(name in self.targets for name in ("baked", "preview", "otio", "sheet"))
        self.step = 0
        self.encoded_again: set[Path] = set()
        self.alike: list[int] = []

    def run(self) -> dict[str, Any]:
        """Everything, in the order in which it may be trusted after a crash."""
        self.delivery.expect(self.targets.values())
        strips = []
        fades = self._fades()
        visible = visible_of(self.plan.strips, fades)
        for strip, shown in zip(self.plan.strips, visible, strict=True):
            strips.append(self._strip(strip, shown))
        manifest = self._manifest(tuple(strips), fades)
        self._extras(manifest)
        body = manifest.to_json()
        self.source.check()
        # The user's copy first: when the engine's own is there, everything is.
        self.delivery.put(self.targets["manifest"], lambda path: json_files.write_json(path, body, mode=0o644))
        self.delivery.delivered()
        own = self.task.folder / "manifest.json"
        json_files.write_json(own, body)
        return {"manifest": str(self.targets["manifest"]), "sha256": json_files.file_sha256(own)}

    def _entry(self, index: int) -> Entry:
        entry = cached_segment(self.task.cache, self.plan, index)
        if entry is None:
            raise SegmentLost(index)
        return entry

    def _report(self) -> None:
        self.task.report("writing", self.step, self.steps)
        self.step += 1

    def _strip(self, strip: Strip, shown: FrameRange) -> StripFile:
        self._report()
        target = self.targets[f"strip {strip.key}"]
        pieces = [self._piece(strip.key, segment_task) for segment_task in strip.segments]
        sha256 = self.delivery.put(target, lambda path: self._joined(pieces, path))
        return StripFile(strip.key, strip.frames, shown, str(target), sha256, timecode_in(target))

    def _piece(self, key: int, segment_task: int) -> Path:
        """The rendition of a segment task that leans to this key."""
        extension = FORMATS[self.plan.format].extension
        name = (
            "joint"
            if self.plan.every
            else "left"
            if self.plan.segment_tasks[segment_task].segments[0].left == key
            else "right"
        )
        return self.entries[segment_task].file(f"{name}{extension}")

    def _joined(self, pieces: list[Path], target: Path) -> None:
        """Pieces one after the other; where hardware encoded only some of them, those are encoded by the processor."""
        by_hardware = {entry.folder for entry in self.entries if entry.facts.get("encoder")}
        again = [piece for piece in pieces if piece.parent in by_hardware]
        if len(again) in (0, len(pieces)):
            join(pieces, target)
            return
        with tempfile.TemporaryDirectory(dir=self.task.folder, prefix="encode-") as folder:
            like = {piece: Path(folder) / f"{n}{piece.suffix}" for n, piece in enumerate(again)}
            for piece, path in like.items():
                encoded_again(piece, path, self.plan.format, self.spec.clip.rate)
            join([like.get(piece, piece) for piece in pieces], target)
        self.encoded_again.update(again)

    def _fades(self) -> tuple[Crossfade, ...]:
        """The seams with the fades that their segments proposed."""
        if self.plan.every:
            return self.plan.seams
        found = []
        for seam in self.plan.seams:
            shared = next(
                (
                    n
                    for n, segment_task in enumerate(self.plan.segment_tasks)
                    if segment_task.segments[0].sides == (seam.left, seam.right)
                ),
                None,
            )
            if shared is None:
                found.append(seam)
                continue
            start = self.plan.segment_tasks[shared].frames.first
            facts = self.entries[shared].facts["fades"][0]
            if self.entries[shared].facts.get("alike"):
                self.alike.append(seam.right)
            found.append(
                replace(seam, frames=FrameRange(start + facts["first"], start + facts["end"]), score=facts["score"])
            )
        return tuple(found)

    def _extras(self, manifest: Manifest) -> None:
        """Baked movie, preview, timeline, sheet: as far as they were asked for."""
        sheet, beyond, alike = sheet_of(manifest), self.plan.highlights, () if self.encoded_again else self.alike

        def preview(path: Path) -> None:
            if "sheet" not in self.targets:
                write_preview(self.spec, manifest, path, self.task.report, beyond=beyond, alike=alike)
                return
            with ThreadPoolExecutor(1, thread_name_prefix="sheet") as beside:
                added = beside.submit(add_sources, self.spec, manifest, sheet, beyond=beyond)
                write_preview(self.spec, manifest, path, self.task.report, sheet, beyond=beyond, alike=alike)
                added.result()

        for name, write in (
            ("baked", self._bake),
            ("preview", preview),
            ("otio", lambda path: write_timeline(manifest, path)),
            ("sheet", lambda path: write_sheet(self.spec, manifest, path, sheet, beyond=beyond)),
        ):
            if name in self.targets:
                self._report()
                self.delivery.put(self.targets[name], write)

    def _bake(self, target: Path) -> None:
        """The baked renditions joined, with the source's sound."""
        extension = FORMATS[self.plan.format].extension
        self._joined([entry.file(f"joint{extension}") for entry in self.entries], target)
        if extension:
            add_sound(self.spec.clip, target)

    def _manifest(self, strips: tuple[StripFile, ...], fades: tuple[Crossfade, ...]) -> Manifest:
        plan, spec = self.plan, self.spec
        keys, notes = [], list(plan.notes)
        keys_folder = self.task.folder / "keys"
        keys_folder.mkdir(exist_ok=True, mode=0o700)
        for index, (key, key_hash) in enumerate(zip(plan.keys, plan.key_hashes, strict=True)):
            entry = self.task.cache.find("keys", key_hash)
            facts = entry.facts if entry is not None else {}
            said = facts.get("facts", {})
            if "look_file" in said:  # A cached key may have been made when the file was called something else.
                said = {**said, "look_file": name_of(str(spec.settings.get(ANCHOR_FILE.key, "")))}
            # The job's own: pruning the cache takes no picture away from a manifest.
            picture = (
                str(linked_copy(entry.file("picture.png"), keys_folder / key_picture(index)))
                if entry is not None
                else ""
            )
            keys.append(KeyResult(key, picture, said))
            notes += [note for note in facts.get("notes", ()) if note not in notes]
        for entry in self.entries:
            notes += [note for note in entry.facts.get("notes", ()) if note not in notes]
        concealed = self._concealed()
        if concealed:
            notes.append(f"Damaged in the source and concealed: frame {_listed(concealed)} of the clip.")
        if self.encoded_again:
            notes.append(
                f"The hardware's encoder gave up on the way: {len(self.encoded_again)} files that it had written were "
                "encoded again by the processor."
            )
        retries = self.task.body.get("retries", [])
        if retries:
            many = "1 step was" if len(retries) == 1 else f"{len(retries)} steps were"
            notes.append(f"{many} tried again, with less memory where that is possible.")
        return Manifest(
            job_id=spec.job_id,
            engine_version=__version__,
            clip=spec.clip,
            size=plan.size,
            look=spec.look,
            settings=spec.asked.whole,
            keys=tuple(keys),
            strips=strips,
            fades=fades,
            cuts=plan.cuts,
            baked=str(self.targets.get("baked", "")),
            preview=str(self.targets.get("preview", "")),
            otio=str(self.targets.get("otio", "")),
            sheet=str(self.targets.get("sheet", "")),
            notes=tuple(notes),
            counts=self._counts(),
            facts=self._facts(retries, concealed),
        )

    def _counts(self) -> dict[str, int]:
        made: Mapping[str, int] = self.task.body.get("made", {})
        keys, segments = made.get("keys", 0), made.get("segments", 0)
        return {
            "keys_rendered": keys,
            "keys_cached": max(0, len(self.plan.keys) - keys),
            "segments_rendered": segments,
            "segments_cached": max(0, len(self.plan.segments) - segments),
        }

    def _concealed(self) -> list[int]:
        """The clip's frames whose pictures are damaged in the source."""
        segment_tasks = zip(self.plan.segment_tasks, self.entries, strict=True)
        return [
            segment_task.frames.first + n
            for segment_task, entry in segment_tasks
            for n in entry.facts.get("concealed", ())
        ]

    def _facts(self, retries: list[Any], concealed: list[int]) -> dict[str, Any]:
        clip = self.spec.clip
        facts: dict[str, Any] = {
            "format": self.plan.format,
            "look": dict(self.plan.look_identity),
            "mode": self.spec.mode,
            "fade": self.spec.output.fade,
            # How long the source is and what its timecode says: timelines are built from the manifest alone.
            "media": probe(clip.paths, clip.source_rate or clip.rate, self.spec.asked.source.stream).to_json(),
        }
        if self.spec.output.look_only:
            facts["look_only"] = True
        if self.plan.draft:
            facts |= draft.facts_of(self.spec, self.plan.key_size)
        if self.plan.models:
            facts["models"] = [dict(model) for model in self.plan.models]
        if concealed:
            facts["concealed"] = concealed
        if retries:
            facts["retries"] = retries
        return facts


def _listed(frames: list[int], most: int = 12) -> str:
    text = ", ".join(map(str, frames[:most]))
    return text if len(frames) <= most else f"{text} and {len(frames) - most} more"
