"""A small random IP-Adapter and its image encoder, as files in ComfyUI's folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import transformers

SEEN, TOKENS = 24, 4


def vision() -> Any:
    torch.manual_seed(4)
    config = transformers.CLIPVisionConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=1, image_size=32, patch_size=8,
        projection_dim=SEEN, hidden_act="quick_gelu",
    )  # fmt: skip
    return transformers.CLIPVisionModelWithProjection(config).eval()


def adapter(unet: Any) -> dict[str, torch.Tensor]:
    """As ip-adapter_sd15 has them."""
    torch.manual_seed(5)
    width = unet.config.cross_attention_dim
    weights = {
        "image_proj.proj.weight": torch.randn(TOKENS * width, SEEN),
        "image_proj.proj.bias": torch.randn(TOKENS * width),
        "image_proj.norm.weight": torch.rand(width) + 0.5,
        "image_proj.norm.bias": torch.randn(width),
    }
    for n, name in enumerate(name for name in unet.attn_processors if "attn2" in name):
        inner = unet.get_submodule(name.removesuffix(".processor")).to_q.weight.shape[0]
        for kind in "kv":
            weights[f"ip_adapter.{1 + 2 * n}.to_{kind}_ip.weight"] = 0.2 * torch.randn(inner, width)
    return weights


def save(unet: Any, root: Path) -> Path:
    """The adapter's file for a UNet; the image encoder lies where it is found."""
    for folder in ("ipadapter", "clip_vision"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    path = root / "ipadapter" / "ip-adapter_small.safetensors"
    safetensors.torch.save_file(adapter(unet), path)
    weights = {name: value.contiguous() for name, value in vision().state_dict().items() if "position_ids" not in name}
    safetensors.torch.save_file(weights, root / "clip_vision" / "any name.safetensors")
    return path
