from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from recipes import recipe_of

from restrip.looks.diffusion.backbones.family import Supports, UnsupportedByFamily
from restrip.looks.diffusion.backbones.stable_diffusion.rows import SD15
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile, Weighted
from restrip.looks.diffusion.fitting import fitted

LITTLE = Supports(
    anchor_attention=False, lora=False, controlnet=False, noises=frozenset({"seeded"}), samplers=frozenset({"euler"})
)
SMALL = replace(SD15, label="Small", supports=LITTLE)


def test_what_a_family_can_stays_as_it_is() -> None:
    recipe = recipe_of(noise="plain", anchor_adain=True)
    assert fitted(recipe, SD15, [Weighted(Path("a"))], [ControlFile("canny", Path("b"))]) == (recipe, ())


def test_what_is_on_unless_asked_otherwise_is_left_out_with_a_note() -> None:
    recipe, notes = fitted(recipe_of(), SMALL, [], [])
    assert recipe.anchor and recipe.anchor_attention == 0 and "Small has no anchor attention" in notes[0]
    assert fitted(recipe_of(anchor=False), SMALL, [], []) == (recipe_of(anchor=False), ())
    assert fitted(recipe_of(anchor_attention=0.0), SMALL, [], [])[1] == ()


def test_an_edit_model_that_starts_from_the_frame_says_so() -> None:
    edits = replace(SD15, label="Edits", supports=replace(SD15.supports, references=True, anchor_attention=False))
    recipe, notes = fitted(recipe_of(), edits, [], [])
    assert recipe == recipe_of() and len(notes) == 1, "it looks at the anchor without being taught to"
    assert f"Edits starts from the frame here, at the denoising strength {recipe.denoising_strength:g}" in notes[0]
    assert fitted(recipe_of(denoising_strength=1.0), edits, [], [])[1] == ()


def test_what_was_asked_for_is_an_error() -> None:
    for recipe, loras, controls in (
        (recipe_of(), [Weighted(Path("a"))], []),
        (recipe_of(), [], [ControlFile("canny", Path("b"))]),
        (recipe_of(noise="exact"), [], []),
        (recipe_of(sampler="lcm"), [], []),
        (recipe_of(anchor_adain=True), [], []),
    ):
        with pytest.raises(UnsupportedByFamily, match="Small has no"):
            fitted(recipe, SMALL, loras, controls)
