from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from restrip.client.job import JobSpec
from restrip.client.setting import BadSetting, Setting
from restrip.jobs.model.settings_schema import schema
from restrip.jobs.references import files_of
from restrip.jobs.resources.memory import needs_of_look
from restrip.looks import (
    FAMILIES,
    Look,
    LookFamily,
    LookTraits,
    Styled,
    UnknownLook,
    families,
    family_of,
    look_settings,
    open_look,
    own_settings,
    settings_of,
)
from restrip.request import absolute_look
from restrip.timeline import ClipRange, Key, Rate


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
    prefixes = {name for family in FAMILIES for name in family.names}
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


def test_a_family_goes_by_its_older_names_too(tmp_path: Path) -> None:
    (tmp_path / "key_7.png").touch()
    names = [name for family in FAMILIES for name in family.names]
    assert len(names) == len(set(names))
    assert family_of("painted:/k")[0] is family_of("keys:/k")[0]
    assert settings_of("painted:/k") == settings_of("keys:/k")
    assert open_look(f"painted:{tmp_path}", {}).identity() == open_look(f"keys:{tmp_path}", {}).identity()
    with pytest.raises(UnknownLook, match="Painted keys needs a folder"):
        family_of("painted:")


def test_own_settings_leave_out_what_belongs_to_others():
    given = {"prompt": "a fox", "stroke_size": 2, "lean": 0.5}
    neural = {"style_strength": 1.0, "stroke_size": 2.0, "keep_color": False, "anchor_file": ""}
    assert own_settings("neural:3", given) == neural
    assert own_settings("keys:painted", given) == {"first_number": 0}
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
        "import sys, restrip.looks, restrip.looks.keys_from_files; "
        "restrip.looks.look_settings(); restrip.looks.list_looks();"
        "sys.exit(', '.join({'numpy', 'cv2', 'torch', 'onnxruntime', 'av'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Negative(Look):
    """A look as somebody may add one: nothing but what it must have."""

    name = "negative:1"

    def __init__(self, amount: float) -> None:
        self.amount = amount

    def identity(self):
        return {"look": "negative", "amount": self.amount}

    def stylize(self, frames, keys, report, anchor=None, beside=None):
        return [Styled(frame) for frame in frames]


def open_negative(argument, values, *, size=None):
    return Negative(float(values["amount"]))


NEGATIVE = LookFamily(
    "negative",
    "Negative",
    "file",
    "negative:curve.cube",
    "Light is dark.",
    usage="negative:FILE",
    opener=(__name__, "open_negative"),
    settings=(Setting("amount", "float", 1.0, "Amount", "How much.", low=0.0, high=1.0, looks=("negative",)),),
    traits=LookTraits(uses_gpu=True),
)


def test_a_new_look_is_one_line_of_the_table(monkeypatch, tmp_path):
    for module in (families, sys.modules["restrip.jobs.model.settings_schema"]):
        monkeypatch.setattr(module, "FAMILIES", (*FAMILIES, NEGATIVE))
    curve = tmp_path / "curve, 1;a=b.cube"
    curve.write_text("a curve")
    name = f"negative:{curve}"
    look = open_look(name, {"amount": 0.5})
    assert look.identity()["amount"] == 0.5 and look.estimate((8, 8)) is None and not look.key_facts()
    look.check_keys([Key(3)])
    look.spare_memory(2)
    assert needs_of_look(name) == {"gpu": True}
    assert [look["prefix"] for look in schema()["looks"]][-1] == "negative"
    assert "amount" in {setting["key"] for setting in schema()["settings"]}
    monkeypatch.chdir(tmp_path)
    assert absolute_look(f"negative:{curve.name}") == name
    spec = JobSpec("job-1", ClipRange(("/clip.mp4",), Rate.of(25), 9), (), name, {"amount": 0.5})
    assert {file.role: file.files for file in files_of(spec)} == {"source": ("/clip.mp4",), "look": (str(curve),)}


def test_a_look_without_its_picture_maker_cannot_be_made():
    class Half(Look):
        def identity(self):
            return {}

    with pytest.raises(TypeError, match="stylize"):
        Half()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.prefix)
def test_what_opens_a_look_is_there_and_its_settings_are_its_own(family):
    module, function = family.opener
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None
    assert f"def {function}(" in Path(spec.origin).read_text("utf-8")
    assert all(family.prefix in setting.looks for setting in family.settings)
    assert set(settings_of(f"{family.prefix}:x")) == {s for s in look_settings() if family.prefix in s.looks}


def test_traits_that_no_setting_changes_are_those_of_the_table():
    plain, carried = (open_look("sd:tiny", {"anchor": False, "previous_fusion": far}).traits for far in (0.0, 0.5))
    assert plain == family_of("sd:tiny")[0].traits
    assert carried == replace(plain, carries_previous=True)
    assert open_look("sd:tiny", {}).traits == replace(plain, needs_anchor=True)
