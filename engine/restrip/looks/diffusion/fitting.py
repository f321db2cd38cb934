"""What of a recipe a model's family can do. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from restrip.looks.diffusion.backbones.family import Family, UnsupportedByFamily
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile, Weighted
from restrip.looks.diffusion.recipe import Recipe


def fitted(
    recipe: Recipe, family: Family, loras: Sequence[Weighted], controls: Sequence[ControlFile]
) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe without what is on unless asked otherwise and the family lacks, and notes that say so.

    Raises UnsupportedByFamily for what was asked for and the family lacks.
    """
    can = family.supports
    if loras and not can.lora:
        raise UnsupportedByFamily(family.label, "LoRA", "Empty the setting, and take <lora:...> out of the prompt.")
    if controls and not can.controlnet:
        raise UnsupportedByFamily(family.label, "ControlNet", "Empty the setting ControlNet.")
    if recipe.negative_prompt.strip() and not can.negative_prompt:
        raise UnsupportedByFamily(family.label, "negative prompt", "Empty the setting Negative prompt.")
    if recipe.ip_adapter and recipe.style_picture and not can.ip_adapter:
        raise UnsupportedByFamily(family.label, "IP-Adapter", "Empty the setting IP-Adapter.")
    if recipe.style_picture and recipe.style_strength > 0 and not can.style_picture:
        raise UnsupportedByFamily(family.label, "style picture", "Empty the setting Style picture.")
    for key, value, known in (
        ("noise", recipe.noise, can.noises),
        ("sampler", recipe.sampler, can.samplers),
        ("schedule", recipe.schedule, can.schedules),
        ("prediction", recipe.prediction, can.predictions),
    ):
        if known is not None and value not in known:
            raise UnsupportedByFamily(family.label, f"{key} {value!r}", f"Set it to one of {', '.join(sorted(known))}.")
    if can.references and not (recipe.anchor and recipe.anchor_adain):
        # It looks at the finished anchor, as "anchor attention" says, without being taught to.
        return recipe, _edits(recipe, family)
    if can.anchor_attention or not recipe.anchor:
        return recipe, ()
    if recipe.anchor_adain:
        raise UnsupportedByFamily(family.label, "anchor attention", 'Turn "Match attention" off.')
    note = f"{family.label} has no anchor attention here: keys agree by what is carried along the motion."
    return replace(recipe, anchor_attention=0.0), (note,) if recipe.anchor_attention > 0 else ()


def _edits(recipe: Recipe, family: Family) -> tuple[str, ...]:
    """What is worth a sentence where an edit model is asked for what is usual for others."""
    if recipe.denoising_strength != Recipe.from_settings({}).denoising_strength:
        return ()
    return (
        f"{family.label} starts from the frame here, at the denoising strength {recipe.denoising_strength:g}: at 1 it "
        "edits, which is to start from noise and look at the frame.",
    )
