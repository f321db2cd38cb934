"""One look at one size: batches within memory, and the anchor that keys are made against.

frames --prepare--> rows --Maker, in batches--> pictures --finish--> frames
   (motion, hints, in a thread ahead)               (colours, size, in a thread behind)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from restrip.client.discovery import state_dir
from restrip.looks.diffusion.checkpoints.adapter_specs import unused_loras, without_loras
from restrip.looks.diffusion.checkpoints.loader import open_controlnet
from restrip.looks.diffusion.conditioning.control_pictures import ControlPictures
from restrip.looks.diffusion.conditioning.controlnet import ControlNet, added, hint
from restrip.looks.diffusion.consistency.anchor_attention import AnchorBank
from restrip.looks.diffusion.consistency.anchor_fusion import Carried, fusion
from restrip.looks.diffusion.consistency.colour_match import matched
from restrip.looks.diffusion.consistency.key_motion import Motion, carried, motion
from restrip.looks.diffusion.runtime import precision
from restrip.looks.diffusion.runtime.compiled import kept_compiled, pays
from restrip.looks.diffusion.runtime.image_tensors import Floats, resized, to_coded, to_frame, to_matte, to_picture
from restrip.looks.diffusion.runtime.memory_plan import MemoryLadder, MemoryPlan, first_plan, free_mib
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.model_cache import Order
from restrip.looks.diffusion.runtime.model_session import Anchor, Link, Row, Session
from restrip.looks.diffusion.runtime.precision_retry import Made, Maker
from restrip.looks.diffusion.runtime.vae import Vae
from restrip.looks.diffusion.sampling.denoiser import Control
from restrip.looks.diffusion.sampling.samplers import SAMPLERS
from restrip.looks.look import Styled

if TYPE_CHECKING:
    from restrip.looks.diffusion.look import DiffusionLook
    from restrip.media.frame import Frame
    from restrip.progress import Report
    from restrip.timeline import ClipRange, Key

# The share of the GPU's free memory that the anchor's features may take; beyond, they wait in the computer's.
ANCHOR_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class Task:
    """One key to make; `matte` [H, W] float32 in 0..1."""

    frame: Frame
    key: Key
    matte: Floats | None = None
    before: Before | None = None


@dataclass(frozen=True, eq=False)
class Before:
    """The key before: its frame and its finished picture."""

    frame: Frame
    picture: Frame


@dataclass(frozen=True, eq=False)
class Round:
    """What the keys of one call have in common: their anchor, the clip that they are of, how many the job has."""

    anchor: Task | None = None
    clip: ClipRange | None = None
    keys: int = 0


@dataclass(frozen=True, eq=False)
class AnchorMade:
    """The anchor as it was made: its frame at the working size (uint8), its picture [h, w, 3] in 0..1, what it left."""

    number: int
    small: Any
    coded: Floats
    made: Made
    left: Anchor


class Workplace:
    """Makes the keys of one look whose frames have one working size (width, height)."""

    def __init__(self, look: DiffusionLook, model: Model, size: tuple[int, int], order: Order) -> None:
        self.look, self.recipe, self.size, self.model = look, look.recipe, size, model
        vae_first = precision.first_vae_dtype(model.device, self.recipe.precision, xl=model.xl)
        self.vae = Vae(model.vae, vae_first, model.turns)
        spacing = SAMPLERS[self.recipe.sampler].spacing if self.recipe.schedule == "auto" else self.recipe.schedule
        self.session = Session(model, self.recipe, self.vae, spacing)
        self.maker = Maker(self.session, order.unet)
        self.nets = [
            ControlNet(file, open_controlnet(file.path, dict(model.unet.config), order.unet).to(model.device))
            for file in look.controls
        ]
        self.session.make_control = self._control if self.nets else None
        plan = first_plan(self.recipe.batch, model.family.name, size, model.device).sparing(look.spared)
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
        counter = _Counter(report, ticks * (others + (anchor is not None and _digest(anchor) not in self._anchors)))
        against = None if anchor is None else self._anchor(anchor, counter)
        results: dict[int, Future[Styled]] = {}
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(1) as behind:
            rows = _Ahead(ahead, lambda n: self._prepare(tasks[n], against), len(tasks))

            def work(numbers: Sequence[int]) -> None:
                prepared = rows.get(numbers, 2 * self.memory.plan.batch)
                todo = [n for n in numbers if against is None or tasks[n].key.frame != against.number]
                link = Link(anchor=against.left, fuses=self._fuses) if against else Link()
                batch = [prepared[n][0] for n in todo]
                if todo and self.vae.compiled_decoder is not None:  # another batch size would be compiled again
                    self._widest = max(len(batch), min(self._widest, self.memory.plan.batch))
                    batch += batch[-1:] * (self._widest - len(batch))
                made = self.maker.make(batch, link, counter.ticks(len(todo)))[: len(todo)] if todo else []
                by_number = dict(zip(todo, made, strict=True))
                for n in numbers:
                    one = by_number.get(n) or (against.made if against else made[0])
                    moved = prepared[n][1] if n in by_number else None
                    results[n] = behind.submit(self._finish, tasks[n], one, against, moved)

            self.memory.run(range(len(tasks)), work)
            return [results[n].result() for n in range(len(tasks))]

    def _compile(self, count: int, anchored: bool) -> None:
        """Compile the networks when it pays for `count` keys.

        Of anchored keys only the VAE: what their UNet sees of the anchor is another at each step.
        """
        pay = pays(self.recipe.compile, self.model.device, count, self.session.evaluations)
        folder, unet, decoder = state_dir() / "compiled", self.session.compiled_unet, self.vae.compiled_decoder
        self.session.compiled_unet = kept_compiled(unet, self.model.unet, folder) if pay and not anchored else None
        self.vae.compiled_decoder = kept_compiled(decoder, self.model.vae.decode, folder) if pay else None

    @property
    def _fuses(self) -> bool:
        return self.recipe.anchor_fusion > 0

    def _prepare(self, task: Task, against: AnchorMade | None) -> tuple[Row, Motion | None]:
        """What the network needs of a task, and the motion between it and the anchor."""
        moved, before = None, None
        if against is not None and task.key.frame != against.number:
            moved = motion(against.small, self._small(task.frame))
        factor, key = self.model.factor, task.key
        if task.before is not None and self.recipe.previous_fusion > 0:
            since = motion(self._small(task.before.frame), self._small(task.frame))
            before = Carried(
                fusion(since, factor, self.recipe.previous_fusion), to_picture(task.before.picture, self.size)
            )
        given = ControlPictures(self.look.control_pictures, self._clip)
        row = Row(
            to_picture(task.frame, self.size),
            without_loras(self.recipe.prompt if key.prompt is None else key.prompt),
            self.recipe.seed if key.seed is None else key.seed,
            None if task.matte is None else to_matte(task.matte, self.size),
            tuple(hint(net.file.kind, task.frame, key.frame, self.size, given) for net in self.nets),
            None if moved is None else fusion(moved, factor, self.recipe.anchor_fusion),
            before,
            _digest(task, numbered=bool(self.nets)),
        )
        return row, moved

    def _small(self, frame: Frame) -> Any:
        """The frame at the working size, uint8 [h, w, 3]."""
        return (to_coded(to_picture(frame, self.size)) * 255 + 0.5).astype("uint8")

    def _anchor(self, anchor: Task, counter: _Counter) -> AnchorMade:
        """The anchor, made when it is first asked for; one is kept."""
        digest = _digest(anchor)
        if digest not in self._anchors:
            self._anchors.clear()
            row, _ = self._prepare(anchor, None)
            limit = ANCHOR_SHARE * free_mib() if self.model.device.type == "cuda" else None
            made: list[tuple[Made, Anchor]] = []

            def work(_: Sequence[int]) -> None:
                left = Anchor(AnchorBank(limit))
                link = Link(record=left, fuses=self._fuses)
                made.append((self.maker.make([row], link, counter.ticks(1))[0], left))

            self.memory.run(range(1), work)
            self._anchors[digest] = AnchorMade(
                anchor.key.frame, self._small(anchor.frame), to_coded(made[-1][0].picture), made[-1][0], made[-1][1]
            )
        return self._anchors[digest]

    def _finish(self, task: Task, made: Made, against: AnchorMade | None, moved: Motion | None) -> Styled:
        """The frame of a made row, its colours brought to the anchor's, with its facts."""
        coded = to_coded(made.picture)
        if against is not None and moved is not None:
            coded = matched(coded, carried(against.coded, moved.flow), moved.seen, self.recipe.anchor_color)
        notes = [*self.look.notes, *self.model.notes]
        for name in unused_loras(task.key.prompt or "", self.look.loras):
            notes.append(f"The LoRA {name} in the own prompt of {task.key.said} isn't used: name it in the job's.")
        if made.doubtful:
            notes.append(f"The picture of {task.key.said} came out black or of one colour, in full precision too.")
        matte = None if task.matte is None else resized(task.matte, task.frame.size)
        return Styled(to_frame(coded, task.frame, matte), self._facts(task.key, made, against), tuple(notes))

    def _facts(self, key: Key, made: Made, against: AnchorMade | None) -> dict[str, Any]:
        """How a key was made, for the manifest."""
        recipe = self.recipe
        return {
            "model": self.look.checkpoint.name,
            "model_hash": self.look.identity()["model"][:10],
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
            "anchor": against.number if against else None,
        }

    def _control(self, rows: Sequence[Row], dtype: torch.dtype) -> Control:
        for net in self.nets:
            precision.cast(net.module, dtype)
        hints = [torch.stack([row.hints[n] for row in rows]).to(self.model.device) for n in range(len(self.nets))]
        return added(self.nets, hints)

    def _apply(self, plan: MemoryPlan) -> None:
        self.vae.tile(plan.tiled)
        self.model.turns.active = plan.offload


class _Counter:
    """Turns ticks of batches into steps of the whole."""

    def __init__(self, report: Report, total: int) -> None:
        self.report, self.total, self.done = report, total, 0

    def ticks(self, rows: int) -> Callable[[], None]:
        """A tick that counts for that many rows; what is made a second time counts once."""

        def tick() -> None:
            self.done = min(self.total, self.done + rows)
            self.report(self.done, self.total)

        return tick


class _Ahead:
    """Prepares what comes next in a thread, and forgets what was used when the next batch is asked for."""

    def __init__(self, pool: ThreadPoolExecutor, prepare: Callable[[int], Any], count: int) -> None:
        self.pool, self.prepare, self.count = pool, prepare, count
        self.waiting: dict[int, Future[Any]] = {}

    def get(self, numbers: Sequence[int], reach: int) -> dict[int, Any]:
        """What was prepared for `numbers`, in order; those up to `reach` further are begun."""
        first = numbers[0]
        self.waiting = {n: future for n, future in self.waiting.items() if n >= first}
        for n in range(first, min(self.count, first + max(reach, len(numbers)))):
            if n not in self.waiting:
                self.waiting[n] = self.pool.submit(self.prepare, n)
        return {n: self.waiting[n].result() for n in numbers}


def _digest(task: Task, *, numbered: bool = True) -> str:
    """Says which frame and matte this is; `numbered` with the key, whose number chooses control pictures."""
    content = hashlib.sha256(task.frame.rgb.data)
    if task.matte is not None:
        content.update(np.ascontiguousarray(task.matte).data)
    if numbered:
        content.update(repr(task.key).encode())
    return content.hexdigest()
