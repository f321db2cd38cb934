"""The families of models: a new one is a row here and a module beside this file. Without torch."""

from __future__ import annotations

from restrip.looks.diffusion.backbones.family import Family
from restrip.looks.diffusion.backbones.flux2.rows import ROWS as FLUX2
from restrip.looks.diffusion.backbones.stable_diffusion.rows import ROWS as STABLE_DIFFUSION
from restrip.looks.diffusion.backbones.z_image.rows import ROWS as Z_IMAGE

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        *STABLE_DIFFUSION,
        *Z_IMAGE,
        *FLUX2,
        Family("lora", "LoRA", runnable=False),
        Family("controlnet", "ControlNet", runnable=False),
        Family("vae", "VAE", runnable=False),
        Family("ip-adapter", "IP-Adapter", runnable=False),
        Family("clip-vision", "image encoder", runnable=False),
        Family("text-encoder", "text encoder", runnable=False),
    )
}
