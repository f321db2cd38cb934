"""What each family can do, in words for lists, and which settings act with it: read from its row. Without torch."""

from __future__ import annotations

from typing import Any

from restrip.looks.diffusion.backbones.family import Family
from restrip.looks.diffusion.backbones.table import FAMILIES

ABILITIES = (
    ("mattes", "Mattes"),
    ("anchor", "Anchor"),
    ("controlnet", "ControlNet"),
    ("style_picture", "Style picture"),
    ("negative_prompt", "Negative prompt"),
    ("lora", "LoRA"),
    ("speed", "Speed"),
)
"""The columns of all lists: by what name a family's abilities are told, and what people read."""


def abilities_of(family: Family) -> dict[str, str]:
    """A word for each of ABILITIES; "no" for what the family refuses.

    mattes           inpainting (the network is told what is hidden) or latents (what is outside is held to the frame)
    anchor           attention, or reference (the finished anchor is one more picture that the network is given); and
                     motion (its picture is carried along)
    style_picture    attention, or reference; and through an IP-Adapter
    speed            see Family
    """
    can = family.supports
    ways = {"attention": can.anchor_attention, "reference": can.references}
    return {
        "mattes": "inpainting" if family.inpainting else "latents",
        "anchor": ", ".join([*(word for word, so in ways.items() if so), "motion"]),
        "controlnet": _said(can.controlnet),
        "style_picture": f"{can.style_picture or 'no'}{', IP-Adapter' if can.ip_adapter else ''}",
        "negative_prompt": _said(can.negative_prompt),
        "lora": _said(can.lora),
        "speed": family.speed,
    }


def idle_settings(family: Family) -> tuple[str, ...]:
    """The diffusion look's settings that change nothing with this family, or that it refuses."""
    can = family.supports
    idle = {
        "lora": not can.lora,
        "controlnet": not can.controlnet,
        "control_file": not can.controlnet,
        "anchor_attention": not (can.anchor_attention or can.references),
        "anchor_adain": not can.anchor_attention,
        "style_picture": not can.style_picture,
        "style_strength": not can.style_picture,
        "ip_adapter": not can.ip_adapter,
        "image_encoder": not can.ip_adapter,
        "negative_prompt": not can.negative_prompt,
        "guided_every": not can.negative_prompt,
        "text_encoder": family.wanted is None,
        "edit_correction": not can.references,
        "mask_weight": not family.inpainting,
        "original_prompt": not can.noises & {"exact", "adjusted", "plain"},
        "randomness": not can.noises & {"exact", "adjusted", "plain"},
        "recovery_iterations": "exact" not in can.noises,
        "noise": len(can.noises) == 1,
        "sampler": can.samplers is not None and len(can.samplers) == 1,
        "schedule": can.schedules is not None and len(can.schedules) == 1,
        "prediction": can.predictions is not None and len(can.predictions) == 1,
        **dict.fromkeys(can.ignores, True),
    }
    return tuple(key for key, is_so in idle.items() if is_so)


def told_families() -> list[dict[str, Any]]:
    """All families that keys can be made with, as the `settings` reply carries them."""
    return [
        {"name": f.name, "label": f.label, "can": abilities_of(f), "said": said(f), "idle": list(idle_settings(f))}
        for f in FAMILIES.values()
        if f.runnable
    ]


def said(family: Family) -> str:
    """What a family can do, in a line: "Mattes (latents), ControlNet, LoRA; fast"."""
    *can, (_, _, speed) = ((name, label, abilities_of(family)[name]) for name, label in ABILITIES)
    parts = [label if word == "yes" else f"{label} ({word})" for _, label, word in can if word != "no"]
    return f"{', '.join(parts)}; {speed}"


def _said(can: bool) -> str:
    return "yes" if can else "no"
