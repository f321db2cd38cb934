"""Distilled models: few steps, little guidance, sigmas counted from the noisy end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from restrip.looks.diffusion.recipe import Recipe


@dataclass(frozen=True)
class Distillation:
    """How a distilled model is meant to be run: settings beyond its limits are replaced by its own."""

    name: str
    sampler: str
    samplers: tuple[str, ...]
    spacing: str
    steps: int = 4
    most_steps: int = 12
    cfg_scale: float = 1.0
    most_cfg: float = 2.0


KINDS = {
    "lcm": Distillation("lcm", "lcm", ("lcm",), "lcm"),
    "turbo": Distillation("turbo", "euler_a", ("euler", "euler_a", "lcm"), "trailing"),
    "lightning": Distillation("lightning", "euler", ("euler", "euler_a", "lcm"), "trailing"),
    "hyper": Distillation("hyper", "ddim", ("ddim", "euler", "euler_a", "lcm"), "trailing", steps=8),
}


def adjusted(recipe: Recipe, names: Iterable[str]) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe as a distilled model needs it, with a note when something was replaced.

    The setting names the kind, or "auto" finds it in the names of the checkpoint and the LoRA files.
    """
    kind = recipe.distilled
    if kind == "auto":
        words = " ".join(names).lower()
        kind = next((known for known in KINDS if known in words), "no")
    if kind not in KINDS:
        return recipe, ()
    rule = KINDS[kind]
    fitting = replace(
        recipe,
        sampler=recipe.sampler if recipe.sampler in rule.samplers else rule.sampler,
        steps=recipe.steps if recipe.steps <= rule.most_steps else rule.steps,
        cfg_scale=recipe.cfg_scale if recipe.cfg_scale <= rule.most_cfg else rule.cfg_scale,
        schedule=rule.spacing if recipe.schedule == "auto" else recipe.schedule,
    )
    if (fitting.sampler, fitting.steps, fitting.cfg_scale) == (recipe.sampler, recipe.steps, recipe.cfg_scale):
        return fitting, ()
    return fitting, (
        f"This is a distilled model ({kind}): it runs with {fitting.steps} steps, CFG {fitting.cfg_scale:g} and "
        f'{fitting.sampler}. Set Distilled to "no" to use your own numbers.',
    )
