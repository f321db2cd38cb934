"""What is chosen for a strip, and what of it is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from restrip.client.client import Client

Blender = Callable[..., Any]


def test_looks_have_names_and_only_what_acts_is_shown(
    blender: Blender, engine: Client, counting: Callable[..., Path]
) -> None:
    told = blender("chosen.looks_and_words", path=str(counting("25")))
    assert told["labels"] == ["Blue Night (19)", "Soft Pastel (0)", "Blue Woodblock (24)"]
    assert told["alone"] == told["still"] == "19"
    assert told["favourite first"] == "Blue Woodblock (24)" and told["no favourite"] == "Blue Night (19)"
    assert {"looks", "restrip.favourite", "restrip.mix_add", "restrip.preview_frame"} <= set(told["neural"])
    assert "own_look_neural" not in told["neural"], "no number to type"
    assert told["mix"] == "19:0.5+3:0.25"
    assert {"mix_look_0", "mix_weight_1", "restrip.mix_remove", "restrip.preview_frame"} <= set(told["mixed panel"])
    assert told["mix less"] == "3"
    assert "Stable Diffusion needs a model" in told["no model"] and "sd:" not in told["no model"]
    assert told["only with recovered noise"] == ["set_original_prompt", "set_randomness", "set_recovery_iterations"]
    assert told["no matte, no feather"] is False
    assert told["with a matte"] == ["own_matte_file", "set_look_only", "set_matte_feather"]
    assert told["every"] == [True, False]
    assert told["dice"] == [True, True]
    assert told["last prompt"] == "a fox"


def test_a_keyframes_prompt_may_be_long(blender: Blender, counting: Callable[..., Path], tmp_path: Path) -> None:
    told = blender("chosen.long_prompts", path=str(counting("25")), blend=str(tmp_path / "a.blend"))
    assert told["before"] == "a fox"
    assert max(told["names"]) <= 63 and told["begin"] == ["K: a fox", "K2: a fo"] and told["differ"]
    assert told["keys"] == [[9, told["long"], 7], [19, f"{told['long']} again", None]]
    assert told["short"] == ["K: a hare seed: 7", 1]
    assert told["again"] == ["again"]


def test_a_strip_a_mask_and_a_picture_are_mattes(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half.png"
    picture = np.zeros((144, 176, 3), np.uint8)
    picture[:, :88] = 255
    cv2.imwrite(str(half), picture)
    told = blender("chosen.mattes", path=str(carphone), folder=str(tmp_path), half=str(half))
    source = cv2.imread(told["source"]).astype(int)
    for kind, stage in (("strip", "rendering"), ("mask", "rendering"), ("file", "sending")):
        assert told[kind][0] == stage
        result = cv2.imread(told[kind][1]).astype(int)
        kept, changed = (np.abs(result - source)[:, part].mean() for part in (slice(92, 176), slice(0, 84)))
        assert kept < 3 and changed > 10, (kind, kept, changed)
    assert "matte of shot, the strip gone," in told["gone"]
    assert told["moved"] == ["its matte lies on the canvas"]


def test_a_frame_is_previewed_in_any_look_beside_the_source(blender: Blender, engine: Client, carphone: Path) -> None:
    told = blender("chosen.preview", path=str(carphone))
    assert told["size"] == [192, 144], "square pixels"
    assert told["messages"] == ["Frame 60 in this look."]
    assert told["split"] == [True, True, True, True]
    assert told["mix picture"] is True
    assert told["folded"] == [1, 0]


def test_one_look_for_a_whole_edit(blender: Blender, engine: Client, carphone: Path, tmp_path: Path) -> None:
    told = blender("chosen.saved_looks", path=str(carphone), folder=str(tmp_path))
    assert told["no result"] == ""
    assert told["twice"][0] == "WARNING" and "already" in told["twice"][1]
    used = told["used"]
    assert (used["look.family"], used["look.neural"], used["style_strength"]) == ("neural", "4", 0.7)
    assert used["long_side"] == 64 and "seed" not in used and "format" not in used, "where it goes is the strip's own"
    assert used["anchor_file"].endswith("moody.restriplook") and told["in use"] == ["moody", ""]
    assert told["menu"][:2] == [["restrip.look_use", "moody"], ["restrip.look_save", "Save Look…"]]
    assert told["panel"] and told["icon"]
    assert told["empty"][0] == ["", "No look is saved yet"]
