from __future__ import annotations

import pytest

from restrip.looks.diffusion.distilled import KINDS, adjusted
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.samplers import SAMPLERS
from restrip.looks.diffusion.schedule import SPACINGS


@pytest.mark.parametrize(
    ("names", "sampler", "spacing"),
    [
        (["sd_xl_turbo_1.0_fp16"], "euler_a", "trailing"),
        (["dreamshaper", "lcm-lora-sdv1-5"], "lcm", "lcm"),
        (["juggernaut_Lightning"], "euler", "trailing"),
    ],
)
def test_found_by_name(names: list[str], sampler: str, spacing: str) -> None:
    recipe, notes = adjusted(Recipe(sampler="dpmpp_2m_karras", steps=30, cfg_scale=7.0), names)
    assert (recipe.sampler, recipe.steps, recipe.cfg_scale, recipe.schedule) == (sampler, 4, 1.0, spacing)
    assert "distilled" in notes[0]


def test_fitting_numbers_stay() -> None:
    recipe, notes = adjusted(Recipe(sampler="lcm", steps=8, cfg_scale=1.5), ["lcm"])
    assert (recipe.sampler, recipe.steps, recipe.cfg_scale) == ("lcm", 8, 1.5) and notes == ()


def test_others_and_no_stay_as_they_are() -> None:
    plain = Recipe(steps=30)
    assert adjusted(plain, ["dreamshaper_8"]) == (plain, ())
    assert adjusted(Recipe(distilled="no"), ["sdxl-turbo"]) == (Recipe(distilled="no"), ())
    assert adjusted(Recipe(distilled="turbo"), ["anything"])[0].steps == 4


def test_the_table_names_what_exists() -> None:
    for kind in KINDS.values():
        assert kind.sampler in kind.samplers and set(kind.samplers) <= set(SAMPLERS) and kind.spacing in SPACINGS
