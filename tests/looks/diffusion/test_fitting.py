from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from restrip.looks.diffusion.backbones.family import Supports, UnsupportedByFamily
from restrip.looks.diffusion.backbones.stable_diffusion.rows import SD15
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile, Weighted
from restrip.looks.diffusion.fitting import fitted
from restrip.looks.diffusion.recipe import Recipe

LITTLE = Supports(
    anchor_attention=False, lora=False, controlnet=False, noises=frozenset({"seeded"}), samplers=frozenset({"euler"})
)
SMALL = replace(SD15, label="Small", supports=LITTLE)


def test_what_a_family_can_stays_as_it_is() -> None:
    recipe = Recipe(noise="plain", anchor_adain=True)
    assert fitted(recipe, SD15, [Weighted(Path("a"))], [ControlFile("canny", Path("b"))]) == (recipe, ())


def test_what_is_on_unless_asked_otherwise_is_left_out_with_a_note() -> None:
    recipe, notes = fitted(Recipe(), SMALL, [], [])
    assert recipe.anchor and recipe.anchor_attention == 0 and "Small has no anchor attention" in notes[0]
    assert fitted(Recipe(anchor=False), SMALL, [], []) == (Recipe(anchor=False), ())
    assert fitted(Recipe(anchor_attention=0.0), SMALL, [], [])[1] == ()


def test_what_was_asked_for_is_an_error() -> None:
    for recipe, loras, controls in (
        (Recipe(), [Weighted(Path("a"))], []),
        (Recipe(), [], [ControlFile("canny", Path("b"))]),
        (Recipe(noise="exact"), [], []),
        (Recipe(sampler="lcm"), [], []),
        (Recipe(anchor_adain=True), [], []),
    ):
        with pytest.raises(UnsupportedByFamily, match="Small has no"):
            fitted(recipe, SMALL, loras, controls)
