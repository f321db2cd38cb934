from __future__ import annotations

from dataclasses import fields

import pytest

from restrip.client.setting import BadSetting
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.sampling.samplers import SAMPLERS
from restrip.looks.diffusion.sampling.schedules import SPACINGS
from restrip.looks.diffusion.settings import SD_SETTINGS

BY_KEY = {setting.key: setting for setting in SD_SETTINGS}


def test_what_is_left_out_has_the_settings_default() -> None:
    plain = Recipe.from_settings({})
    for field in fields(Recipe):
        assert BY_KEY[field.name].default == getattr(plain, field.name), field.name
    assert set(BY_KEY) - {field.name for field in fields(Recipe)} == {"anchor_key"}  # which is the job's to choose


def test_every_choice_exists() -> None:
    assert {value for value, _ in BY_KEY["sampler"].choices} == set(SAMPLERS)
    assert {value for value, _ in BY_KEY["schedule"].choices} == {"auto", *SPACINGS}


def test_settings_are_checked() -> None:
    assert Recipe.from_settings({"cfg_scale": 24}).cfg_scale == 24.0
    for wrong in ({"steps": 0}, {"sampler": "heun"}, {"denoising_strength": 1.5}, {"nothing": 1}):
        with pytest.raises(BadSetting):
            Recipe.from_settings(wrong)


def test_every_setting_is_explained() -> None:
    assert all(setting.help and setting.label and "sd" in setting.looks for setting in SD_SETTINGS)
