from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from recipes import recipe_of

from restrip.looks.diffusion.checkpoints.finding import TINY
from restrip.looks.diffusion.sampling.distilled import KINDS, Found, adjusted, found_kind
from restrip.looks.diffusion.sampling.samplers import SAMPLERS
from restrip.looks.diffusion.sampling.schedules import SPACINGS


def save(path: Path, metadata: dict[str, str] | None = None, weight: str = "a.weight") -> Path:
    safetensors.torch.save_file({weight: torch.zeros(2, 2)}, path, metadata=metadata)
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sd_xl_turbo_1.0_fp16", "turbo"),
        ("lcm-lora-sdv1-5", "lcm"),
        ("dreamshaper_8LCM", "lcm"),
        ("juggernaut_Lightning", "lightning"),
        ("dreamshaperXL_v21TurboDPMSDE", "turbo"),
        ("realvisxlV40_v40LightningBakedvae", "lightning"),
        ("dmd2_sdxl_unet_fp16", "dmd2"),
        ("hyperrealism", "no"),
        ("hypernova_v2", "no"),
        ("turbochargedPhotos", "no"),
        ("enlightningment", "no"),
        ("dreamshaper_8", "no"),
    ],
)
def test_whole_words_of_the_name(tmp_path: Path, name: str, kind: str) -> None:
    found = found_kind(save(tmp_path / f"{name}.safetensors"))
    assert found == (Found(kind, "name") if kind != "no" else Found())


def test_weights_and_metadata_come_before_the_name(tmp_path: Path) -> None:
    """A renamed model is found; a LoRA about turbo engines, trained as every LoRA is, is none."""
    guided = save(tmp_path / "photo.safetensors", weight="model.diffusion_model.time_embed.cond_proj.weight")
    assert found_kind(guided) == Found("lcm", "weights")
    titled = save(tmp_path / "renamed.safetensors", {"modelspec.title": "Some XL Lightning 4step"})
    assert found_kind(titled) == Found("lightning", "metadata", 4)
    trained = {"ss_network_module": "networks.lora", "ss_output_name": "porsche_turbo"}
    assert found_kind(save(tmp_path / "porsche_turbo.safetensors", trained)) == Found("no", "metadata")
    trained = {"ss_network_module": "networks.lora", "ss_output_name": "lcm_photo"}
    assert found_kind(save(tmp_path / "photo2.safetensors", trained)) == Found("lcm", "metadata")


@pytest.mark.parametrize(
    ("scheduler", "unet", "kind"),
    [
        ({"_class_name": "LCMScheduler"}, {}, "lcm"),
        ({"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"}, {}, "turbo"),
        ({"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"}, {}, "lightning"),
        ({"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading"}, {}, "no"),
        ({"_class_name": "DDIMScheduler"}, {"time_cond_proj_dim": 256}, "lcm"),
    ],
)
def test_configs_of_folders(tmp_path: Path, scheduler: dict, unet: dict, kind: str) -> None:
    for name, content in (("scheduler/scheduler_config.json", scheduler), ("unet/config.json", unet)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(json.dumps(content))
    assert found_kind(tmp_path).kind == kind
    assert found_kind(TINY) == Found()


@pytest.mark.parametrize(
    ("kind", "sampler", "spacing"),
    [("turbo", "euler_a", "trailing"), ("lcm", "lcm", "lcm"), ("lightning", "euler", "trailing")],
)
def test_what_was_found_is_run_as_it_was_distilled(kind: str, sampler: str, spacing: str) -> None:
    found = [Found(), Found(kind, "name")]
    recipe, notes = adjusted(recipe_of(sampler="dpmpp_2m_karras", steps=30, cfg_scale=7.0), found)
    assert (recipe.sampler, recipe.steps, recipe.cfg_scale, recipe.schedule) == (sampler, 4, 1.0, spacing)
    assert f"distilled model ({kind} by its name)" in notes[0]


def test_fitting_numbers_stay() -> None:
    recipe, notes = adjusted(recipe_of(sampler="lcm", steps=8, cfg_scale=1.5), [Found("lcm", "name")])
    assert (recipe.sampler, recipe.steps, recipe.cfg_scale) == ("lcm", 8, 1.5) and notes == ()


def test_others_and_no_stay_as_they_are() -> None:
    plain = recipe_of(steps=30)
    assert adjusted(plain, [Found()]) == (plain, ())
    assert adjusted(recipe_of(distilled="no"), [Found("turbo", "name")]) == (recipe_of(distilled="no"), ())
    assert adjusted(recipe_of(distilled="turbo"), [Found()])[0].steps == 4


def test_the_table_names_what_exists() -> None:
    for kind in KINDS.values():
        assert kind.sampler in kind.samplers and set(kind.samplers) <= set(SAMPLERS) and kind.spacing in SPACINGS


@pytest.mark.parametrize(
    ("name", "kind", "steps"),
    [
        ("sdxl_lightning_2step", "lightning", 2),
        ("Hyper-SD15-8steps-lora", "hyper", 8),
        ("dmd2_sdxl_4step_lora_fp16", "dmd2", 4),
        ("someModel_lightning4Steps", "lightning", 4),
        ("realLightning", "lightning", 0),
    ],
)
def test_the_steps_that_a_name_tells(tmp_path: Path, name: str, kind: str, steps: int) -> None:
    found = found_kind(save(tmp_path / f"{name}.safetensors"))
    assert (found.kind, found.steps) == (kind, steps)
    recipe, _ = adjusted(recipe_of(steps=30, sampler="dpmpp_2m_karras"), [found])
    assert recipe.steps == (steps or KINDS[kind].steps) and recipe.cfg_scale == 1.0
    assert recipe.sampler == KINDS[kind].sampler and recipe.schedule == KINDS[kind].spacing
    assert adjusted(recipe_of(steps=6), [found])[0].steps == 6  # a number of yours that can be meant
