"""One loaded model at work: rows in, pictures out, for one recipe at one size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch

from restrip.looks.diffusion.backbones.backbone import Control, Reference
from restrip.looks.diffusion.conditioning.inpaint import conditioning, on_latents
from restrip.looks.diffusion.conditioning.ip_adapter import PictureWords
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.consistency.anchor_attention import AnchorAttention, AnchorBank, StyleBank
from restrip.looks.diffusion.consistency.style_statistics import StyleStatistics
from restrip.looks.diffusion.draft import draft_sigmas
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.runtime import precision
from restrip.looks.diffusion.runtime.batch_row import AnchorRelation, Row
from restrip.looks.diffusion.runtime.lru import LruCache
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.seen_pictures import SeenPictures
from restrip.looks.diffusion.runtime.vae import Vae
from restrip.looks.diffusion.sampling import inversion
from restrip.looks.diffusion.sampling.denoiser import Denoiser
from restrip.looks.diffusion.sampling.samplers import SAMPLERS
from restrip.looks.diffusion.sampling.schedules import Schedule
from restrip.looks.diffusion.sampling.seed_noise import SeedNoise, mixed

Tick = Callable[[], None]

# What the noise is drawn from that a style picture is seen with.
STYLE_SEED = 0

# How far keys that show nothing of another clip's anchor take on how lively its latents are.
LOOK_STYLE = 0.5

# Where noise is recovered by the rules of A1111's "img2img alternative test".
ALTERNATIVE = frozenset({"plain", "adjusted"})


class Session:
    """The model with one recipe, at pictures of `size` (width, height). `make_control` makes what ControlNets add, from
    the rows' hints.
    """

    def __init__(self, model: Model, recipe: Recipe, vae: Vae, spacing: str, size: tuple[int, int]) -> None:
        self.model, self.recipe, self.vae = model, recipe, vae
        self.sampler = SAMPLERS[recipe.sampler]
        schedule = model.backbone.schedule_at(size)
        # The alternative test recovers noise along evenly spaced steps, whatever the sampler's are.
        alternative = recipe.noise in ALTERNATIVE and isinstance(schedule, Schedule)
        self.full = schedule.table("uniform" if alternative else spacing, recipe.steps)
        self.sigmas = schedule.sigmas(spacing, recipe.steps, recipe.denoising_strength)
        self.entry = float(self.sigmas[0])
        if recipe.sampler == spacing == "ddim" and isinstance(schedule, Schedule):
            self.entry, self.sigmas = schedule.ddim(recipe.steps, recipe.denoising_strength)
        self.casts = precision.Casts(model.network)
        self.make_control: Callable[[Sequence[Row], torch.dtype], Control] | None = None
        self.style: StyleBank | None = None
        self.words: PictureWords | None = None
        self.references = SeenPictures(model.family.supports.references, vae, recipe.anchor_attention)
        # Stands for the network in its own precision: compiled, or recorded; what it may see of an anchor meanwhile.
        self.fast: Any = None
        self.beside: AnchorAttention | None = None
        self.recovered = LruCache()
        self._conds: dict[tuple[str, bool], Cond] = {}
        self._attentions: WeakKeyDictionary[Any, AnchorAttention] = WeakKeyDictionary()

    def take_few_steps(self) -> None:
        """Walk as a draft does."""
        self.sigmas = draft_sigmas(self.sigmas)

    @property
    def guided_every(self) -> int:
        """At which steps the network is asked without the prompt: at all, where that is also without a picture."""
        return 1 if self.words is not None else self.recipe.guided_every

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
            self._conds[key] = self.model.text.encode(prompt, self.recipe.clip_skip, negative=negative)
        return self._conds[key]

    def read(self, prompts: Sequence[str]) -> None:
        """Read these prompts and those of the recipe, all at once: a large text encoder is loaded for that alone."""
        own = [self.recipe.original_prompt] if self.recipe.noise in (*ALTERNATIVE, "exact") else []
        with self.model.text.at_work(self.model.turns):
            for prompt in (*prompts, *own):
                self.cond(prompt)
            self.cond(self.recipe.negative_prompt, negative=True)

    def latents(
        self, rows: Sequence[Row], clean: torch.Tensor, dtype: torch.dtype, relation: AnchorRelation, tick: Tick
    ) -> torch.Tensor:
        """The rows' finished latents from their clean ones, [rows, channels, h, w] float32, the network in `dtype`."""
        seen = self.references.of(clean, relation)
        denoiser = self._denoiser(rows, dtype, [row.prompt for row in rows], references=seen)
        later = self.recipe.noise in ALTERNATIVE  # A1111's script counts the seed up by one
        seeds = [row.seed + later for row in rows]
        noise = SeedNoise(seeds, clean.shape[1:], clean.device, self.recipe.noise_source)
        with torch.inference_mode():
            x = self._start(rows, clean, noise, dtype, relation, tick)
            network = self.casts.get(dtype)
            predict = self._predict(rows, denoiser, clean, relation, network, tick)
            with self._anchored(network, relation, len(rows)):
                x = self.sampler.walk(predict, x, self.sigmas, noise.draw)
            return x / self.model.backbone.prediction.scale(float(self.sigmas[-1]))

    def follow(
        self, rows: Sequence[Row], finished: torch.Tensor, dtype: torch.dtype, relation: AnchorRelation, tick: Tick
    ) -> torch.Tensor:
        """Evaluate the network on finished latents with each step's noise, so that `relation` keeps what it sees.

        Returns the last predicted latents, of `finished`'s shape: finite where all went well.
        """
        denoiser = self._denoiser(rows, dtype, [row.prompt for row in rows], fast=False)
        seeds = [row.seed + (self.recipe.noise in ALTERNATIVE) for row in rows]
        with torch.inference_mode():
            noise = SeedNoise(seeds, finished.shape[1:], finished.device, self.recipe.noise_source).draw()
            if relation.anchor is not None and relation.row is not None:
                relation.anchor.noise = noise[relation.row]
            seen, network = finished, self.casts.get(dtype)
            predict = self._predict(rows, denoiser, finished, relation, network, tick)
            with self._anchored(network, relation, len(rows)):
                for step, sigma in enumerate(self.sigmas[:-1]):
                    seen = predict(finished + float(sigma) * noise, step)
            return seen

    def see_style(
        self, picture: torch.Tensor, finished: torch.Tensor, dtype: torch.dtype, bank: AnchorBank, tick: Tick
    ) -> torch.Tensor:
        """Evaluate the network on a style picture [1, 3, h, w] in -1..1, its latents `finished`, with each step's noise
        and without words, so that `bank` keeps what it sees. Returns the last predicted latents, finite where all went
        well.

        The noise is none of a key's: all keys see the same.
        """
        extra = None
        if self.model.backbone.inpainting:
            extra = conditioning(picture, None, 0.0, self.model.latents.factor, self.vae.encode_whole)
        network = self.casts.get(dtype)
        conds = [self.cond("")]
        denoiser = Denoiser(self.model, conds, conds, 1.0, network, extra, snapped=self.sampler.snapped)
        attention, seen = self._attention(network), finished
        assert attention is not None
        with torch.inference_mode(), attention.watched(network):
            noise = SeedNoise([STYLE_SEED], finished.shape[1:], finished.device).draw()
            for step, sigma in enumerate(self.sigmas[:-1]):
                bank.evaluation = step
                seen = denoiser.clean(finished + float(sigma) * noise, float(sigma))
                attention.keep(bank)
                tick()
        return seen

    def forget(self, rows: Sequence[Row], dtype: torch.dtype) -> None:
        """Drop what was kept of rows whose pictures don't hold."""
        self.recovered.drop((row.digest, dtype) for row in rows)

    def _denoiser(
        self,
        rows: Sequence[Row],
        dtype: torch.dtype,
        prompts: Sequence[str],
        *,
        fast: bool = True,
        references: tuple[Reference, ...] = (),
    ) -> Denoiser:
        recipe = self.recipe
        extra = None
        if self.model.backbone.inpainting:
            pictures = torch.stack([row.picture for row in rows]).to(self.model.device)
            extra = conditioning(
                pictures, _mattes(rows, pictures), recipe.mask_weight, self.model.latents.factor, self.vae.encode_whole
            )
        return Denoiser(
            self.model,
            [self.cond(prompt) for prompt in prompts],
            [self.cond(recipe.negative_prompt, negative=True)] * len(rows),
            recipe.cfg_scale,
            # An adapter is seen by some calls only: not where noise is recovered, in calls of the same shape.
            self._network(dtype) if fast and self.words is None else self.casts.get(dtype),
            extra,
            self.make_control(rows, dtype) if self.make_control else None,
            snapped=self.sampler.snapped,
            guided_every=self.guided_every,
            references=references,
        )

    def _network(self, dtype: torch.dtype) -> Any:
        """The network in `dtype`; a fast one stands for the model's own precision."""
        network = self.casts.get(dtype)
        return self.fast if self.fast is not None and network is self.model.network else network

    def _start(
        self,
        rows: Sequence[Row],
        clean: torch.Tensor,
        seeded: SeedNoise,
        dtype: torch.dtype,
        relation: AnchorRelation,
        tick: Tick,
    ) -> torch.Tensor:
        """The noisy state to start from, by where the noise comes from."""
        recipe, sigma = self.recipe, float(self.sigmas[0])
        random = seeded.draw()
        if relation.anchor is not None and relation.row is not None:
            relation.anchor.noise = random[relation.row]
        if recipe.noise == "warped" and relation.anchor is not None and relation.anchor.noise is not None:
            moved = [
                new if row.places is None else row.places.carried(relation.anchor.noise, new)
                for row, new in zip(rows, random, strict=True)
            ]
            return self._noised(clean, torch.stack(moved))
        if recipe.noise in ("seeded", "warped"):
            return self._noised(clean, random)
        recovered = self.recovered.get(
            [(row.digest, dtype) for row in rows],
            lambda which: self._recovered([rows[n] for n in which], clean[which], dtype, tick),
        )
        noise = mixed(recovered, random, recipe.randomness)
        if recipe.noise == "exact":
            return clean + sigma * noise
        return clean + sigma * (noise - clean / float(self.full[0]))

    def _noised(self, clean: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """The state to start from: DDIM enters with more noise than its first evaluation is told."""
        first = float(self.sigmas[0])
        noisy = clean + self.entry * noise
        scale = self.model.backbone.prediction.scale
        return noisy if self.entry == first else noisy * (scale(first) / scale(self.entry))

    def _recovered(self, rows: Sequence[Row], clean: torch.Tensor, dtype: torch.dtype, tick: Tick) -> torch.Tensor:
        """The rows' noise, recovered from their frames."""
        seen = self.references.of_frames(clean)
        denoiser = self._denoiser(rows, dtype, [self.recipe.original_prompt] * len(rows), references=seen)

        def eps(x: torch.Tensor, at: float) -> torch.Tensor:
            tick()
            return denoiser.eps(x, at, guided=False)

        if self.recipe.noise == "exact":
            state = inversion.exact(eps, clean, self.sigmas[::-1], self.recipe.recovery_iterations)
            return (state - clean) / float(self.sigmas[0])
        recover = inversion.plain if self.recipe.noise == "plain" else inversion.adjusted
        return recover(eps, clean, self.full[::-1])

    def _predict(
        self, rows: Sequence[Row], denoiser: Denoiser, clean: torch.Tensor, relation: AnchorRelation, network: Any,
        tick: Tick,
    ) -> Callable[[torch.Tensor, int], torch.Tensor]:  # fmt: skip
        """What the sampler asks at each step: the predicted picture, kept outside mattes."""
        mattes = _mattes(rows, clean)
        inside = None if mattes is None else on_latents(mattes, self.model.latents.factor)
        attention, style = self._attention(network), self.style
        anchor = None if relation.anchor is None else relation.anchor.bank
        look, taken = self._look(rows, clean, relation)

        def predict(x: torch.Tensor, step: int) -> torch.Tensor:
            if attention is not None and (anchor is not None or style is not None):
                for bank in (anchor, None if style is None else style.bank):
                    if bank is not None:
                        bank.evaluation = step
                attention.load(network, anchor, style)
            denoiser.done = step / self.evaluations
            seen = denoiser.clean(x, float(self.sigmas[step]))
            if anchor is not None and attention is not None:
                attention.keep(anchor)
            if style is not None:
                seen = style.statistics.applied(seen, clean, style.strength)
            elif look is not None:
                seen = look.enlivened(seen, clean, taken)
            if inside is not None:
                seen = clean + inside * (seen - clean)
            tick()
            return seen

        return predict

    def _look(
        self, rows: Sequence[Row], like: torch.Tensor, relation: AnchorRelation
    ) -> tuple[StyleStatistics | None, torch.Tensor]:
        """How lively another clip's anchor is, and how far each row takes that on, [rows, 1, 1, 1]: as far as rows look
        at the anchor. None where none does.
        """
        share = LOOK_STYLE * min(1.0, self.recipe.anchor_attention)
        taken = [share * row.new for row in rows]
        wanted = relation.anchor is not None and any(taken)  # Told without waiting for the device.
        strengths = torch.tensor(taken, dtype=like.dtype, device=like.device)[:, None, None, None]
        return relation.anchor.statistics if wanted and relation.anchor else None, strengths

    def _attention(self, network: Any) -> AnchorAttention | None:
        """The attentions of `network` that see an anchor's; None where its family has none."""
        backbone = self.model.backbone
        if not backbone.family.supports.anchor_attention:
            return None
        if network not in self._attentions:
            recipe = self.recipe
            made = backbone.anchor_attention(network, recipe.anchor_attention, recipe.anchor_adain)
            self._attentions[network] = made
        return self._attentions[network]

    @contextmanager
    def _anchored(self, network: Any, relation: AnchorRelation, rows: int) -> Iterator[None]:
        """While this holds `network` sees what it shall beside the rows."""
        with ExitStack() as stack:
            if self.words is not None:
                stack.enter_context(self.words.shown(network, rows))
            stack.enter_context(self._among(network, relation, rows))
            yield

    @contextmanager
    def _among(self, network: Any, relation: AnchorRelation, rows: int) -> Iterator[None]:
        attention = self._attention(network)
        bank = None if relation.anchor is None else relation.anchor.bank
        if attention is None or (bank is None and self.style is None):
            yield
            return
        with attention.among(network, bank, relation.row, rows, self.style):
            self.beside = attention
            try:
                yield
            finally:
                self.beside = None


def _mattes(rows: Sequence[Row], like: torch.Tensor) -> torch.Tensor | None:
    """The rows' mattes [rows, 1, h, w]; None when no row has one."""
    if all(row.matte is None for row in rows):
        return None
    whole = torch.ones_like(rows[0].picture[:1])
    return torch.stack([whole if row.matte is None else row.matte for row in rows]).to(like.device)
