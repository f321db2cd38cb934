"""FLUX.2's transformer in files: what its shapes say of it, and its weights by diffusers' names. Without torch.

                   the original code           diffusers
joint blocks       double_blocks.0.            transformer_blocks.0.
single blocks      single_blocks.0.            single_transformer_blocks.0.
queries and more   img_attn.qkv                attn.to_q, attn.to_k, attn.to_v
the last scale     (shift, scale)              (scale, shift)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from restrip.looks.diffusion.checkpoints.weights.headers import Shapes

T = TypeVar("T")

PREFIXES = ("model.diffusion_model.", "diffusion_model.", "transformer.", "")
ROPE_THETA = 2000
AXES = 4

TOP = {
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    "time_in.in_layer": "time_guidance_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_guidance_embed.timestep_embedder.linear_2",
    "double_stream_modulation_img.lin": "double_stream_modulation_img.linear",
    "double_stream_modulation_txt.lin": "double_stream_modulation_txt.linear",
    "single_stream_modulation.lin": "single_stream_modulation.linear",
    "final_layer.linear": "proj_out",
    "final_layer.adaLN_modulation.1": "norm_out.linear",
}
JOINT = {
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "img_attn.proj": "attn.to_out.0",
    "img_mlp.0": "ff.linear_in",
    "img_mlp.2": "ff.linear_out",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
    "txt_attn.proj": "attn.to_add_out",
    "txt_mlp.0": "ff_context.linear_in",
    "txt_mlp.2": "ff_context.linear_out",
}
FUSED = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
}
SINGLE = {
    "linear1": "attn.to_qkv_mlp_proj",
    "linear2": "attn.to_out",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
}
BLOCK = re.compile(r"(double|single)_blocks\.(\d+)\.(.+)\.(weight|scale|bias)")

FLAT_BLOCK = re.compile(r"(double|single)_blocks_(\d+)_(.+)")


def _flat(name: str) -> str:
    return name.replace(".", "_")


FLAT_TOP = {_flat(old): _flat(new) for old, new in TOP.items() if "adaLN" not in old}
FLAT_PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "double": {_flat(old): (new,) for old, new in JOINT.items()} | {_flat(old): new for old, new in FUSED.items()},
    "single": {_flat(old): (new,) for old, new in SINGLE.items()},
}

# A weight that is in every file of FLUX.2's and in no other family's, as the original code names it and diffusers.
MARKS = ("single_stream_modulation.lin.weight", "single_stream_modulation.linear.weight")


def prefix_of(names: Mapping[str, Any]) -> str | None:
    """What stands before the names of a FLUX.2 transformer's weights; None where there is none."""
    return next((prefix for prefix in PREFIXES if any(prefix + mark in names for mark in MARKS)), None)


def config_of(shapes: Shapes) -> dict[str, Any]:
    """A transformer's config as diffusers has it, by the shapes of its weights, with any of PREFIXES.

    Raises KeyError where a weight is missing that says something.
    """
    prefix = prefix_of(shapes) or ""
    own = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
    named = {name: shape for old, shape in own.items() for name in diffusers_names(old)}
    fused = "double_blocks.0.img_attn.qkv.weight" in own
    inner, channels = named["x_embedder.weight"]
    head = named["single_transformer_blocks.0.attn.norm_q.weight"][0]
    gated = named["transformer_blocks.0.ff.linear_in.weight"][0]
    assert fused or named["transformer_blocks.0.attn.to_q.weight"][0] == inner
    return {
        "_class_name": "Flux2Transformer2DModel",
        "patch_size": 1,
        "in_channels": channels,
        "num_layers": _count(named, "transformer_blocks."),
        "num_single_layers": _count(named, "single_transformer_blocks."),
        "attention_head_dim": head,
        "num_attention_heads": inner // head,
        "joint_attention_dim": named["context_embedder.weight"][1],
        "timestep_guidance_channels": named["time_guidance_embed.timestep_embedder.linear_1.weight"][1],
        "mlp_ratio": gated / 2 / inner,
        "axes_dims_rope": [head // AXES] * AXES,
        "rope_theta": ROPE_THETA,
        "guidance_embeds": any("guidance_in." in name or "guidance_embedder." in name for name in own),
    }


def _count(names: Mapping[str, Any], prefix: str) -> int:
    return 1 + max(int(name.removeprefix(prefix).split(".")[0]) for name in names if name.startswith(prefix))


def diffusers_names(name: str) -> tuple[str, ...]:
    """A weight of the original code by diffusers' name: three where queries, keys and values lie in one. Without a
    prefix; a name that isn't the original code's is itself.
    """
    layer, _, end = name.rpartition(".")
    if layer in TOP:
        return (f"{TOP[layer]}.{end}",)
    match = BLOCK.fullmatch(name)
    if match is None:
        return (name,)
    kind, number, part, end = match.groups()
    end = "weight" if end == "scale" else end
    block = f"{'transformer_blocks' if kind == 'double' else 'single_transformer_blocks'}.{number}."
    if part in FUSED:
        return tuple(f"{block}{one}.{end}" for one in FUSED[part])
    return (f"{block}{(JOINT if kind == 'double' else SINGLE).get(part, part)}.{end}",)


def flat_names(flat: str) -> tuple[str, ...]:
    """A layer of the original code by diffusers' names, both with "_" for ".", as LoRA files have them; three where
    queries, keys and values lie in one. The last scale and shift change places, so that layer has no other name.
    """
    match = FLAT_BLOCK.fullmatch(flat)
    names: tuple[str, ...]
    if match is not None:
        kind, number, part = match.groups()
        block = f"{'transformer_blocks' if kind == 'double' else 'single_transformer_blocks'}_{number}_"
        names = tuple(f"{block}{_flat(one)}" for one in FLAT_PARTS[kind].get(part, (part,)))
    else:
        names = (FLAT_TOP.get(flat, flat),)
    return names


def renamed(weights: Mapping[str, T], thirds: Callable[[T], tuple[T, ...]], swapped: Callable[[T], T]) -> dict[str, T]:
    """The weights of a file by diffusers' names. `thirds` divides fused ones along their first dimension, `swapped`
    changes the halves of the last scale and shift. What isn't the transformer's is left out.
    """
    prefix = prefix_of(weights) or ""
    made: dict[str, T] = {}
    for name, value in weights.items():
        if not name.startswith(prefix):
            continue
        own = name.removeprefix(prefix)
        names = diffusers_names(own)
        if len(names) > 1:
            made |= dict(zip(names, thirds(value), strict=True))
        else:
            made[names[0]] = swapped(value) if own.startswith("final_layer.adaLN_modulation") else value
    return made
