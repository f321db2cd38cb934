"""One look at one size: batches within memory, and the anchor that keys are made against.

frames --prepare--> rows --Maker, in batches--> pictures --finish--> frames
   (motion, hints, in a thread ahead)               (colours, size, in a thread behind)
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from restrip.client.discovery import state_dir
from restrip.looks.diffusion.backbones.backbone import Control
from restrip.looks.diffusion.checkpoints.adapter_specs import unused_loras, without_loras
from restrip.looks.diffusion.conditioning.control_pictures import ControlPictures
from restrip.looks.diffusion.conditioning.controlnet import hint, unseen
from restrip.looks.diffusion.consistency.anchor_attention import AnchorBank
from restrip.looks.diffusion.consistency.anchor_fusion import Carried, fusion
from restrip.looks.diffusion.consistency.colour_match import matched
from restrip.looks.diffusion.consistency.key_motion import Motion, carried, motion
from restrip.looks.diffusion.runtime import precision
from restrip.looks.diffusion.runtime.batch_row import Anchor, AnchorRelation, Row
from restrip.looks.diffusion.runtime.compiled import kept_compiled, pays
from restrip.looks.diffusion.runtime.image_tensors import Floats, resized, to_coded, to_frame, to_matte, to_picture
from restrip.looks.diffusion.runtime.key_task import Round, Task
from restrip.looks.diffusion.runtime.memory_plan import MemoryLadder, MemoryPlan, first_plan, free_mib
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.model_session import Session
from restrip.looks.diffusion.runtime.precision_retry import Made, Maker
from restrip.looks.diffusion.runtime.prefetch import Prefetch, StepCounter
from restrip.looks.diffusion.runtime.vae import Vae
from restrip.looks.diffusion.sampling.samplers import SAMPLERS
from restrip.looks.look import Styled
from restrip.looks.palette import Palette, shift_between

if TYPE_CHECKING:
    from restrip.looks.diffusion.spec import LookSpec
    from restrip.media.frame import Frame
    from restrip.progress import Report
    from restrip.timeline import ClipRange, Key

# The share of the GPU's free memory that the anchor's features may take; beyond, they wait in the computer's.
ANCHOR_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class AnchorMade:
    """The anchor as it was made: its frame at the working size (uint8), its picture [h, w, 3] in 0..1, what it left.

    `look` are the palettes of its frame and its picture where it is of another strip: keys may show nothing of it.
    """

    number: int
    small: Any
    coded: Floats
    made: Made
    left: Anchor
    look: tuple[Palette, Palette] | None = None


class Pipeline:
    """Makes the keys of one look whose frames have one working size (width, height).

    `noise_at` is the working size that their noise is drawn for, if it is a larger one.
    """

    def __init__(
        self,
        spec: LookSpec,
        model: Model,
        size: tuple[int, int],
        dtype: torch.dtype,
        *,
        noise_at: tuple[int, int] | None = None,
    ) -> None:
        self.spec, self.recipe, self.size, self.model = spec, spec.recipe, size, model
        vae_first = precision.first_vae_dtype(model.device, self.recipe.precision, model.family)
        self.vae = Vae(model.vae, vae_first, model.turns, model.latents)
        spacing = SAMPLERS[self.recipe.sampler].spacing if self.recipe.schedule == "auto" else self.recipe.schedule
        noise_at = noise_at or size
        self.session = Session(model, self.recipe, self.vae, spacing, noise_at)
        if spec.draft:
            self.session.take_few_steps(size[0] / noise_at[0])
        self.maker = Maker(self.session, dtype)
        if spec.controls:
            self.controls = model.backbone.controls(spec.controls, dtype, model.device)
            self.session.make_control = self._control
        plan = first_plan(self.recipe.batch, model.family.name, size, model.device).sparing(spec.spared)
        self._apply(plan)
        self.memory = MemoryLadder(plan, self._apply, model.family.name, size)
        self._anchors: dict[str, AnchorMade] = {}
        self._clip: ClipRange | None = None
        self._widest = 1

    def stylize(self, tasks: Sequence[Task], report: Report, among: Round) -> list[Styled]:
        """One picture for each task."""
        ticks = self.session.ticks
        anchor = among.anchor if self.recipe.anchor else None
        self._clip = among.clip
        others = sum(anchor is None or task.key.frame != anchor.key.frame for task in tasks)
        self._compile(max(others, among.keys), anchor is not None)
        new = anchor is not None and anchor.digest() not in self._anchors
        first = self.session.evaluations if anchor is not None and anchor.finished is not None else ticks
        counter = StepCounter(report, ticks * others + first * new)
        against = None if anchor is None else self._anchor(anchor, counter)
        results: dict[int, Future[Styled]] = {}
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(1) as behind:
            rows = Prefetch(ahead, lambda n: self._prepare(tasks[n], against), len(tasks))

            def work(numbers: Sequence[int]) -> None:
                prepared = rows.get(numbers, 2 * self.memory.plan.batch)
                todo = [n for n in numbers if against is None or tasks[n].key.frame != against.number]
                relation = AnchorRelation(anchor=against.left, fuses=self._fuses) if against else AnchorRelation()
                batch = [prepared[n][0] for n in todo]
                if todo and self.vae.compiled_decoder is not None:  # another batch size would be compiled again
                    self._widest = max(len(batch), min(self._widest, self.memory.plan.batch))
                    batch += batch[-1:] * (self._widest - len(batch))
                made = self.maker.make(batch, relation, counter.ticks(len(todo)))[: len(todo)] if todo else []
                by_number = dict(zip(todo, made, strict=True))
                for n in numbers:
                    one = by_number.get(n) or (against.made if against else made[0])
                    moved = prepared[n][1] if n in by_number else None
                    results[n] = behind.submit(self._finish, tasks[n], one, against, moved)

            self.memory.run(range(len(tasks)), work)
            return [results[n].result() for n in range(len(tasks))]

    def _compile(self, count: int, anchored: bool) -> None:
        """Compile the networks when it pays for `count` keys.

        Of anchored keys only the VAE: what their network sees of the anchor is another at each step.
        """
        pay = pays(self.recipe.compile, self.model.device, count, self.session.evaluations)
        folder, network, decoder = state_dir() / "compiled", self.session.compiled_network, self.vae.compiled_decoder
        kept = kept_compiled(network, self.model.network, folder) if pay and not anchored else None
        self.session.compiled_network = kept
        self.vae.compiled_decoder = kept_compiled(decoder, self.model.vae.decode, folder) if pay else None

    @property
    def _fuses(self) -> bool:
        return self.recipe.anchor_fusion > 0

    def _prepare(self, task: Task, against: AnchorMade | None) -> tuple[Row, Motion | None]:
        """What the network needs of a task, and the motion between it and the anchor."""
        moved, before = None, None
        if against is not None and task.key.frame != against.number:
            moved = motion(against.small, self._small(task.frame))
        factor, key = self.model.latents.factor, task.key
        if task.before is not None and self.recipe.previous_fusion > 0:
            since = motion(self._small(task.before.frame), self._small(task.frame))
            before = Carried(
                fusion(since, factor, self.recipe.previous_fusion), to_picture(task.before.picture, self.size)
            )
        given = ControlPictures(self.spec.control_pictures, self._clip)
        row = Row(
            to_picture(task.frame, self.size),
            self._prompt(key),
            self.recipe.seed if key.seed is None else key.seed,
            None if task.matte is None else to_matte(task.matte, self.size),
            tuple(self._hint(control.kind, task, given) for control in self.spec.controls),
            None if moved is None else fusion(moved, factor, self.recipe.anchor_fusion),
            before,
            task.digest(numbered=bool(self.spec.controls)),
        )
        return row, moved

    def _hint(self, kind: str, task: Task, given: ControlPictures) -> torch.Tensor:
        """What a ControlNet sees of a task's frame."""
        nothing = None if task.finished is None else unseen(kind, self.size)
        return hint(kind, task.frame, task.key.frame, self.size, given) if nothing is None else nothing

    def _small(self, frame: Frame) -> Any:
        """The frame at the working size, uint8 [h, w, 3]."""
        return (to_coded(to_picture(frame, self.size)) * 255 + 0.5).astype("uint8")

    def _anchor(self, anchor: Task, counter: StepCounter) -> AnchorMade:
        """The anchor, made when it is first asked for; one is kept."""
        digest = anchor.digest()
        if digest not in self._anchors:
            self._anchors.clear()
            row, _ = self._prepare(anchor, None)
            finished = None if anchor.finished is None else to_picture(anchor.finished, self.size)
            limit = ANCHOR_SHARE * free_mib() if self.model.device.type == "cuda" else None
            made: list[tuple[Made, Anchor]] = []

            def work(_: Sequence[int]) -> None:
                left = Anchor(AnchorBank(limit))
                relation = AnchorRelation(record=left, fuses=self._fuses)
                tick = counter.ticks(1)
                if finished is None:
                    made.append((self.maker.make([row], relation, tick)[0], left))
                    return
                made.append((self.maker.follow(row, finished, relation, tick), left))
                left.pictures = dict.fromkeys(left.pictures, finished.to(self.model.device))

            self.memory.run(range(1), work)
            one, left = made[-1]
            coded, shown = to_coded(one.picture), to_coded(row.picture)
            look = (Palette.of(shown), Palette.of(coded)) if finished is not None else None
            self._anchors[digest] = AnchorMade(anchor.key.frame, self._small(anchor.frame), coded, one, left, look)
        return self._anchors[digest]

    def _finish(self, task: Task, made: Made, against: AnchorMade | None, moved: Motion | None) -> Styled:
        """The frame of a made row, its colours brought to the anchor's, with its facts."""
        coded = to_coded(made.picture)
        if against is not None and moved is not None:
            coded = self._coloured(coded, task, against, moved)
        notes = [*self.spec.notes, *self.model.notes]
        for name in unused_loras(task.key.prompt or "", self.spec.loras):
            notes.append(f"The LoRA {name} in the own prompt of {task.key.said} isn't used: name it in the job's.")
        notes += self.session.cond(self._prompt(task.key)).notes
        notes += self.session.cond(self.recipe.negative_prompt, negative=True).notes
        if made.doubtful:
            notes.append(f"The picture of {task.key.said} came out black or of one colour, in full precision too.")
        matte = None if task.matte is None else resized(task.matte, task.frame.size)
        return Styled(to_frame(coded, task.frame, matte), self._facts(task.key, made, against), tuple(notes))

    def _coloured(self, coded: Floats, task: Task, against: AnchorMade, moved: Motion) -> Floats:
        """A picture's colours brought to the anchor's: by what both show, else by what its look does to colours."""
        strength = self.recipe.anchor_color
        alike = matched(coded, carried(against.coded, moved.flow), moved.seen, strength)
        if against.look is None:
            return alike
        both = float(moved.seen.mean()) ** 2  # Without a step: what is seen changes from key to key.
        shown = to_coded(to_picture(task.frame, self.size))
        own = (Palette.of(shown), Palette.of(coded))
        shifted = shift_between(against.look, own, strength).applied(coded)
        return (shifted + np.float32(both) * (alike - shifted)).astype(np.float32)

    def _prompt(self, key: Key) -> str:
        """What the text encoders read for a key."""
        return without_loras(self.recipe.prompt if key.prompt is None else key.prompt)

    def _facts(self, key: Key, made: Made, against: AnchorMade | None) -> dict[str, Any]:
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
            "anchor": against.number if against and against.look is None else None,
            **({"look_file": self.spec.given.name} if self.spec.given is not None else {}),
        }

    def _control(self, rows: Sequence[Row], dtype: torch.dtype) -> Control:
        hints = [torch.stack(hints).to(self.model.device) for hints in zip(*(row.hints for row in rows), strict=True)]
        return self.controls(hints, dtype)

    def _apply(self, plan: MemoryPlan) -> None:
        self.vae.tile(plan.tiled)
        self.model.turns.active = plan.offload
