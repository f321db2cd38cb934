from __future__ import annotations

import subprocess
import sys

import pytest

from restrip.link.setting import BadSetting
from restrip.looks import FAMILIES, UnknownLook, family_of, look_settings, open_look, own_settings, settings_of


@pytest.mark.parametrize("name", ["", "neural", "neural:", "neural: ", "oil:3", ":3", "NEURAL:3"])
def test_a_name_that_names_no_look_is_refused_with_examples(name):
    with pytest.raises(UnknownLook) as refused:
        family_of(name)
    assert "neural:19" in refused.value.remedy
    assert refused.value.detail["look"] == name


def test_a_windows_path_keeps_its_colon():
    family, argument = family_of(r"painting:C:\art\wave.jpg")
    assert (family.prefix, argument) == ("painting", r"C:\art\wave.jpg")


def test_every_setting_belongs_to_a_known_family_and_has_a_lawful_default():
    prefixes = {family.prefix for family in FAMILIES}
    for setting in look_settings():
        assert setting.looks and set(setting.looks) <= prefixes, setting.key
        assert setting.check(setting.default) == setting.default, setting.key
        assert setting.label and setting.help, setting.key


def test_settings_have_one_meaning_each():
    keys = [setting.key for setting in look_settings()]
    assert len(keys) == len(set(keys))


def test_examples_name_their_own_family():
    for family in FAMILIES:
        assert family_of(family.example)[0] is family


def test_own_settings_leave_out_what_belongs_to_others():
    given = {"prompt": "a fox", "stroke_size": 2, "lean": 0.5}
    assert own_settings("neural:3", given) == {"style_strength": 1.0, "stroke_size": 2.0, "keep_color": False}
    assert own_settings("painted:keys", given) == {"first_number": 0}
    assert own_settings("sd:x.safetensors", given)["prompt"] == "a fox"


def test_a_setting_of_another_look_is_refused_when_a_look_is_opened():
    with pytest.raises(BadSetting, match="prompt"):
        open_look("neural:3", {"prompt": "a fox"})


@pytest.mark.parametrize("bad", [{"stroke_size": 0.1}, {"style_strength": 2}, {"keep_color": "yes"}])
def test_values_out_of_bounds_are_refused(bad):
    with pytest.raises(BadSetting):
        own_settings("neural:3", bad)


def test_diffusion_has_the_fields_of_img2img():
    keys = {setting.key for setting in settings_of("sd:model")}
    assert {"prompt", "negative_prompt", "steps", "sampler", "cfg_scale", "denoising_strength", "seed"} <= keys


def test_the_tables_load_no_numerics():
    code = (
        "import sys, restrip.looks, restrip.looks.painted; restrip.looks.look_settings(); restrip.looks.list_looks();"
        "sys.exit(', '.join({'numpy', 'cv2', 'torch', 'onnxruntime', 'av'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
