"""FLUX.2 klein 4B at full size with random weights: seconds a key and memory, against what a job's check says.

    python tests/benchmarks/edit_model.py --rehearse      a few layers, on the CPU: does it run?
    python tests/benchmarks/edit_model.py                 on a GPU, 1360x768, in 16 bits; --eight in 8 bits

The first key is the anchor, made alone; each other looks at its frame, a style picture and the anchor. Prompts are
random embeddings: the text encoder is another network, freed before this one works.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import diffusers
import torch
from img2img_networks import frames

from restrip.looks.diffusion.backbones.flux2.klein import KleinBackbone
from restrip.looks.diffusion.backbones.flux2.rows import KLEIN
from restrip.looks.diffusion.checkpoints.assembling import assembled
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.checkpoints.weights.packed import Packed
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.runtime.key_task import Round, Task
from restrip.looks.diffusion.runtime.memory_needs import needs_mib
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.offload import Offload
from restrip.looks.diffusion.runtime.pipeline import Pipeline
from restrip.looks.diffusion.spec import LookSpec
from restrip.looks.diffusion.style_picture import open_style
from restrip.progress import silent
from restrip.timeline import Key

FULL = {"num_layers": 5, "num_single_layers": 20, "num_attention_heads": 24, "joint_attention_dim": 7680}
FEW = {"num_layers": 1, "num_single_layers": 1, "num_attention_heads": 2, "joint_attention_dim": 48}
BLOCKS = ("transformer_blocks.", "single_transformer_blocks.")


@dataclass(frozen=True)
class Spoken:
    """Prompts as random numbers."""

    width: int

    @property
    def parts(self) -> dict[str, Any]:
        """None."""
        return {}

    @contextmanager
    def at_work(self, turns: Offload) -> Iterator[None]:
        """Nothing to keep."""
        yield

    def encode(self, prompt: str, clip_skip: int = 1, *, negative: bool = False) -> Cond:
        """512 tokens."""
        return Cond(torch.randn(512, self.width, generator=torch.Generator().manual_seed(len(prompt))))


def network(config: dict[str, int], device: torch.device, *, eight: bool) -> Any:
    """The transformer, its weights in 16 or 8 bits as they would lie in a file."""
    kind = torch.float8_e4m3fn if eight else torch.bfloat16
    with torch.device("meta"):
        shapes = diffusers.Flux2Transformer2DModel(guidance_embeds=False, **config).state_dict()
    weights: dict[str, torch.Tensor | Packed] = {}
    for name, like in shapes.items():
        if like.dim() == 1:
            weights[name] = torch.ones(like.shape, device=device, dtype=torch.bfloat16)
            continue
        value = torch.randn(like.shape, device=device, dtype=torch.bfloat16) / like.shape[1] ** 0.5
        packed = eight and name.startswith(BLOCKS)
        weights[name] = Packed.of_floats(value.to(kind)) if packed else value
    module = assembled(
        "Flux2Transformer2DModel", {"guidance_embeds": False, **config}, weights, Path("random"), "transformer", BLOCKS
    )
    return module.to(device, torch.bfloat16 if device.type == "cuda" else torch.float32)


def main() -> None:
    """Make keys and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rehearse", action="store_true")
    parser.add_argument("--eight", action="store_true", help="weights in 8 bits")
    parser.add_argument("--keys", type=int, default=5)
    parser.add_argument("--batch", type=int, default=0, help="0 is as many as are likely to fit")
    options = parser.parse_args()
    device = torch.device("cpu" if options.rehearse else "cuda")
    size = (96, 64) if options.rehearse else (1360, 768)
    config = FEW if options.rehearse else FULL
    vae = diffusers.AutoencoderKLFlux2(**({"block_out_channels": (32,) * 4} if options.rehearse else {}))
    vae.bn.running_var.fill_(0.05)
    vae = vae.eval().requires_grad_(False).to(device)
    made = network(config, device, eight=options.eight)
    with tempfile.TemporaryDirectory() as folder:
        style = Path(folder) / "style.png"
        cv2.imwrite(str(style), frames(1, (1024, 1024) if not options.rehearse else (64, 64))[0].rgb)
        values = {
            "prompt": "in oil", "steps": 4, "cfg_scale": 1.0, "denoising_strength": 1.0, "width": size[0],
            "height": size[1], "style_picture": str(style), "batch": options.batch,
        }  # fmt: skip
        recipe = Recipe.from_settings(values)
        model = Model("random", KleinBackbone(KLEIN, made), vae, Spoken(config["joint_attention_dim"]))
        model.turns = Offload(device, networks={"network": made, "vae": vae})
        spec = LookSpec(
            Checkpoint(style, "klein", "random"), KLEIN, recipe, 1024, "0" * 64, "random", style=open_style(recipe)
        )
        at = Pipeline(spec, model, size, torch.bfloat16 if device.type == "cuda" else torch.float32)
        tasks = [Task(frame, Key(n)) for n, frame in enumerate(frames(options.keys, size))]
        for name, part in (("cold, with the anchor", tasks[:2]), ("warm", tasks[1:])):
            began = time.monotonic()
            keys = at.stylize(part, silent, Round(tasks[0]))
            took = (time.monotonic() - began) / len(part)
            facts = keys[-1].facts
            print(f"{name}: {took:.2f} s a key, {facts['memory']}, {facts['unet_dtype']}, {facts['retries']} retries")
    if device.type == "cuda":
        share = 0.5 if options.eight else 1.0
        says = needs_mib("klein", size, at.memory.plan.batch, guided=False, share=share)
        print(f"{torch.cuda.max_memory_allocated() / 2**20:.0f} MiB at most; a check says {says}")


if __name__ == "__main__":
    main()
