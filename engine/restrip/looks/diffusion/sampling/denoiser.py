"""What the network sees in a noisy picture: the guided noise, for a batch of rows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.runtime.model import Model

Control = Callable[[torch.Tensor, torch.Tensor, dict[str, Any], float], dict[str, Any]]


@dataclass(eq=False)
class Denoiser:
    """The model with one prompt (and negative prompt) a row.

    `extra` [rows, 5, h, w] is an inpainting model's conditioning. `control(input, t, text, done)` gives what
    ControlNets add to the UNet's arguments, with `done` the share of the steps that is behind. `unet` may stand for the
    model's own in another precision.
    """

    model: Model
    conds: Sequence[Cond]
    unconds: Sequence[Cond]
    cfg_scale: float
    unet: Any = None
    extra: torch.Tensor | None = None
    control: Control | None = None
    done: float = 0.0
    evaluations: int = 0
    _text: dict[bool, dict[str, Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.unet = self.model.unet if self.unet is None else self.unet
        self.dtype, self.device = next(self.unet.parameters()).dtype, self.model.device

    def eps(self, x: torch.Tensor, sigma: float, *, guided: bool = True) -> torch.Tensor:
        """The noise in x = z + sigma * noise, [rows, 4, h, w] float32; `guided` False is CFG 1."""
        guided = guided and self.cfg_scale != 1
        groups = 2 if guided else 1
        scaled = x / (sigma**2 + 1) ** 0.5
        if self.extra is not None:
            scaled = torch.cat([scaled, self.extra], dim=1)
        sample = torch.cat([scaled] * groups).to(self.dtype)
        if self.device.type == "cuda":
            sample = sample.to(memory_format=torch.channels_last)
        t = torch.full((len(sample),), float(self.model.schedule.step(sigma)), device=self.device)
        arguments = dict(self._arguments(guided, x))
        if self.control is not None:
            arguments |= self.control(sample[:, :4], t, arguments, self.done)
        self.model.turns.need("unet")
        self.evaluations += 1
        seen = self.unet(sample, t, return_dict=False, **arguments)[0].float()
        if self.model.prediction == "v_prediction":  # Salimans and Ho 2022, appendix D, in these variables
            seen = torch.cat([x] * groups) * (sigma / (sigma**2 + 1)) + seen / (sigma**2 + 1) ** 0.5
        if not guided:
            return seen
        without, with_prompt = seen.chunk(2)
        return without + self.cfg_scale * (with_prompt - without)

    def clean(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """The picture without noise that the model sees in x."""
        return x - sigma * self.eps(x, sigma)

    def _arguments(self, guided: bool, x: torch.Tensor) -> dict[str, Any]:
        """The prompts as the UNet takes them; the same for every step."""
        if guided not in self._text:
            conds = [*self.unconds, *self.conds] if guided else list(self.conds)
            self._text[guided] = self._prompts(conds, x.shape[-2] * self.model.factor, x.shape[-1] * self.model.factor)
        return self._text[guided]

    def _prompts(self, conds: Sequence[Cond], height: int, width: int) -> dict[str, Any]:
        longest = max(len(cond.tokens) for cond in conds)
        rows = [torch.nn.functional.pad(cond.tokens, (0, 0, 0, longest - len(cond.tokens))) for cond in conds]
        arguments: dict[str, Any] = {"encoder_hidden_states": torch.stack(rows).to(self.device, self.dtype)}
        if any(len(cond.tokens) < longest for cond in conds):
            # Prompts of several chunks beside shorter ones: what was padded is not looked at.
            seen = [[n < len(cond.tokens) for n in range(longest)] for cond in conds]
            arguments["encoder_attention_mask"] = torch.tensor(seen, device=self.device)
        if self.model.xl:
            pooled = torch.stack([cond.pooled for cond in conds if cond.pooled is not None])
            sizes = torch.tensor([[height, width, 0, 0, height, width]] * len(conds), device=self.device)
            arguments["added_cond_kwargs"] = {
                "text_embeds": pooled.to(self.device, self.dtype),
                "time_ids": sizes.to(self.dtype),
            }
        return arguments
