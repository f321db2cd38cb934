"""What the network sees in a noisy picture: the guided noise, for a batch of rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from restrip.looks.diffusion.backbones.backbone import Call, Control, Reference
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.runtime.model import Model


@dataclass(eq=False)
class Denoiser:
    """The model with one prompt (and negative prompt) a row.

    `extra` [rows, channels, h, w] is an inpainting model's conditioning; `control` is what ControlNets add, with `done`
    the share of the steps that is behind, and `snapped` and `references` as in Call. `network` may stand for the
    model's own in another precision. Of guided evaluations every `guided_every`-th asks the network without the prompt
    too; the others take what the prompt changed in the last of these.
    """

    model: Model
    conds: Sequence[Cond]
    unconds: Sequence[Cond]
    cfg_scale: float
    network: Any = None
    extra: torch.Tensor | None = None
    control: Control | None = None
    done: float = 0.0
    snapped: bool = False
    references: tuple[Reference, ...] = ()
    guided_every: int = 1
    evaluations: int = 0
    _changed: torch.Tensor | None = field(default=None, repr=False)
    _inputs: dict[bool, dict[str, Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.network = self.model.network if self.network is None else self.network

    def eps(self, x: torch.Tensor, sigma: float, *, guided: bool = True) -> torch.Tensor:
        """The noise in x = z + sigma * noise, [rows, channels, h, w] float32; `guided` False is CFG 1."""
        guided = guided and self.cfg_scale != 1
        both = guided and (self._changed is None or self.evaluations % self.guided_every == 0)
        groups = 2 if both else 1
        backbone = self.model.backbone
        self.model.turns.need("network")
        self.evaluations += 1
        call = Call(
            x, sigma, groups, self._arguments(both, x), self.extra, self.control, self.done, self.snapped,
            self.references,
        )  # fmt: skip
        seen = backbone.prediction.eps(torch.cat([x] * groups), sigma, backbone.output(self.network, call))
        if not guided:
            return seen
        if not both and self._changed is not None:
            return seen + (self.cfg_scale - 1) * self._changed
        without, with_prompt = seen.chunk(2)
        self._changed = with_prompt - without
        return without + self.cfg_scale * self._changed

    def clean(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """The picture without noise that the model sees in x."""
        return x - sigma * self.eps(x, sigma)

    def _arguments(self, guided: bool, x: torch.Tensor) -> dict[str, Any]:
        """The prompts as the network takes them; the same for every step."""
        if guided not in self._inputs:
            conds = [*self.unconds, *self.conds] if guided else list(self.conds)
            factor, like = self.model.latents.factor, next(self.network.parameters())
            size = (x.shape[-1] * factor, x.shape[-2] * factor)
            at = torch.empty(0, device=self.model.device, dtype=like.dtype)
            self._inputs[guided] = self.model.backbone.inputs(conds, size, at)
        return self._inputs[guided]
