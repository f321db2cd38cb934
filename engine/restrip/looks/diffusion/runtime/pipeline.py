"""One look at one size: batches within memory, and the anchor that keys are made against.

frames --prepare--> rows --Maker, in batches--> pictures --finish--> frames
   (sizes, hints, motion, in threads ahead)          (colours, fusion, sizes, in threads behind)

The anchor is the first row of the first batch; later batches are made against what it left.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from restrip.client.discovery import state_dir
from restrip.cuda.free_memory import free_mib
from restrip.looks.diffusion.backbones.backbone import Control
from restrip.looks.diffusion.checkpoints.adapter_specs import without_loras
from restrip.looks.diffusion.conditioning.control_pictures import ControlPictures
from restrip.looks.diffusion.conditioning.controlnet import hint, unseen
from restrip.looks.diffusion.conditioning.ip_adapter import PictureWords, picture_words
from restrip.looks.diffusion.consistency.anchor_attention import AnchorBank, StyleBank
from restrip.looks.diffusion.consistency.moved_noise import NoisePlaces
from restrip.looks.diffusion.runtime import precision
from restrip.looks.diffusion.runtime.batch_row import Anchor, AnchorRelation, Row
from restrip.looks.diffusion.runtime.image_tensors import to_coded, to_matte, to_picture
from restrip.looks.diffusion.runtime.key_finish import AnchorFrame, KeyFinish, Moved
from restrip.looks.diffusion.runtime.key_task import Round, Task
from restrip.looks.diffusion.runtime.memory_plan import MemoryLadder, MemoryPlan, first_plan, room_for_two
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.model_session import Session
from restrip.looks.diffusion.runtime.precision_retry import Made, Maker
from restrip.looks.diffusion.runtime.prefetch import Prefetch, StepCounter
from restrip.looks.diffusion.runtime.speed.compiled import BatchKind, Compiled
from restrip.looks.diffusion.runtime.vae import Vae
from restrip.looks.diffusion.sampling.samplers import SAMPLERS
from restrip.looks.diffusion.size import fit
from restrip.looks.look import Styled
from restrip.looks.palette import Palette

if TYPE_CHECKING:
    from restrip.looks.diffusion.checkpoints.ip_adapter_files import AdapterFiles
    from restrip.looks.diffusion.spec import LookSpec
    from restrip.looks.diffusion.style_picture import StylePicture
    from restrip.media.frame_colours import FrameColours
    from restrip.progress import Report
    from restrip.timeline import ClipRange, Key

# The share of the GPU's free memory that the anchor's features may take; beyond, they wait in the computer's.
ANCHOR_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class AnchorMade:
    """The anchor as it was made, and what it left for others."""

    frame: AnchorFrame
    made: Made
    left: Anchor


class Pipeline:
    """Makes the keys of one look whose frames have one working size (width, height)."""

    def __init__(self, spec: LookSpec, model: Model, size: tuple[int, int], dtype: torch.dtype) -> None:
        self.spec, self.recipe, self.size, self.model = spec, spec.recipe, size, model
        vae_first = precision.first_vae_dtype(model.device, self.recipe.precision, model.family)
        self.vae = Vae(model.vae, vae_first, model.turns, model.latents)
        spacing = SAMPLERS[self.recipe.sampler].spacing if self.recipe.schedule == "auto" else self.recipe.schedule
        self.session = Session(model, self.recipe, self.vae, spacing, size)
        if spec.draft:
            self.session.take_few_steps()
        self.maker = Maker(self.session, dtype)
        if spec.controls:
            self.controls = model.backbone.controls(spec.controls, dtype, model.device, self.vae.encode_whole)
            self.session.make_control = self._control
        plan = first_plan(self.recipe.batch, model.family.name, size, model.device).sparing(spec.spared)
        self.compiled = Compiled(self.session, self.vae, size, state_dir() / "compiled")
        self.compiled.room = room_for_two(plan, model.family.name, size, model.device)
        if model.turns.forced:
            plan = MemoryPlan(1, tiled=True, offload=True)
        self._apply(plan)
        self.memory = MemoryLadder(plan, self._apply, model.family.name, size)
        self.finish = KeyFinish(spec, size)
        self.anchors: dict[str, AnchorMade] = {}
        self.styles: dict[FrameColours, StyleBank] = {}
        self.words: dict[FrameColours, PictureWords] = {}
        self._widest = 1

    def stylize(self, tasks: Sequence[Task], report: Report, among: Round) -> list[Styled]:
        """One picture for each task."""
        anchor = among.anchor if self.recipe.anchor else None
        asked = [self._prompt(task.key) for task in (*tasks, *([anchor] if anchor else []))]
        seen = self.model.family.supports.style_picture == "attention" and self.spec.adapter is None
        style = self.spec.style if seen else None
        self.session.read([*asked, *([""] if style is not None else [])])
        others = [task for task in tasks if anchor is None or task.key.frame != anchor.key.frame]
        new = anchor is not None and anchor.digest() not in self.anchors
        given = anchor if anchor is not None and new and anchor.finished is not None else None
        first = [anchor] if anchor is not None and new and given is None else []
        if self.edits and self.spec.style is not None:
            self.session.references.show(self.spec.style, among.colours)
        if self.edits and given is not None:
            self._take(given)
            given = None
        passes = (given is not None) + (style is not None and among.colours not in self.styles)
        counter = StepCounter(
            report, self.session.ticks * (len(first) + len(others)) + self.session.evaluations * passes
        )
        if self.spec.style is not None and self.spec.adapter is not None:
            self.session.words = self._words(self.spec.style, self.spec.adapter, among.colours)
        if style is not None:
            self.session.style = self._seen(style, among.colours, counter)
        if given is not None:
            self._follow(given, counter)
        with ExitStack() as stack:
            threads = max(1, torch.get_num_threads())
            pools = [stack.enter_context(ThreadPoolExecutor(threads)) for _ in range(3)]
            batches = _Batches(self, [*first, *others], anchor, among, counter, pools)
            # An edit model's keys look at the finished anchor.
            alone = len(first) if self.edits else 0
            self.memory.run(range(alone), batches.make)
            self.memory.run(range(alone, len(batches.tasks)), batches.make)
            styled = [batches.styled(task) for task in tasks]
            return [one.result() for one in styled]

    def widened(self, rows: list[Row]) -> list[Row]:
        """The rows, the last one repeated up to the size of the batches before: another would be compiled again."""
        if not rows or not self.compiled.on:
            return rows
        self._widest = max(len(rows), min(self._widest, self.memory.plan.batch))
        return rows + rows[-1:] * (self._widest - len(rows))

    def row(self, task: Task, moved: Future[Moved] | None, clip: ClipRange | None, *, elsewhere: bool = False) -> Row:
        """What the network needs of a task, whose anchor may be another clip's (`elsewhere`)."""
        key, motion = task.key, moved.result().anchor if moved is not None else None
        given, carried = ControlPictures(self.spec.control_pictures, clip), self.recipe.noise == "warped"
        return Row(
            to_picture(task.frame, self.size),
            self._prompt(key),
            self.recipe.seed if key.seed is None else key.seed,
            None if task.matte is None else to_matte(task.matte, self.size),
            tuple(self._hint(control.kind, task, given) for control in self.spec.controls),
            NoisePlaces.of(motion, self.model.latents.factor) if motion is not None and carried else None,
            0.0 if motion is None or not elsewhere else 1.0 - motion.shown,
            task.digest(numbered=bool(self.spec.controls)),
        )

    def notes(self, key: Key) -> tuple[str, ...]:
        """What the user should know of all keys, and of how this one's prompts were read."""
        read = (self.session.cond(self._prompt(key)), self.session.cond(self.recipe.negative_prompt, negative=True))
        return (*self.spec.notes, *self.model.notes, *read[0].notes, *read[1].notes, *self.compiled.notes())

    def _prompt(self, key: Key) -> str:
        """What the text encoders read for a key."""
        return without_loras(self.recipe.prompt if key.prompt is None else key.prompt)

    @property
    def edits(self) -> bool:
        """Whether the model looks at pictures that are finished."""
        return self.model.family.supports.references

    def laid(self, task: Task, made: Made) -> Made:
        """A key as it lies on its frame: edit models move and recolour pictures a little."""
        return self.finish.laid(task, made) if self.edits else made

    def keep_anchor(self, anchor: Task, made: Made, left: Anchor) -> None:
        """One is kept."""
        self.anchors.clear()
        if self.edits:
            left.picture = made.picture
        coded = self.finish.coded(made) if anchor.finished is None else to_coded(made.picture)
        frame = self.finish.anchor_frame(anchor, coded)
        self.anchors[anchor.digest()] = AnchorMade(frame, made, left)

    def new_bank(self) -> Anchor:
        """Room for what an anchor leaves."""
        return Anchor(AnchorBank(ANCHOR_SHARE * free_mib() if self.model.device.type == "cuda" else None))

    def _follow(self, anchor: Task, counter: StepCounter) -> None:
        """Have an anchor that is finished leave what it would have left."""
        assert anchor.finished is not None
        row, picture, left = self.row(anchor, None, None), to_picture(anchor.finished, self.size), self.new_bank()

        def work(_: Sequence[int]) -> None:
            made = self.maker.follow(row, picture, AnchorRelation(left, 0), counter.ticks(1))
            self.keep_anchor(anchor, made, left)

        self.memory.run(range(1), work)

    def _words(self, style: StylePicture, adapter: AdapterFiles, colours: FrameColours) -> PictureWords:
        """What an IP-Adapter makes of the style picture, found once."""
        if colours not in self.words:
            picture = style.frame(colours)
            self.words = {colours: picture_words(adapter, self.model.network, picture, style.strength)}
        return self.words[colours]

    def _seen(self, style: StylePicture, colours: FrameColours, counter: StepCounter) -> StyleBank:
        """What the network sees in the style picture, found once."""
        if colours not in self.styles:
            frame, bank = style.frame(colours), self.new_bank().bank
            size = fit(frame.size, self.size[0] * self.size[1], self.spec.family.multiple_px)
            picture = to_picture(frame, size)

            def work(_: Sequence[int]) -> None:
                statistics = self.maker.see_style(picture, bank, counter.ticks(1))
                self.styles = {colours: StyleBank(bank, statistics, style.strength)}

            self.memory.run(range(1), work)
            self.finish.style = Palette.of(to_coded(picture))
        return self.styles[colours]

    def _take(self, anchor: Task) -> None:
        """Take an anchor that is finished as a picture to look at."""
        assert anchor.finished is not None
        picture = to_picture(anchor.finished, self.size).to(self.model.device)
        made = Made(picture, self.maker.ladder[0], self.vae.ladder[0], 0)
        self.keep_anchor(anchor, made, self.new_bank())

    def _hint(self, kind: str, task: Task, given: ControlPictures) -> torch.Tensor:
        """What a ControlNet sees of a task's frame."""
        nothing = None if task.finished is None else unseen(kind, self.size)
        return hint(kind, task.frame, task.key.frame, self.size, given) if nothing is None else nothing

    def facts(self, key: Key, made: Made, anchor: int | None) -> dict[str, Any]:
        """How a key was made, for the manifest."""
        recipe = self.recipe
        return {
            "model": self.spec.checkpoint.name,
            "model_hash": self.spec.model_hash[:10],
            "family": self.model.family.name,
            "device": str(self.model.device),
            "size": list(self.size),
            "sampler": recipe.sampler,
            "steps": recipe.steps,
            "seed": recipe.seed if key.seed is None else key.seed,
            "sigma_start": round(float(self.session.sigmas[0]), 6),
            "evaluations": self.session.evaluations,
            "noise": recipe.noise,
            "unet_dtype": precision.name_of(made.unet_dtype),
            "vae_dtype": precision.name_of(made.vae_dtype),
            "retries": made.retries,
            "memory": self.memory.plan.facts(),
            "batch_reductions": [plan.facts() for plan in self.memory.reductions],
            "anchor": anchor,
            **({"style": self.spec.style.facts()} if self.spec.style is not None else {}),
            **({"look_file": self.spec.given.name} if self.spec.given is not None else {}),
        }

    def _control(self, rows: Sequence[Row], dtype: torch.dtype) -> Control:
        hints = [torch.stack(hints).to(self.model.device) for hints in zip(*(row.hints for row in rows), strict=True)]
        return self.controls(hints, dtype)

    def _apply(self, plan: MemoryPlan) -> None:
        self.compiled.forget()
        self.vae.tile(plan.tiled)
        self.model.turns.take_turns(plan.offload)


class _Batches:
    """The tasks of one call on their way through a pipeline, the anchor first unless it is known from before."""

    def __init__(
        self, pipeline: Pipeline, tasks: list[Task], anchor: Task | None, among: Round, counter: StepCounter,
        pools: Sequence[ThreadPoolExecutor],
    ) -> None:  # fmt: skip
        self.pipeline, self.tasks, self.anchor, self.counter = pipeline, tasks, anchor, counter
        ahead, moving, self._behind = pools
        self._keys = max(len(tasks), among.keys)
        finish = pipeline.finish
        self._frame = None if anchor is None else finish.anchor_frame(anchor, None)
        self._moved = Prefetch(moving, lambda n: finish.moved(tasks[n], self._frame), len(tasks))
        # What is carried along the motion and what another clip's anchor doesn't show wait for it; all else needs it in
        # the end only.
        elsewhere = anchor is not None and anchor.finished is not None
        waits = pipeline.recipe.noise == "warped" or elsewhere
        self._rows = Prefetch(
            ahead,
            lambda n: pipeline.row(
                tasks[n], self._moved.waiting[n] if waits else None, among.clip, elsewhere=elsewhere
            ),
            len(tasks),
        )
        self._done: dict[int, Future[Styled]] = {}

    def make(self, numbers: Sequence[int]) -> None:
        """Make these tasks together."""
        pipeline = self.pipeline
        reach = 2 * pipeline.memory.plan.batch
        moved = self._moved.begin(numbers, reach)
        rows = self._rows.get(numbers, reach)
        known = None if self.anchor is None else pipeline.anchors.get(self.anchor.digest())
        left, place = None if known is None else known.left, None
        if self.anchor is not None and known is None:
            left, place = pipeline.new_bank(), 0
        made = dict(zip(numbers, self._made([rows[n] for n in numbers], numbers, left, place), strict=False))
        if self.anchor is not None and left is not None and place is not None:
            made[numbers[0]] = pipeline.laid(self.anchor, made[numbers[0]])
            pipeline.keep_anchor(self.anchor, made[numbers[0]], left)
        for n in numbers:
            self._done[id(self.tasks[n])] = self._behind.submit(self._finished, self.tasks[n], made[n], moved[n])

    def _made(self, rows: list[Row], numbers: Sequence[int], left: Anchor | None, place: int | None) -> list[Made]:
        """The rows' pictures, the fastest way."""
        pipeline, plan = self.pipeline, self.pipeline.memory.plan
        how = "alone" if left is None else "anchored" if place is None else "with the anchor"
        kind, to_come = BatchKind(how, plan.batch), self._keys - numbers[0]
        pipeline.compiled.choose(kind, to_come if place is None else len(rows))
        begun = time.perf_counter()
        ticks = self.counter.ticks(len(numbers))
        made = pipeline.maker.make(pipeline.widened(rows), AnchorRelation(left, place), ticks)
        if len(rows) == plan.batch and not any(one.retries for one in made):
            pipeline.compiled.took(kind, time.perf_counter() - begun)
        return made

    def styled(self, task: Task) -> Future[Styled]:
        """A task's picture, on its way; the anchor's is finished here."""
        if id(task) not in self._done:
            assert self.anchor is not None
            known = self.pipeline.anchors[self.anchor.digest()]
            self._done[id(task)] = self._behind.submit(self._finished, task, known.made, None)
        return self._done[id(task)]

    def _finished(self, task: Task, made: Made, moved: Future[Moved] | None) -> Styled:
        pipeline, finish = self.pipeline, self.pipeline.finish
        anchor = None if self.anchor is None else pipeline.anchors[self.anchor.digest()].frame
        if self.anchor is None or task.key.frame != self.anchor.key.frame:
            made = pipeline.laid(task, made)
        frame = finish.frame(task, made, anchor, Moved() if moved is None else moved.result())
        notes = (*pipeline.notes(task.key), *finish.notes(task, made))
        own = anchor is not None and anchor.look is None
        return Styled(
            frame, pipeline.facts(task.key, made, anchor.number if anchor is not None and own else None), notes
        )
