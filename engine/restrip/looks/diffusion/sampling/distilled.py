"""Distilled models: few steps, little guidance, sigmas counted from the noisy end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restrip.looks.diffusion.checkpoints.weights.headers import (
    ForeignPickle,
    UnreadableCheckpoint,
    read_metadata,
    read_shapes,
)
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.sampling.distillation import Distillation

KINDS = {
    "lcm": Distillation("lcm", "lcm", ("lcm",), "lcm"),
    "turbo": Distillation("turbo", "euler_a", ("euler", "euler_a", "lcm"), "trailing"),
    "lightning": Distillation("lightning", "euler", ("euler", "euler_a", "lcm"), "trailing"),
    "hyper": Distillation("hyper", "ddim", ("ddim", "euler", "euler_a", "lcm"), "trailing", steps=8),
    "dmd2": Distillation("dmd2", "lcm", ("lcm",), "trailing"),
}

# A guidance scale as an input of the network: only what was distilled for it has that (Luo et al. 2023, section 4.1).
GUIDANCE_INPUTS = ("time_embedding.cond_proj.weight", "time_embed.cond_proj.weight")
# What a file's author writes about it; A1111 and model sites show these.
TITLES = ("modelspec.title", "ss_output_name")
SCHEDULERS = {"LCMScheduler": "lcm", "TCDScheduler": "hyper"}
TRAILING = {"EulerAncestralDiscreteScheduler": "turbo", "EulerDiscreteScheduler": "lightning"}


@dataclass(frozen=True)
class Found:
    """A kind out of KINDS, or "no", and what tells so: "weights", "metadata" or "name".

    `steps` is how many it was made for, 0 when nothing says so.
    """

    kind: str = "no"
    by: str = ""
    steps: int = 0


def found_kind(path: Path) -> Found:
    """Whether a checkpoint or LoRA is distilled: its weights or configs say so, what is written in it, or its name.

    A LoRA whose metadata tell of an ordinary training is none, whatever a word in its name means there.
    """
    if path.is_dir():
        told = _of_folder(path)
        return told if told.by else _of_words(path.name, "name")
    metadata: Mapping[str, str] = {}
    with suppress(UnreadableCheckpoint, ForeignPickle):
        if any(name.endswith(GUIDANCE_INPUTS) for name in read_shapes(path)):
            return Found("lcm", "weights")
        metadata = read_metadata(path)
    written = _of_words(" ".join(metadata.get(name, "") for name in TITLES), "metadata")
    if "ss_network_module" in metadata:
        return written if written.kind == "lcm" else Found("no", "metadata")
    return written if written.by else _of_words(path.stem, "name")


def _of_folder(folder: Path) -> Found:
    """What a diffusers folder's configs say."""
    if _config(folder / "unet" / "config.json").get("time_cond_proj_dim"):
        return Found("lcm", "weights")
    scheduler = _config(folder / "scheduler" / "scheduler_config.json")
    name = str(scheduler.get("_class_name", ""))
    kind = SCHEDULERS.get(name) or (TRAILING.get(name) if scheduler.get("timestep_spacing") == "trailing" else None)
    return Found(kind, "metadata") if kind else Found()


def _config(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def says_base(path: Path) -> bool:
    """Whether a model is the undistilled one of a family that usually is distilled: a folder's index says so, or its
    name.
    """
    if path.is_dir() and _config(path / "model_index.json").get("is_distilled") is False:
        return True
    return bool(re.search(r"(?<![a-z])base(?![a-z])", path.stem if path.is_file() else path.name, re.IGNORECASE))


def _of_words(text: str, by: str) -> Found:
    """The first kind that is a word of a text, not a part of one: sdxlTurbo and sd-turbo, not hyperrealism."""
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)}
    kind = next((known for known in KINDS if known.rstrip("2") in words), "")
    steps = re.search(r"(\d+)[-_ ]?[sS]tep", text)
    return Found(kind, by, int(steps[1]) if steps else 0) if kind else Found()


def adjusted(recipe: Recipe, found: Iterable[Found], own: Distillation | None = None) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe as a distilled model needs it, with a note when something was replaced.

    The setting names the kind, or "auto" takes what was found of the checkpoint and the LoRA files. `own` is how the
    checkpoint's family runs, whatever else is found.
    """
    told = Found(recipe.distilled)
    if recipe.distilled == "auto":
        told = next((one for one in found if one.kind in KINDS), Found())
    if own is not None and recipe.distilled != "no":
        told = Found(own.name, steps=told.steps)
    rule = own if own is not None and told.kind == own.name else KINDS.get(told.kind)
    if rule is None:
        return recipe, ()
    steps = min(told.steps, rule.most_steps) or rule.steps
    fitting = replace(
        recipe,
        sampler=recipe.sampler if recipe.sampler in rule.samplers else rule.sampler,
        steps=recipe.steps if recipe.steps <= rule.most_steps else steps,
        cfg_scale=recipe.cfg_scale if recipe.cfg_scale <= rule.most_cfg else rule.cfg_scale,
        schedule=rule.spacing if recipe.schedule == "auto" else recipe.schedule,
    )
    if (fitting.sampler, fitting.steps, fitting.cfg_scale) == (recipe.sampler, recipe.steps, recipe.cfg_scale):
        return fitting, ()
    why = f" by its {told.by}" if told.by else ""
    return fitting, (
        f"This is a distilled model ({told.kind}{why}): it runs with {fitting.steps} steps, CFG {fitting.cfg_scale:g} "
        f'and {fitting.sampler}. Set Distilled to "no" to use your own numbers.',
    )
