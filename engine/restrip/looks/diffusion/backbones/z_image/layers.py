"""Z-Image's weights by the names of the original code, as single files have them, and by diffusers'. Without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Parts of original names, and diffusers'.
RENAMED = {
    "final_layer.": "all_final_layer.2-1.",
    "x_embedder.": "all_x_embedder.2-1.",
    ".attention.out.": ".attention.to_out.0.",
    ".attention.k_norm.": ".attention.norm_k.",
    ".attention.q_norm.": ".attention.norm_q.",
}
FUSED = ".attention.qkv."


def diffusers_names(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Weights by diffusers' names: queries, keys and values, one below the other in the original, each on its own."""
    named: dict[str, Any] = {}
    for name, value in weights.items():
        if FUSED in name:
            for letter, part in zip("qkv", value.chunk(3), strict=True):
                named[name.replace(FUSED, f".attention.to_{letter}.")] = part
            continue
        for old, new in RENAMED.items():
            if old in name and new not in name:
                name = name.replace(old, new)
        named[name] = value
    return named


def config_of(weights: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """A transformer's config by the shapes of its weights by diffusers' names; what they don't say is as `usual`.

    Raises KeyError where a weight is missing that says something.
    """

    def count(blocks: str) -> int:
        return 1 + max((int(name.split(".")[1]) for name in weights if name.startswith(blocks)), default=-1)

    dim = weights["layers.0.attention.to_q.weight"].shape[0]
    head = weights["layers.0.attention.norm_q.weight"].shape[0]
    # Of a place's three numbers the first has a quarter of a head's channels.
    axes = usual["axes_dims"] if sum(usual["axes_dims"]) == head else [head // 4, head * 3 // 8, head * 3 // 8]
    return {
        **usual,
        "dim": dim,
        "n_heads": dim // head,
        "n_kv_heads": dim // head,
        "n_layers": count("layers."),
        "n_refiner_layers": count("noise_refiner."),
        "in_channels": weights["all_x_embedder.2-1.weight"].shape[1] // 4,
        "cap_feat_dim": weights["cap_embedder.1.weight"].shape[1],
        "axes_dims": axes,
    }


def parts_of(flat: str) -> tuple[str, ...]:
    """The layers that the original code has in one, with "_" for "."; () for others."""
    if not flat.endswith("_attention_qkv"):
        return ()
    return tuple(f"{flat.removesuffix('qkv')}to_{letter}" for letter in "qkv")


def diffusers_layer(flat: str) -> str:
    """A layer with "_" for ".", named as in the original code, by diffusers' name."""
    for old, new in RENAMED.items():
        old, new = old.rstrip(".").replace(".", "_"), new.rstrip(".").replace(".", "_")
        if flat.endswith(old) or (not old.startswith("_") and flat.startswith(old)):
            return flat.replace(old, new)
    return flat
