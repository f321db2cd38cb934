from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from recipes import recipe_of

from restrip.looks.diffusion.checkpoints.adapter_specs import (
    BadExtra,
    Weighted,
    controls,
    loras,
    unused_loras,
    without_loras,
)
from restrip.looks.diffusion.checkpoints.finding import MissingCheckpoint
from restrip.looks.diffusion.settings import without_prompt


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Lora").mkdir()
    for name in ("a.safetensors", "b c.safetensors"):
        (tmp_path / "Lora" / name).touch()
    monkeypatch.setenv("RESTRIP_MODELS", str(tmp_path))
    return tmp_path / "Lora"


def test_lora_lists(files: Path) -> None:
    found = loras(recipe_of(lora=f"a:0.8, {files}/b c.safetensors", prompt="x <lora:a:-1> y<lora:b c>"))
    assert [(lora.path.name, lora.weight) for lora in found] == [
        ("a.safetensors", 0.8), ("b c.safetensors", 1.0), ("a.safetensors", -1.0), ("b c.safetensors", 1.0),
    ]  # fmt: skip
    assert without_loras("x <lora:a:-1> y<lora:b c>") == "x  y"


def test_control_lists(files: Path) -> None:
    found = controls(recipe_of(controlnet="canny=a:0.5@0.1-0.6, tile=b c"))
    assert [(c.kind, c.path.name, c.weight, c.start, c.end) for c in found] == [
        ("canny", "a.safetensors", 0.5, 0.1, 0.6), ("tile", "b c.safetensors", 1.0, 0.0, 1.0),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a", "pose=a", "canny=a@half", "canny=a@0.1"])
def test_what_cannot_be_read(text: str, files: Path) -> None:
    with pytest.raises(BadExtra):
        controls(recipe_of(controlnet=text))


def test_missing_files_and_bad_weights(files: Path) -> None:
    with pytest.raises(MissingCheckpoint):
        loras(recipe_of(lora="nowhere:1"))
    with pytest.raises(BadExtra):
        loras(recipe_of(prompt="<lora:a:much>"))


def test_keys_bring_the_prompt_and_its_loras_stay() -> None:
    """Jobs open a look without its prompt; what the prompt merges into the model is the model's."""
    given = {"prompt": "a fox <lora:ink:0.8> at <lora:dusk>", "seed": 7, "lora": "grain:0.5", "steps": 9}
    assert without_prompt(given, {"prompt": "", "seed": 1}) == {
        "prompt": "", "seed": 1, "lora": "grain:0.5, ink:0.8, dusk:1", "steps": 9,
    }  # fmt: skip
    assert without_prompt({"prompt": "a fox", "seed": 7, "lora": ""}, {"prompt": "", "seed": 1})["lora"] == ""


def test_a_lora_of_one_key_alone_is_noticed(tmp_path: Path) -> None:
    for name in ("ink", "dusk"):
        (tmp_path / f"{name}.safetensors").touch()
    ink, dusk = (str(tmp_path / f"{name}.safetensors") for name in ("ink", "dusk"))
    used = [Weighted(tmp_path / "ink.safetensors", 0.8)]
    assert unused_loras(f"a <lora:{ink}:0.8> fox", used) == []
    assert unused_loras(f"<lora:{dusk}:1> <lora:gone:1>", used) == [dusk, "gone"]


def test_loras_lie_where_a1111_finds_them(files: Path) -> None:
    """In subfolders by bare name, with commas and dots in names, and by the name that their training gave them."""
    for name in ("styles/deep/nested.safetensors", "v1.5, final.safetensors", "styles/b c.safetensors"):
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).touch()
    safetensors.torch.save_file({"a": torch.zeros(1)}, files / "x.safetensors", metadata={"ss_output_name": "grainy"})
    tags = "<lora:nested:1> <lora:v1.5, final:1> <lora:b c:1> <lora:grainy:1> <lora:styles/deep/nested>"
    found = loras(recipe_of(prompt=tags))
    assert [str(lora.path.relative_to(files)) for lora in found] == [
        "styles/deep/nested.safetensors",
        "v1.5, final.safetensors",
        "b c.safetensors",
        "x.safetensors",
        "styles/deep/nested.safetensors",
    ]
    assert [lora.path.name for lora in loras(recipe_of(lora="nested:0.5, v1.5, final:0.7"))] == [
        "nested.safetensors",
        "v1.5, final.safetensors",
    ]
    with pytest.raises(MissingCheckpoint):
        loras(recipe_of(prompt="<lora:neste:1>"))


@pytest.mark.parametrize(
    ("tag", "weights"),
    [
        ("a", (1.0,)),
        ("a:0.8", (0.8,)),
        ("a:0.8:0.6", (0.6, 0.8)),
        ("a:0.5:0.5", (0.5,)),
        ("a:te=0.3:unet=0.9", (0.9, 0.3)),
        ("a:0.7:unet=0.2", (0.2, 0.7)),
        ("a:1:0", (0.0, 1.0)),
    ],
)
def test_two_weights_are_the_text_encoders_and_the_unets(files: Path, tag: str, weights: tuple[float, ...]) -> None:
    assert loras(recipe_of(prompt=f"x <lora:{tag}>"))[0].weights == weights


def test_three_weights_are_refused(files: Path) -> None:
    with pytest.raises(BadExtra, match="text encoder"):
        loras(recipe_of(prompt="<lora:a:1:1:8>"))
