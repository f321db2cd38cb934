from __future__ import annotations

from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.backbones.z_image.rows import Z_IMAGE


def test_settings_are_those_of_the_distilled_model_unless_its_name_says_base(z_look, places) -> None:
    asked = {"steps": 30, "cfg_scale": 7.0}
    look = z_look(**asked)
    assert (look.recipe.steps, look.recipe.cfg_scale, look.recipe.sampler) == (8, 1.0, "euler")
    assert "8 steps, CFG 1" in look.notes[0]
    assert z_look(steps=12, cfg_scale=1.5).recipe.steps == 12
    assert z_look(distilled="no", **asked).recipe.steps == 30
    base = places.file.with_name("z_image_base.safetensors")
    base.write_bytes(places.file.read_bytes())
    assert z_look(base, **asked).recipe.cfg_scale == 7.0


def test_it_is_in_the_table() -> None:
    assert FAMILIES["z-image"] is Z_IMAGE and Z_IMAGE.ladder == ("bfloat16", "float32")
