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
