"""One loaded model at work: rows in, pictures out, for one recipe at one size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from restrip.looks.diffusion.conditioning.inpaint import conditioning, on_latents
from restrip.looks.diffusion.conditioning.text_encoders import Cond, encode_prompt
from restrip.looks.diffusion.consistency.anchor_attention import AnchorBank, recording, replaying
from restrip.looks.diffusion.consistency.anchor_fusion import Carried, Fusion, fuse, fused_steps, late_steps
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.runtime import precision
from restrip.looks.diffusion.runtime.lru import Recent
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.vae import Vae
from restrip.looks.diffusion.sampling import inversion
from restrip.looks.diffusion.sampling.denoiser import Control, Denoiser
from restrip.looks.diffusion.sampling.samplers import SAMPLERS
from restrip.looks.diffusion.sampling.schedules import start_index
from restrip.looks.diffusion.sampling.seed_noise import SeedNoise, mixed

Tick = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Row:
    """One picture to make: its source [3, h, w] in -1..1 at the working size, its prompt and seed.

    `matte` [1, h, w] is 1 where the picture may change; `hints` are its ControlNets' pictures [3, h, w] in 0..1;
    `fusion` is what the anchor shows of it, `before` the finished key before it as it is seen here; `digest` says
    which frame it is, with all that its noise depends on.
    """

    picture: torch.Tensor
    prompt: str
    seed: int
    matte: torch.Tensor | None = None
    hints: tuple[torch.Tensor, ...] = ()
    fusion: Fusion | None = None
    before: Carried | None = None
    digest: str = ""


@dataclass
class Anchor:
    """What the anchor left for other keys: features of its attention, and its predicted pictures by step."""

    bank: AnchorBank
    pictures: dict[int, torch.Tensor] = field(default_factory=dict)
    noise: torch.Tensor | None = None


@dataclass(frozen=True)
class Link:
    """How a batch hangs together with the anchor: it is the anchor (`record`), follows one (`anchor`), or neither."""

    record: Anchor | None = None
    anchor: Anchor | None = None
    fuses: bool = False

    def at(self, step: int) -> None:
        """The evaluation that comes next."""
        for anchor in (self.record, self.anchor):
            if anchor is not None:
                anchor.bank.evaluation = step


class Session:
    """The model with one recipe. `make_control` makes what ControlNets add, from the rows' hints."""

    def __init__(self, model: Model, recipe: Recipe, vae: Vae, spacing: str) -> None:
        self.model, self.recipe, self.vae = model, recipe, vae
        self.sampler = SAMPLERS[recipe.sampler]
        table = model.schedule.table(spacing, recipe.steps)
        self.full = table
        self.sigmas = table[start_index(recipe.steps, recipe.denoising_strength) :]
        self.casts = precision.Casts(model.unet)
        self.make_control: Callable[[Sequence[Row], torch.dtype], Control] | None = None
        self.compiled_unet: Any = None
        self.recovered = Recent()
        self._conds: dict[tuple[str, bool], Cond] = {}

    @property
    def evaluations(self) -> int:
        """Evaluations of the network for one picture, without noise recovery."""
        return len(self.sigmas) - 1

    @property
    def ticks(self) -> int:
        """How many times a batch calls its tick."""
        rising = {"exact": self.evaluations * self.recipe.recovery_iterations, "plain": len(self.full) - 1,
                  "adjusted": len(self.full) - 2}  # fmt: skip
        return self.evaluations + rising.get(self.recipe.noise, 0)

    def cond(self, prompt: str, *, negative: bool = False) -> Cond:
        """A prompt's embeddings, kept for the session's life."""
        key = prompt, negative
        if key not in self._conds:
            self._conds[key] = encode_prompt(self.model.encoders, prompt, self.recipe.clip_skip, negative=negative)
        return self._conds[key]

    def latents(
        self, rows: Sequence[Row], clean: torch.Tensor, dtype: torch.dtype, link: Link, tick: Tick
    ) -> torch.Tensor:
        """The rows' finished latents from their clean ones [rows, 4, h, w] float32, with the UNet in `dtype`."""
        denoiser = self._denoiser(rows, dtype, [row.prompt for row in rows])
        noise = SeedNoise([row.seed for row in rows], clean.shape[1:], clean.device)
        with torch.inference_mode():
            x = self._start(rows, clean, noise, dtype, link, tick)
            predict = self._predict(rows, denoiser, clean, link, tick)
            with _attention(denoiser.unet, link, self.recipe):
                x = self.sampler.walk(predict, x, self.sigmas, noise.draw)
            return x / float(1 + self.sigmas[-1] ** 2) ** 0.5

    def _denoiser(self, rows: Sequence[Row], dtype: torch.dtype, prompts: Sequence[str]) -> Denoiser:
        recipe = self.recipe
        extra = None
        if self.model.inpainting:
            pictures = torch.stack([row.picture for row in rows]).to(self.model.device)
            extra = conditioning(
                pictures, _mattes(rows, pictures), recipe.mask_weight, self.model.factor, self.vae.encode
            )
        return Denoiser(
            self.model,
            [self.cond(prompt) for prompt in prompts],
            [self.cond(recipe.negative_prompt, negative=True)] * len(rows),
            recipe.cfg_scale,
            self._unet(dtype),
            extra,
            self.make_control(rows, dtype) if self.make_control else None,
        )

    def _unet(self, dtype: torch.dtype) -> Any:
        """The network in `dtype`; a compiled one stands for the model's own precision."""
        network = self.casts.get(dtype)
        return self.compiled_unet if self.compiled_unet is not None and network is self.model.unet else network

    def _start(
        self, rows: Sequence[Row], clean: torch.Tensor, seeded: SeedNoise, dtype: torch.dtype, link: Link, tick: Tick
    ) -> torch.Tensor:
        """The noisy state to start from, by where the noise comes from."""
        recipe, sigma = self.recipe, float(self.sigmas[0])
        random = seeded.draw()
        if recipe.noise == "warped" and link.anchor is not None and link.anchor.noise is not None:
            moved = [
                new if row.fusion is None else row.fusion.carried_noise(link.anchor.noise[0], new)
                for row, new in zip(rows, random, strict=True)
            ]
            return clean + sigma * torch.stack(moved)
        if recipe.noise in ("seeded", "warped"):
            if link.record is not None:
                link.record.noise = random
            return clean + sigma * random
        recovered = self.recovered.get(
            [(row.digest, dtype) for row in rows],
            lambda which: self._recovered([rows[n] for n in which], clean[which], dtype, tick),
        )
        noise = mixed(recovered, random, recipe.randomness)
        if recipe.noise == "exact":
            return clean + sigma * noise
        return clean + sigma * (noise - clean / float(self.full[0]))

    def _recovered(self, rows: Sequence[Row], clean: torch.Tensor, dtype: torch.dtype, tick: Tick) -> torch.Tensor:
        """The rows' noise, recovered from their frames."""
        denoiser = self._denoiser(rows, dtype, [self.recipe.original_prompt] * len(rows))

        def eps(x: torch.Tensor, at: float) -> torch.Tensor:
            tick()
            return denoiser.eps(x, at, guided=False)

        if self.recipe.noise == "exact":
            state = inversion.exact(eps, clean, self.sigmas[::-1], self.recipe.recovery_iterations)
            return (state - clean) / float(self.sigmas[0])
        recover = inversion.plain if self.recipe.noise == "plain" else inversion.adjusted
        return recover(eps, clean, self.full[::-1])

    def _predict(
        self, rows: Sequence[Row], denoiser: Denoiser, clean: torch.Tensor, link: Link, tick: Tick
    ) -> Callable[[torch.Tensor, int], torch.Tensor]:
        """What the sampler asks at each step: the predicted picture, fused with the anchor's, kept outside mattes."""
        fusing = fused_steps(self.evaluations) if link.fuses else frozenset()
        late = late_steps(self.evaluations)
        mattes = _mattes(rows, clean)
        inside = None if mattes is None else on_latents(mattes, self.model.factor)

        def predict(x: torch.Tensor, step: int) -> torch.Tensor:
            link.at(step)
            denoiser.done = step / self.evaluations
            seen = denoiser.clean(x, float(self.sigmas[step]))
            if link.record is not None and step in fusing:
                link.record.pictures[step] = self.vae.decode_plain(seen)[0]
            picture = link.anchor.pictures.get(step) if link.anchor is not None and step in fusing else None
            layers = [_layers(row, picture, step in late) for row in rows]
            seen = fuse(seen, layers, self.vae.decode_plain, self.vae.encode)
            if inside is not None:
                seen = clean + inside * (seen - clean)
            tick()
            return seen

        return predict


@contextmanager
def _attention(unet: object, link: Link, recipe: Recipe) -> Iterator[None]:
    if link.record is not None:
        with recording(unet, link.record.bank):
            yield
    elif link.anchor is not None and recipe.anchor_attention > 0:
        with replaying(unet, link.anchor.bank, recipe.anchor_attention, recipe.anchor_adain):
            yield
    else:
        yield


def _mattes(rows: Sequence[Row], like: torch.Tensor) -> torch.Tensor | None:
    """The rows' mattes [rows, 1, h, w]; None when no row has one."""
    if all(row.matte is None for row in rows):
        return None
    whole = torch.ones_like(rows[0].picture[:1])
    return torch.stack([whole if row.matte is None else row.matte for row in rows]).to(like.device)


def _layers(row: Row, anchor_picture: torch.Tensor | None, late: bool) -> list[Carried]:
    """What is carried into a row at a step, the last on top."""
    layers = [row.before] if row.before is not None and late else []
    if row.fusion is not None and anchor_picture is not None:
        layers.append(Carried(row.fusion, anchor_picture))
    return layers
