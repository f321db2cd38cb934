"""IP-Adapter: a picture as a few more words, which cross-attention sees beside the prompt (Ye et al. 2023, 3.2).

    picture --CLIP vision--> embedding --projection--> tokens --> keys and values of each cross-attention
    attention to the prompt + strength * attention to the picture's tokens

Without the prompt, for guidance, the picture's embedding is zero.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from restrip.looks.diffusion.checkpoints.assembling import assembled
from restrip.looks.diffusion.checkpoints.ip_adapter_files import AdapterFiles, UnusableAdapter
from restrip.looks.diffusion.checkpoints.weights.packed import Packed
from restrip.looks.diffusion.checkpoints.weights.safe_weights import Weights, read_weights
from restrip.looks.diffusion.checkpoints.weights.weight_files import Stored, read_stored
from restrip.media.frame import Frame

# CLIP's, of each channel.
MEAN, SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, eq=False)
class PictureWords:
    """A style picture for one UNet: by processor's name keys and values [2, heads, tokens, channels], float32, without
    and with the picture; and how strongly it is seen.
    """

    layers: dict[str, tuple[torch.Tensor, torch.Tensor]]
    strength: float

    @contextmanager
    def shown(self, unet: Any, rows: int) -> Iterator[None]:
        """While this holds, `unet` sees the picture with each of so many rows: all of its batch, or its second half,
        where the first is without the prompt.
        """
        before, like = unet.attn_processors, next(unet.parameters())
        ours = {}
        for name, layer in self.layers.items():
            key, value = (part.to(like.device, like.dtype) for part in layer)
            ours[name] = PictureAttention(before[name], key, value, self.strength, rows)
        unet.set_attn_processor({**before, **ours})
        try:
            yield
        finally:
            unet.set_attn_processor(before)


@dataclass(frozen=True, eq=False)
class PictureAttention:
    """A cross-attention's processor, with what is seen of a picture added to what `before` gives."""

    before: Any
    key: torch.Tensor
    value: torch.Tensor
    strength: float
    rows: int

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As diffusers asks an attention's processor."""
        out = self.before(attn, hidden_states, *args, **kwargs)
        query = attn.to_q(hidden_states).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        groups = len(query) // self.rows
        key, value = (part[-groups:].repeat_interleave(self.rows, dim=0) for part in (self.key, self.value))
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        layer = attn.to_out[0]
        added = layer(seen) - (0 if layer.bias is None else layer.bias)
        made: torch.Tensor = out + self.strength * added / attn.rescale_output_factor
        return made


def picture_words(files: AdapterFiles, unet: Any, picture: Frame, strength: float) -> PictureWords:
    """What an adapter makes of a picture for a UNet; its image encoder works on the processor, once.

    Raises UnusableAdapter, MissingPart, UnknownFamily, UnreadableCheckpoint, ForeignPickle.
    """
    weights = {name: value.float() for name, value in read_weights(files.adapter).items()}
    names = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    numbers = {f"ip_adapter.{1 + 2 * n}.": name for n, name in enumerate(names)}
    there = {part.rpartition("to_k_ip")[0] for part in weights if part.endswith("to_k_ip.weight")}
    if there != set(numbers):
        raise UnusableAdapter(files.adapter, f"it has {len(there)} attentions, and the model {len(names)}")
    tokens = _tokens(weights, _embedding(files.encoder, picture))
    layers = {}
    for prefix, name in numbers.items():
        attn = unet.get_submodule(name.removesuffix(".processor"))
        parts = [weights[f"{prefix}to_{kind}_ip.weight"] for kind in "kv"]
        wanted = attn.to_q.weight.shape[0], int(unet.config.cross_attention_dim)
        if any(tuple(part.shape) != wanted for part in parts):
            raise UnusableAdapter(files.adapter, "it was made for another family of models")
        key, value = (F.linear(tokens, part).unflatten(-1, (attn.heads, -1)).transpose(1, 2) for part in parts)
        layers[name] = key, value
    return PictureWords(layers, strength)


def _tokens(weights: Weights, embedding: torch.Tensor) -> torch.Tensor:
    """[2, tokens, width]: of no picture, and of the picture with this embedding [1, width]."""
    scale, shift = weights["image_proj.norm.weight"], weights["image_proj.norm.bias"]
    both = torch.cat([torch.zeros_like(embedding), embedding])
    made = F.linear(both, weights["image_proj.proj.weight"], weights["image_proj.proj.bias"])
    return F.layer_norm(made.unflatten(1, (-1, len(scale))), (len(scale),), scale, shift)


def _embedding(path: Path, picture: Frame) -> torch.Tensor:
    """[1, width] of a picture by CLIP's vision network."""
    weights = read_stored(path)
    config = _config(path, weights)
    encoder = assembled("CLIPVisionModelWithProjection", config, weights, path, "image encoder").float()
    with torch.inference_mode():
        made: torch.Tensor = encoder(pixels(picture, int(config["image_size"]))).image_embeds
    return made


def pixels(picture: Frame, side: int) -> torch.Tensor:
    """The middle square of a picture, [1, 3, side, side], as CLIP's networks are shown pictures."""
    width, height = picture.size
    short = min(width, height)
    size = (side, int(side * height / short)) if width == short else (int(side * width / short), side)
    small = np.asarray(Image.fromarray(picture.rgb8()).resize(size, Image.Resampling.BICUBIC), np.float32) / 255
    top, left = (size[1] - side) // 2, (size[0] - side) // 2
    square = (small[top : top + side, left : left + side] - np.array(MEAN, np.float32)) / np.array(SPREAD, np.float32)
    return torch.from_numpy(square.transpose(2, 0, 1).astype(np.float32))[None]


def _config(path: Path, weights: Stored) -> dict[str, Any]:
    """Its own config; of a file alone what its shapes tell, with the heads and the curve of CLIP's usual networks."""
    if path.is_dir():
        read = json.loads((path / "config.json").read_text("utf-8"))
        return {**{"image_size": 224}, **{name: value for name, value in read.items() if name != "architectures"}}

    def shape(name: str) -> tuple[int, ...]:
        value = weights[name]
        return tuple(value.shape if isinstance(value, Packed | torch.Tensor) else ())

    wide, _, patch, _ = shape("vision_model.embeddings.patch_embedding.weight")
    places = shape("vision_model.embeddings.position_embedding.weight")[0] - 1
    layers = 1 + max(int(name.split(".")[3]) for name in weights if name.startswith("vision_model.encoder.layers."))
    return {
        "hidden_size": wide,
        "intermediate_size": shape("vision_model.encoder.layers.0.mlp.fc1.weight")[0],
        "num_hidden_layers": layers,
        "num_attention_heads": 16 if wide >= 1024 else wide // 64,
        "patch_size": patch,
        "image_size": patch * math.isqrt(places),
        "projection_dim": shape("visual_projection.weight")[0],
        # OpenAI's CLIP is the one of width 1024 and patches of 14; OpenCLIP's larger ones have the exact curve.
        "hidden_act": "quick_gelu" if wide <= 1024 else "gelu",
    }
