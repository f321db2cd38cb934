"""docs/diffusion.md's table of families and what each can do: each cell is run on a small random checkpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import diffusers
import numpy as np
import pytest
import safetensors.torch
import small_ip_adapter
import torch

from restrip.looks import Beside, open_look
from restrip.looks.diffusion.backbones.abilities import ABILITIES, abilities_of, idle_settings, told_families
from restrip.looks.diffusion.backbones.family import Family, UnsupportedByFamily
from restrip.looks.diffusion.backbones.flux2.rows import ROWS as KLEIN_ROWS
from restrip.looks.diffusion.backbones.stable_diffusion.rows import SD15
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.backbones.z_image.rows import ROWS as Z_IMAGE_ROWS
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.runtime import model_cache
from restrip.looks.diffusion.settings import SD_SETTINGS
from restrip.media.frame import Frame
from restrip.timeline import Key

DOCS = Path(__file__).parents[4] / "docs" / "diffusion.md"
FAST = {"steps": 2, "denoising_strength": 0.6, "cfg_scale": 2.0, "width": 32, "height": 32, "prompt": "a b"}
RUNNABLE = {family.name: family for family in FAMILIES.values() if family.runnable}
Made = Callable[..., np.ndarray]


def table() -> dict[str, dict[str, str]]:
    """What docs/diffusion.md says, by the families' labels and the abilities' names."""
    text = DOCS.read_text("utf-8").partition("## What each family can do")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.M)]
    names = {label: name for name, label in ABILITIES}
    return {row[0]: dict(zip([names[title] for title in rows[0][1:]], row[1:], strict=True)) for row in rows[2:]}


def test_the_table_is_what_the_engine_tells() -> None:
    told = {family["label"]: family["can"] for family in told_families()}
    assert told == table() and [family["name"] for family in told_families()] == list(RUNNABLE)


@pytest.mark.parametrize("family", RUNNABLE.values(), ids=list(RUNNABLE))
def test_idle_settings_are_settings(family: Family) -> None:
    assert set(idle_settings(family)) < {setting.key for setting in SD_SETTINGS}


@pytest.fixture
def frame() -> Frame:
    y, x = np.mgrid[0:32, 0:32]
    return Frame(np.stack([x * 7, y * 7, 128 + 80 * np.sin(x / 3)], axis=-1).astype(np.uint8))


@pytest.fixture(params=list(RUNNABLE))
def family(request: pytest.FixtureRequest) -> Family:
    return RUNNABLE[request.param]


@pytest.fixture
def made(
    family: Family, small: Any, frame: Frame, silent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Made]:
    """made(setting=...) is a key of a small random model of the family."""
    small("sd15")  # Its ControlNet is what families without one refuse; built while configs are Restrip's own.
    path = SMALL[family.opener](family, small, tmp_path, monkeypatch)

    def one(key: int = 0, anchor: bool = False, beside: Beside | None = None, **settings: Any) -> np.ndarray:
        look = open_look(f"sd:{path}", {**FAST, "anchor": anchor, **settings})
        first = (Frame(np.ascontiguousarray(frame.rgb[::-1])), Key(9)) if anchor else None
        return look.stylize([frame], [Key(key)], silent.report, first, beside)[0].picture.rgb

    yield one
    model_cache.unload()


def test_each_cell(family: Family, made: Made, frame: Frame, small: Any, tmp_path: Path) -> None:
    """Everything that the table says is run: it changes the key, or is refused by name."""
    can = table()[family.label]
    assert can == abilities_of(family)
    plain = made()
    for ability, word in can.items():
        if ability != "speed":
            CELLS[ability](Cell(family, word, made, plain, frame, tmp_path, small))


@dataclass(frozen=True, eq=False)
class Cell:
    """What the table says of one ability, `plain` the key without it."""

    family: Family
    word: str
    made: Made
    plain: np.ndarray
    frame: Frame
    folder: Path
    small: Any

    def refused(self, what: str, **settings: Any) -> bool:
        """Whether the table says no, and then that the family says it, too."""
        if self.word == "no":
            with pytest.raises(UnsupportedByFamily, match=what) as caught:
                self.made(**settings)
            assert caught.value.code == "unsupported-by-family" and caught.value.remedy
        return self.word == "no"

    def idle(self, setting: str) -> bool:
        return setting in idle_settings(self.family)


def differs(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one.astype(int) - other).max() > 0)


def mattes(cell: Cell) -> None:
    matte, frame = np.zeros((32, 32), np.uint8), cell.frame.rgb
    matte[:, 16:] = 255
    kept = cell.made(beside=Beside(mattes=[matte]))
    assert np.array_equal(kept[:, :16], frame[:, :16]) and differs(kept[:, 16:], frame[:, 16:])
    told = cell.word == "inpainting"
    assert differs(cell.made(mask_weight=0.0), cell.plain) == told == (not cell.idle("mask_weight"))


def anchor(cell: Cell) -> None:
    alone = {"anchor_fusion": 0.0, "anchor_color": 0.0, "anchor": True}
    seen = "attention" in cell.word or "reference" in cell.word
    assert (
        differs(cell.made(**alone), cell.made(**alone, anchor_attention=0.0))
        == seen
        == (not cell.idle("anchor_attention"))
    )
    if "attention" not in cell.word:
        assert cell.idle("anchor_adain")
        with pytest.raises(UnsupportedByFamily, match="anchor attention"):
            cell.made(anchor=True, anchor_adain=True)
    assert "motion" in cell.word and differs(cell.made(anchor=True, anchor_attention=0.0), cell.plain)


def controlnet(cell: Cell) -> None:
    path = cell.folder / "control"
    CONTROL.get(cell.family.opener, unet_controlnet)(cell, path)
    if not cell.refused("ControlNet", controlnet=f"canny={path}:1.0"):
        assert differs(cell.made(controlnet=f"canny={path}:1.0"), cell.plain)
    assert cell.idle("controlnet") == (cell.word == "no")


def style_picture(cell: Cell) -> None:
    path = str(cell.folder / "style.png")
    cv2.imwrite(path, np.random.default_rng(0).integers(0, 255, (48, 120, 3), np.uint8))
    if not cell.refused("style picture", style_picture=path):
        assert differs(cell.made(style_picture=path), cell.plain)
        assert differs(cell.made(style_picture=path, style_strength=0.5), cell.made(style_picture=path))
    assert cell.idle("style_picture") == (cell.word == "no")
    unet = cell.small(cell.family.name if cell.family.opener == UNET else "sd15").unet
    adapter = {"style_picture": path, "ip_adapter": str(small_ip_adapter.save(unet, cell.folder))}
    if "IP-Adapter" in cell.word:
        assert differs(cell.made(**adapter), cell.plain) and not cell.idle("ip_adapter")
    else:
        with pytest.raises(UnsupportedByFamily, match="IP-Adapter"):
            cell.made(**adapter)
        assert cell.idle("ip_adapter")


def negative_prompt(cell: Cell) -> None:
    if not cell.refused("negative prompt", negative_prompt="c d"):
        guided = {"distilled": "no", "cfg_scale": 3.0}
        assert differs(cell.made(negative_prompt="c d", **guided), cell.made(**guided))
    assert cell.idle("negative_prompt") == (cell.word == "no")


def lora(cell: Cell) -> None:
    path = cell.folder / "grain.safetensors"
    layer, width = LORA.get(cell.family.opener, LORA[UNET])
    generator = torch.Generator().manual_seed(1)
    down, up = (torch.randn(shape, generator=generator) for shape in ((2, width), (width, 2)))
    safetensors.torch.save_file({f"{layer}.lora_down.weight": down, f"{layer}.lora_up.weight": up}, path)
    if not cell.refused("LoRA", lora=f"{path}:1"):
        assert differs(cell.made(lora=f"{path}:1"), cell.plain)
    assert cell.idle("lora") == (cell.word == "no")


CELLS: dict[str, Callable[[Cell], None]] = {
    "mattes": mattes,
    "anchor": anchor,
    "controlnet": controlnet,
    "style_picture": style_picture,
    "negative_prompt": negative_prompt,
    "lora": lora,
}


def unet_controlnet(cell: Cell, path: Path) -> None:
    unet = cell.small(cell.family.name.removesuffix("-inpaint") if cell.family.opener == UNET else "sd15").unet
    net = diffusers.ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 4, 4))
    torch.manual_seed(5)
    for parameter in net.parameters():  # its last layers begin at zero
        parameter.data += 0.05 * torch.randn_like(parameter)
    net.save_pretrained(path)


def z_image_controlnet(cell: Cell, path: Path) -> None:
    import_module("small_z_image").controlnet("2.1").save_pretrained(path)


def unet_file(family: Family, small: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    model = small(family.name)
    monkeypatch.setattr(loader, "CONFIGS", model.configs)
    return model.save_file(folder / "model.safetensors")


def z_image_file(family: Family, small: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "z_image"))
    kin = import_module("small_z_image")
    monkeypatch.setattr(loader, "CONFIGS", kin.save_configs(folder / "configs"))
    return kin.save_comfy(kin.made(), folder / "ComfyUI")


def klein_file(family: Family, small: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of either size: they differ in nothing else."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "flux2"))
    kin = import_module("small_klein")
    monkeypatch.setattr(loader, "CONFIGS", kin.save_configs(folder / "configs"))
    networks = SimpleNamespace(transformer=kin.transformer(), vae=kin.vae(), text=kin.qwen())
    return kin.save_comfy(folder / "ComfyUI", networks)


UNET, Z_IMAGE, KLEIN = SD15.opener, Z_IMAGE_ROWS[0].opener, KLEIN_ROWS[0].opener
SMALL: dict[str, Callable[[Family, Any, Path, pytest.MonkeyPatch], Path]] = {
    UNET: unet_file,
    Z_IMAGE: z_image_file,
    KLEIN: klein_file,
}
"""A small random model of each kind, by the module that opens it."""

CONTROL: dict[str, Callable[[Cell, Path], None]] = {Z_IMAGE: z_image_controlnet}
LORA: dict[str, tuple[str, int]] = {
    UNET: ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q", 32),
    Z_IMAGE: ("lora_unet_layers_0_attention_to_q", 96),
    KLEIN: ("lora_unet_double_blocks_0_img_attn_proj", 32),
}
"""How a ControlNet is saved, and a square layer's name and channels, where that isn't as for UNets."""
