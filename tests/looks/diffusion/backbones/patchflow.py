"""A made-up family: a flow-matching transformer on patches of pixels, as one module beside its row.

It is as unlike a UNet as can be: joint attention over text and picture, latents that are pixels put side by side,
a prompt of any length that is read byte by byte, and velocities instead of noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import safetensors.torch
import torch
import torch.nn.functional as F

from restrip.looks.diffusion.backbones.backbone import Backbone, Call
from restrip.looks.diffusion.backbones.family import Family, MemoryCoefficients, Supports, counted_below_the_start
from restrip.looks.diffusion.backbones.latents import Latents
from restrip.looks.diffusion.backbones.prediction import FLOW, Prediction
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.checkpoints.weights.headers import Shapes
from restrip.looks.diffusion.checkpoints.weights.safe_weights import part, read_weights
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.sampling.schedules import FlowSchedule

WIDTH, SIDE, PATCH = 24, 4, 2
CHANNELS = 3 * SIDE**2


class Recognizer:
    """By the name of one of its layers."""

    def in_file(self, shapes: Shapes) -> str | None:
        return "patchflow" if "patchflow.patches.weight" in shapes else None

    def in_folder(self, index: Mapping[str, Any], network: Mapping[str, Any]) -> str | None:
        return None


ROW = Family(
    "patchflow",
    "PatchFlow",
    native_px=64,
    multiple_px=SIDE * PATCH,
    opener="patchflow",
    part="transformer",
    recognizer=Recognizer(),
    memory=MemoryCoefficients(12, 34, 56),
    supports=Supports(
        anchor_attention=False,
        lora=False,
        controlnet=False,
        noises=frozenset({"seeded", "exact", "warped"}),
        samplers=frozenset({"euler", "euler_a"}),
        schedules=frozenset({"auto"}),
    ),
    ladder=("bfloat16", "float32"),
    evaluations=counted_below_the_start,
)


class Transformer(torch.nn.Module):
    """Velocities [rows, channels, h, w] of states, times [rows] and texts [rows, tokens, width] with their lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = torch.nn.Conv2d(CHANNELS, WIDTH, PATCH, PATCH)
        self.time = torch.nn.Linear(2, WIDTH)
        self.qkv = torch.nn.Linear(WIDTH, 3 * WIDTH)
        self.out = torch.nn.Linear(WIDTH, WIDTH)
        self.pixels = torch.nn.ConvTranspose2d(WIDTH, CHANNELS, PATCH, PATCH)

    def forward(self, x: torch.Tensor, s: torch.Tensor, text: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        image = self.patches(x)
        tokens = torch.cat([text, image.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + self.time(torch.stack([s, s * s], dim=-1).to(x.dtype))[:, None]
        q, k, v = (
            t.unflatten(-1, (2, -1)).transpose(1, 2) for t in self.qkv(F.layer_norm(tokens, (WIDTH,))).chunk(3, -1)
        )
        looked = F.scaled_dot_product_attention(q, k, v, attn_mask=seen[:, None, None])
        tokens = tokens + self.out(looked.transpose(1, 2).flatten(2))
        return self.pixels(tokens[:, text.shape[1] :].transpose(1, 2).unflatten(2, image.shape[2:]))


class Shuffle(torch.nn.Module):
    """A "VAE" that loses nothing: squares of pixels as channels."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.ones(1))

    def encode(self, x: torch.Tensor) -> Any:
        return SimpleNamespace(latents=F.pixel_unshuffle(x, SIDE) * self.gain)

    def decode(self, z: torch.Tensor) -> Any:
        return SimpleNamespace(sample=F.pixel_shuffle(z / self.gain, SIDE))

    def enable_tiling(self) -> None:
        """Nothing to tile."""

    def disable_tiling(self) -> None:
        """Nothing to tile."""


@dataclass(eq=False)
class Bytes:
    """Text conditioning: an embedding a byte."""

    embedding: torch.nn.Embedding

    @property
    def parts(self) -> dict[str, Any]:
        return {"text_encoder": self.embedding}

    def encode(self, prompt: str, clip_skip: int = 1, *, negative: bool = False) -> Cond:
        with torch.inference_mode():
            return Cond(self.embedding(torch.tensor([0, *prompt.encode()])))

    def at_work(self, turns: Any) -> Any:
        return nullcontext()


@dataclass(eq=False)
class PatchFlow(Backbone):
    family: Family
    network: Any
    schedule: FlowSchedule
    prediction: Prediction = FLOW

    def latents(self, vae: Any) -> Latents:
        return Latents(SIDE, scale=1.5, shift=0.1)

    def inputs(self, conds: Sequence[Cond], size: tuple[int, int], like: torch.Tensor) -> dict[str, Any]:
        longest = max(len(cond.tokens) for cond in conds)
        text = [F.pad(cond.tokens, (0, 0, 0, longest - len(cond.tokens))) for cond in conds]
        image = size[0] * size[1] // (SIDE * PATCH) ** 2
        seen = torch.tensor([[n < len(c.tokens) or n >= longest for n in range(longest + image)] for c in conds])
        return {"text": torch.stack(text).to(like), "seen": seen.to(like.device)}

    def output(self, network: Any, call: Call) -> torch.Tensor:
        like = next(network.parameters())
        x = torch.cat([call.x / self.prediction.scale(call.sigma)] * call.groups).to(like.dtype)
        s = torch.full((len(x),), call.sigma / (call.sigma + 1))
        out: torch.Tensor = network(x, s, **call.inputs)
        return out.float()


def made() -> dict[str, torch.Tensor]:
    """Random weights of a whole checkpoint."""
    torch.manual_seed(5)
    parts = {"patchflow": Transformer(), "vae": Shuffle(), "text": torch.nn.Embedding(256, WIDTH)}
    return {f"{name}.{k}": v for name, module in parts.items() for k, v in module.state_dict().items()}


def save(path: Path) -> Path:
    safetensors.torch.save_file(made(), path)
    return path


def open_model(checkpoint: Checkpoint, family: Family, configs: Path, prediction: str = "auto") -> Model:
    weights = read_weights(checkpoint.path)
    network, vae, text = Transformer(), Shuffle(), torch.nn.Embedding(256, WIDTH)
    for name, module in (("patchflow", network), ("vae", vae), ("text", text)):
        module.load_state_dict(part(weights, f"{name}."))
    return Model(checkpoint.name, PatchFlow(family, network, FlowSchedule(3.0)), vae, Bytes(text))
