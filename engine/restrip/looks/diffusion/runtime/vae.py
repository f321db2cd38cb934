"""Pictures to latents and back, in the lowest precision that holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from restrip.looks.diffusion.backbones.latents import Latents
from restrip.looks.diffusion.runtime import precision
from restrip.looks.diffusion.runtime.memory_needs import rows_a_call
from restrip.looks.diffusion.runtime.offload import Offload


class Vae:
    """A VAE on its precision ladder, which starts at `first`."""

    def __init__(self, module: Any, first: torch.dtype, turns: Offload, latents: Latents | None = None) -> None:
        self.turns = turns
        self.scaling = latents or Latents.of(module)
        self.compiled_decoder: Any = None
        self.casts = precision.Casts(precision.cast(module, first))
        self.ladder = precision.steps_from(precision.VAE_LADDER, first)

    @property
    def module(self) -> Any:
        """The network itself."""
        return self.casts.module

    def tile(self, on: bool) -> None:
        """Work in tiles, which needs less memory and differs a little at their borders."""
        (self.module.enable_tiling if on else self.module.disable_tiling)()

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Latents [rows, 4, h, w] float32 of pictures [rows, 3, H, W] in -1..1: the posterior's mode, no sample."""

        def attempt(rows: list[int], dtype: torch.dtype) -> torch.Tensor:
            vae = self.casts.get(dtype)
            return _in_calls(pictures[rows], dtype, lambda part: self.scaling.from_vae(_latents(vae.encode(part))))

        self.turns.need("vae")
        with torch.inference_mode():
            latents, _, _ = precision.climb(
                len(pictures), self.ladder, attempt, lambda made, _: ~precision.finite_rows(made)
            )
        return latents

    def decode(
        self, latents: torch.Tensor, sources: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, list[torch.dtype], list[int]]:
        """Pictures [rows, 3, H, W] float32, about -1..1, the precision of each row, and the rows that came out wrong.

        Wrong is what isn't finite, and what is black or constant where `sources` are not.
        """

        def attempt(rows: list[int], dtype: torch.dtype) -> torch.Tensor:
            vae = self.casts.get(dtype)
            fast = self.compiled_decoder is not None and dtype == self.ladder[0]
            decode = self.compiled_decoder if fast else vae.decode
            return _in_calls(self.scaling.to_vae(latents[rows]), dtype, lambda part: decode(part).sample)

        def wrong(made: torch.Tensor, rows: list[int]) -> torch.Tensor:
            broken = ~precision.finite_rows(made)
            return broken if sources is None else broken | precision.suspicious_rows(made, sources[rows])

        self.turns.need("vae")
        with torch.inference_mode():
            return precision.climb(len(latents), self.ladder, attempt, wrong)

    def decode_plain(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures on the way, which need no check."""
        return self.decode(latents)[0]


def _latents(encoded: Any) -> torch.Tensor:
    """The small VAE gives latents, the full one a distribution."""
    return encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()


def _in_calls(values: torch.Tensor, dtype: torch.dtype, call: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Call on as many rows at once as memory is meant for."""
    pixels = values.shape[-1] * values.shape[-2] * (1 if values.shape[1] == 3 else 64)
    parts: Sequence[torch.Tensor] = values.to(dtype).split(rows_a_call((pixels, 1)))
    return torch.cat([call(part).float() for part in parts])
