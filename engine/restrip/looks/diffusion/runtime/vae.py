"""Pictures to latents and back, in the lowest precision that holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from restrip.looks.diffusion.backbones.latents import Latents
from restrip.looks.diffusion.runtime import precision
from restrip.looks.diffusion.runtime.memory_needs import rows_a_call
from restrip.looks.diffusion.runtime.offload import Offload
from restrip.looks.diffusion.runtime.speed.regions import Regions


class Vae:
    """A VAE on its precision ladder, which starts at `first`."""

    def __init__(self, module: Any, first: torch.dtype, turns: Offload, latents: Latents | None = None) -> None:
        self.turns = turns
        self.scaling = latents or Latents.of(module)
        self.regions: Regions | None = None
        self.compiled = False
        self.casts = precision.Casts(precision.cast(module, first))
        self.ladder = precision.steps_from(precision.VAE_LADDER, first)

    @property
    def module(self) -> Any:
        """The network itself."""
        return self.casts.module

    def tile(self, on: bool) -> None:
        """Work in tiles, which needs less memory and differs a little at their borders."""
        (self.module.enable_tiling if on else self.module.disable_tiling)()

    def encode(self, pictures: torch.Tensor, dtype: torch.dtype | None = None) -> torch.Tensor:
        """Latents [rows, 4, h, w] float32 of pictures [rows, 3, H, W] in -1..1: the posterior's mode, no sample.

        In `dtype`, or where the ladder starts. They may be broken there: nobody looks, which would wait for the device.
        """
        vae, dtype, encode = self._called("encode", dtype)
        self.turns.need("vae")
        with torch.inference_mode():
            return _in_calls(pictures, dtype, lambda part: self.scaling.from_vae(_latents(encode(vae, part))))

    def encode_whole(self, pictures: torch.Tensor) -> torch.Tensor:
        """Latents as `encode` gives them, of each picture in the lowest precision that holds."""

        def attempt(rows: list[int], dtype: torch.dtype) -> torch.Tensor:
            return self.encode(pictures[rows], dtype)

        def wrong(made: torch.Tensor, rows: list[int]) -> torch.Tensor:
            return ~precision.finite_rows(made)

        return precision.climb(len(pictures), self.ladder, attempt, wrong)[0]

    def decode(self, latents: torch.Tensor, dtype: torch.dtype | None = None) -> torch.Tensor:
        """Pictures [rows, 3, H, W] float32, about -1..1; `dtype` as in `encode`."""
        vae, dtype, decode = self._called("decode", dtype)
        self.turns.need("vae")
        with torch.inference_mode():
            return _in_calls(self.scaling.to_vae(latents), dtype, lambda part: decode(vae, part).sample)

    def _called(self, way: str, dtype: torch.dtype | None) -> tuple[Any, torch.dtype, Callable[[Any, Any], Any]]:
        """The network in a precision, and how it is asked: compiled, where that was made for its own precision."""
        dtype = self.ladder[0] if dtype is None else dtype
        regions = self.regions if self.compiled and dtype == self.ladder[0] else None

        def ask(vae: Any, part: torch.Tensor) -> Any:
            asked = getattr(vae, way)
            return asked(part) if regions is None else regions.ask(asked, part)

        return self.casts.get(dtype), dtype, ask


def _latents(encoded: Any) -> torch.Tensor:
    """The small VAE gives latents, the full one a distribution."""
    return encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()


def _in_calls(values: torch.Tensor, dtype: torch.dtype, call: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Call on as many rows at once as memory is meant for."""
    pixels = values.shape[-1] * values.shape[-2] * (1 if values.shape[1] == 3 else 64)
    parts: Sequence[torch.Tensor] = values.to(dtype).split(rows_a_call((pixels, 1)))
    return torch.cat([call(part).float() for part in parts])
