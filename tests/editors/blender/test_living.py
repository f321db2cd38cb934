"""What the extension keeps, and what it leaves behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors.numpy import save_file

import restrip
from restrip.client.client import Client

Blender = Callable[..., Any]


def test_disabled_it_leaves_nothing_behind(blender: Blender, engine: Client) -> None:
    told = blender("living.off_and_on")
    assert told["running"] and told["answered"] and told["ended"]
    assert told["used"]["threads"] == [], "Blender isn't made for Python threads"
    assert told["used"]["types"] and told["used"]["handlers"] and len(told["used"]["menus"]) == 3
    assert told["again"]["types"] == told["used"]["types"]
    for name in ("off", "off again"):
        assert not any(told[name].values()), told[name]


def test_a_timer_that_stumbles_goes_on(blender: Blender) -> None:
    assert blender("living.stumbles") == {"raised": True, "goes on": True, "fine": True, "once": False}


def test_settings_are_drawn_from_the_schema_and_kept_on_the_strip(
    blender: Blender, counting: Callable[..., Path], tmp_path: Path
) -> None:
    told = blender("living.values_follow_the_strip", path=str(counting("25")), blend=str(tmp_path / "a.blend"))
    assert told["default"] == [7.0, 30, "1", "euler"]
    kept = {"look.family": "sd", "cfg_scale": 5.3, "steps": 150, "seed": 4294967295, "sampler": "ddim", "fade": "12"}
    assert told["kept"] == kept
    assert told["shown"] == ["cfg_scale", "steps", "seed", "sampler", "fade"]
    assert told["other strip"] == ["euler", ""]
    settings = {name: kept[name] for name in ("cfg_scale", "steps", "seed", "sampler")}
    assert told["spec"] == ["sd:", settings, 12]
    assert told["next default"] == "ddim"
    assert told["presets"] == ["Mine ..a"]
    assert told["loaded"] == 150
    assert told["read"] is True
    assert told["rebuilt"] == [True, False]
    assert told["still"] == 150


def test_a_look_that_has_another_name_now_keeps_its_values(blender: Blender, counting: Callable[..., Path]) -> None:
    told = blender("living.older_names", path=str(counting("25")))
    shown = ["keys", "/paintings", 9, "keys:/paintings", {"first_number": 9}]
    assert told["last job"] == told["preset"] == shown
    assert told["changed"] == {"look.family": "keys", "look.keys": "/paintings", "first_number": 3}
    assert told["older engine"] == "painted:/paintings"


def test_the_models_folder_offers_what_fits(
    blender: Blender, engine: Client, counting: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(Path(restrip.__file__).parent / "data" / "tiny-sd", folder / "tiny")
    (folder / "Lora").mkdir()
    for name in ("ink", "rain"):
        half = {"lora_unet_mid.lora_down.weight": np.zeros((1, 4), np.float16)}
        save_file(half, str(folder / "Lora" / f"{name}.safetensors"))
    told = blender("living.models", movie=str(counting("25")), folder=str(folder))
    assert told["without a folder"] is False
    assert told["listed"] == {
        "look.sd": ["tiny"],
        "lora": ["ink.safetensors", "rain.safetensors"],
        "controlnet": [],
        "vae": [],
        "ip_adapter": [],
        "image_encoder": [],
    }
    ink, rain = (folder / "Lora" / f"{name}.safetensors" for name in ("ink", "rain"))
    assert told["values"]["look.sd"] == str(folder / "tiny")
    assert told["values"]["lora"] == f"{ink}:0.8, {rain}:0.8"
    known, unknown = told["shown"].values()
    nothing = {"mask_weight", "text_encoder", "edit_correction"}
    assert set(unknown) - set(known) == nothing, "what does nothing with its family isn't shown"
    assert known[known.index("style_picture") + 1] == "style_strength"
    assert "style_strength" in told["built-in"] and "style_picture" not in told["built-in"]
    assert told["asked"] == "Stable Diffusion 1.5"
    assert "Stable Diffusion 1.5: Mattes (latents)" in told["descriptions"][0]


def test_a_sheet_of_seeds_fills_row_by_row(blender: Blender, tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{n}.png") for n in range(4)]
    for n, path in enumerate(paths):
        cv2.imwrite(path, np.full((20, 30, 3), 51 * (n + 1), np.uint8))
    told = blender("living.sheet", pictures=paths)
    assert told["grid"] == [[1, 1], [2, 2], [3, 2], [3, 3], [4, 3]]
    assert told["size"] == [90, 40]
    assert told["levels"] == [0.2, 0.4, 0.6, 0.8, 0.0, 0.0]
    assert told["cells"] == [0, 1, 2, 3, 4, None]
    assert told["outside"] == [None, None]
