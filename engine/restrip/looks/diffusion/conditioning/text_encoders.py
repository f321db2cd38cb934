"""Prompts as the model sees them: one row of embeddings a token."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from restrip.looks.diffusion.conditioning.embedded_words import CLIP_G, CLIP_L, EmbeddedWords
from restrip.looks.diffusion.conditioning.prompt import Chunk, chunks
from restrip.looks.diffusion.conditioning.tokenizer import Tokenizer
from restrip.looks.diffusion.runtime.offload import Offload


@dataclass(frozen=True, eq=False)
class Cond:
    """A prompt's embeddings [tokens, width]; `pooled` [width] is SDXL's summary of it, `notes` what the user should
    know of how it was read.
    """

    tokens: torch.Tensor
    pooled: torch.Tensor | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """A CLIP text model with its tokenizer. `projected` ones also give the pooled summary.

    `penultimate`: the last layer but one is read, without the final normalization, whatever clip skip says (SDXL).
    """

    module: Any
    tokenizer: Tokenizer
    penultimate: bool = False
    projected: bool = False

    @cached_property
    def words(self) -> EmbeddedWords:
        """The embeddings of its prompts: the second encoder's of SDXL's files are "clip_g"."""
        part = CLIP_G if self.projected else CLIP_L
        return EmbeddedWords(part, int(self.module.config.hidden_size))

    def chunks(self, prompt: str) -> list[Chunk]:
        """The prompt as it is read, chunk by chunk."""
        return chunks(prompt, self.tokenizer, self.room, self.words.split)

    @property
    def room(self) -> int:
        """Tokens that fit into a chunk between start and end: 75 for CLIP."""
        return int(self.module.config.max_position_embeddings) - 2

    def encode(self, prompt: str, clip_skip: int, least: int = 1) -> Cond:
        """The embeddings of `prompt`, of at least `least` chunks (empty ones are added)."""
        parts = self.chunks(prompt)
        parts += [Chunk()] * (least - len(parts))
        rows, pooled = zip(*(self._chunk(part, clip_skip) for part in parts), strict=True)
        return Cond(torch.cat(rows), pooled[0])

    def _chunk(self, chunk: Chunk, clip_skip: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        weight = next(self.module.parameters())
        filling = self.room - len(chunk.tokens)
        ids = [self.tokenizer.start, *chunk.tokens, self.tokenizer.end, *[self.tokenizer.pad] * filling]
        with torch.inference_mode(), self.words.spoken(self.module, ids) as known:
            out = self.module(torch.tensor([known], device=weight.device), output_hidden_states=True)
        if self.penultimate:
            hidden = out.hidden_states[-2][0]
        elif clip_skip > 1:
            hidden = self._final_norm(out.hidden_states[-min(clip_skip, len(out.hidden_states))])[0]
        else:
            hidden = out.last_hidden_state[0]
        pooled = out.text_embeds[0].float() if self.projected else None
        return stress(hidden.float(), (1.0, *chunk.weights, *[1.0] * (filling + 1))), pooled

    def _final_norm(self, hidden: torch.Tensor) -> torch.Tensor:
        inner = getattr(self.module, "text_model", self.module)  # transformers before 5 has one more level
        with torch.inference_mode():
            return inner.final_layer_norm(hidden)


@dataclass(frozen=True, eq=False)
class ClipText:
    """One CLIP text model, or SDXL's two."""

    encoders: tuple[TextEncoder, ...]

    @property
    def parts(self) -> dict[str, Any]:
        """See TextConditioning."""
        names = ("text_encoder", "text_encoder_2")
        return {name: encoder.module for name, encoder in zip(names, self.encoders, strict=False)}

    def encode(self, prompt: str, clip_skip: int = 1, *, negative: bool = False) -> Cond:
        """See TextConditioning."""
        return encode_prompt(self.encoders, prompt, clip_skip, negative=negative)

    def at_work(self, turns: Offload) -> AbstractContextManager[None]:
        """See TextConditioning. CLIP is small: it stays loaded."""
        return nullcontext()


def stress(hidden: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
    """Scale each token's row of [tokens, width] by its weight and bring the mean back, as A1111 does."""
    if all(weight == 1.0 for weight in weights):
        return hidden
    scaled = hidden * torch.tensor(weights, device=hidden.device, dtype=hidden.dtype)[:, None]
    return scaled * (hidden.mean() / scaled.mean())


def encode_prompt(encoders: Sequence[TextEncoder], prompt: str, clip_skip: int, *, negative: bool = False) -> Cond:
    """A prompt's embeddings from one encoder, or from SDXL's two side by side.

    A file of textual inversion that doesn't fit all of them is left out, with a note.
    SDXL's empty negative prompt is all zeros, as it was trained.
    """
    unfitting = {path for encoder in encoders for path in encoder.words.unfitting_in(prompt)}
    for encoder in encoders:
        encoder.words.leave_out(unfitting)
    names = sorted(path.name for path in unfitting)
    notes = tuple(f"The embedding {name} doesn't fit this model: its name was read as a word." for name in names)
    longest = max(len(encoder.chunks(prompt)) for encoder in encoders)
    parts = [encoder.encode(prompt, clip_skip, longest) for encoder in encoders]
    cond = Cond(torch.cat([part.tokens for part in parts], dim=-1), parts[-1].pooled, notes)
    if negative and not prompt and cond.pooled is not None:
        return Cond(torch.zeros_like(cond.tokens), torch.zeros_like(cond.pooled))
    return cond
