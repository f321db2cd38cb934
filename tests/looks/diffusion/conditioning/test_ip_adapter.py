"""IP-Adapters make of a UNet what diffusers' own loader makes of the same small random files, to 1e-3."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch
import transformers
from PIL import Image
from small_ip_adapter import adapter, save, vision

from restrip.client.job import JobSpec
from restrip.jobs.references import files_of, relocated
from restrip.looks import open_look
from restrip.looks.diffusion.backbones.family import UnsupportedByFamily
from restrip.looks.diffusion.checkpoints.family_detection import family_of_shapes
from restrip.looks.diffusion.checkpoints.finding import MissingCheckpoint
from restrip.looks.diffusion.checkpoints.ip_adapter_files import (
    MissingImageEncoder,
    UnusableAdapter,
    adapter_files,
)
from restrip.looks.diffusion.checkpoints.weights.headers import read_shapes
from restrip.looks.diffusion.conditioning.ip_adapter import picture_words, pixels
from restrip.media.frame import Frame
from restrip.timeline import ClipRange, Key, Rate

STYLE = Frame(np.random.default_rng(1).integers(0, 255, (50, 70, 3), np.uint8))
FAST = {"steps": 3, "width": 64, "height": 48, "prompt": "a photo", "cfg_scale": 2.0, "anchor": False}


@pytest.fixture
def saved(small: Any, tmp_path: Path) -> Any:
    """saved("sdxl") are the files of an adapter for that family, in ComfyUI's folders."""
    return lambda family="sd15": save(small(family).unet, tmp_path)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_the_unet_sees_what_diffusers_shows_it(family: str, saved: Any, small: Any) -> None:
    unet, files = small(family).unet, adapter_files(str(saved(family)))
    assert files.encoder.name == "any name.safetensors"
    x, text = torch.randn(4, 4, 12, 16), torch.randn(4, 7, unet.config.cross_attention_dim)
    t = torch.full((4,), 300.0)
    more = {"text_embeds": torch.randn(4, 32), "time_ids": torch.ones(4, 6)} if family == "sdxl" else {}
    before = dict(unet.attn_processors)
    with torch.inference_mode():
        plain = unet(x, t, text, added_cond_kwargs=more).sample
        with picture_words(files, unet, STYLE, 0.7).shown(unet, 2):
            mine = unet(x, t, text, added_cond_kwargs=more).sample
        with picture_words(files, unet, STYLE, 0.7).shown(unet, 2):
            alone = unet(x[2:], t[2:], text[2:], added_cond_kwargs={k: v[2:] for k, v in more.items()}).sample
    assert unet.attn_processors == before
    # diffusers' own loader, on the same weights.
    parts: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, value in adapter(unet).items():
        parts[name.partition(".")[0]][name.partition(".")[2]] = value
    unet._load_ip_adapter_weights([parts], low_cpu_mem_usage=False)
    try:
        for processor in unet.attn_processors.values():
            if hasattr(processor, "scale"):
                processor.scale = [0.7]
        shown = transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
        values = shown(Image.fromarray(STYLE.rgb), return_tensors="pt").pixel_values
        assert torch.allclose(values, pixels(STYLE, 32), atol=1e-5)
        with torch.inference_mode():
            seen = vision()(values).image_embeds
            embeds = torch.cat([torch.zeros_like(seen), seen]).repeat_interleave(2, dim=0)[:, None]
            theirs = unet(x, t, text, added_cond_kwargs={**more, "image_embeds": [embeds]}).sample
    finally:
        unet.set_attn_processor(before)
        unet.encoder_hid_proj, unet.config.encoder_hid_dim_type = None, None
    assert torch.allclose(mine, theirs, atol=1e-3) and float((mine - plain).abs().max()) > 0.05
    assert torch.allclose(alone, mine[2:], atol=1e-4)


@pytest.fixture
def style(tmp_path: Path) -> str:
    cv2.imwrite(str(tmp_path / "style.png"), STYLE.rgb)
    return str(tmp_path / "style.png")


def test_in_the_look(saved: Any, small_file: Any, style: str, moved: Any, silent: Any, monkeypatch: Any) -> None:
    path, model = saved(), small_file()
    monkeypatch.setenv("RESTRIP_MODELS", str(path.parents[1]))
    frames, keys = [moved(0), moved(4)], [Key(0), Key(1)]

    def look(**settings: Any) -> Any:
        return open_look(f"sd:{model}", {**FAST, "style_picture": style, **settings})

    def made(against: Any = None, **settings: Any) -> list[np.ndarray]:
        return [
            x.picture.rgb.astype(int)
            for x in look(**{"anchor": against is not None, **settings}).stylize(frames, keys, silent.report, against)
        ]

    name = {"ip_adapter": "ip-adapter_small"}
    one, half, attention = made(**name), made(**name, style_strength=0.5), made()
    plain = made(style_picture="")
    assert all(abs(a[0] - b[0]).max() > 0 for a, b in ((one, half), (one, attention), (one, plain), (half, plain)))
    anchor = frames[0], keys[0]
    many, few = (made(anchor, **name, batch=n) for n in (2, 1))
    assert max(abs(a - b).max() for a, b in zip(many, few, strict=True)) <= 1
    sparing = look(**name, guided_every=2, replay=True)  # a step without the prompt is one without the picture
    again = sparing.stylize(frames[:1], keys[:1], silent.report)[0]
    assert abs(again.picture.rgb.astype(int) - one[0]).max() <= 1
    assert '"Guidance every" isn\'t used beside an IP-Adapter.' in again.notes
    [at] = sparing._studio._workplaces.values()
    monkeypatch.setattr(type(at.compiled), "recorder", staticmethod(lambda work: None))
    assert not at.compiled.replays()
    assert look(**name).identity()["ip_adapter"] != [] and "ip_adapter" not in look().identity()
    assert look(**name).identity() == look(ip_adapter=str(path)).identity()


def test_the_encoder_that_is_found_goes_along(saved: Any, style: str, tmp_path: Path) -> None:
    """To another computer, where it lies elsewhere: there the job names it."""
    path = saved()
    settings = {"style_picture": style, "ip_adapter": str(path)}
    spec = JobSpec("one", ClipRange(("/clip.mp4",), Rate.of(25), 8), (Key(0),), "sd:tiny", settings)
    found = {file.role: file for file in files_of(spec)}
    encoder = path.parents[1] / "clip_vision" / "any name.safetensors"
    assert found["image_encoder"].files == (str(encoder),) and found["ip_adapter"].files == (str(path),)
    there = relocated(spec, {str(encoder): "/there/e.safetensors", str(path): "/there/a.safetensors"})
    assert there.settings == {
        "style_picture": style,
        "ip_adapter": "/there/a.safetensors",
        "image_encoder": "/there/e.safetensors",
    }
    assert "image_encoder" not in relocated(spec, {}).settings
    plain = replace(spec, settings={"ip_adapter": str(path)})
    assert "image_encoder" not in {file.role for file in files_of(plain)}, "without a style picture nothing is seen"


def test_what_cant_be_used_is_named(
    saved: Any, small: Any, small_file: Any, style: str, tmp_path: Path, silent: Any
) -> None:
    small("sd2")  # Built while configs are Restrip's own.
    path, model = saved(), small_file()

    def opened(of: Path = model, **settings: Any) -> Any:
        return open_look(f"sd:{of}", {**FAST, "style_picture": style, "ip_adapter": str(path), **settings})

    assert family_of_shapes(read_shapes(path)) == "ip-adapter"
    encoder = path.parents[1] / "clip_vision" / "any name.safetensors"
    assert family_of_shapes(read_shapes(encoder)) == "clip-vision"
    with pytest.raises(MissingCheckpoint):
        opened(ip_adapter="gone")
    with pytest.raises(UnusableAdapter, match="something else"):
        opened(ip_adapter=str(model))
    with pytest.raises(UnusableAdapter, match="no CLIP vision network of width 24"):
        opened(image_encoder=str(model))
    plus = tmp_path / "plus.safetensors"
    safetensors.torch.save_file(
        {"image_proj.latents": torch.ones(1), "ip_adapter.1.to_k_ip.weight": torch.ones(1)}, plus
    )
    with pytest.raises(UnusableAdapter, match="Plus"):
        opened(ip_adapter=str(plus))
    encoder.rename(tmp_path / "elsewhere.safetensors")
    with pytest.raises(MissingImageEncoder, match="width 24"):
        opened()
    assert opened(image_encoder=str(tmp_path / "elsewhere.safetensors")).adapter is not None
    with pytest.raises(UnsupportedByFamily, match="IP-Adapter"):
        opened(small_file("sd2", "v2.safetensors"))


def test_of_another_family_is_an_error(
    saved: Any, small: Any, small_file: Any, style: str, moved: Any, silent: Any
) -> None:
    path, model = saved("sdxl"), small_file("sd15")
    look = open_look(f"sd:{model}", {**FAST, "style_picture": style, "ip_adapter": str(path)})
    with pytest.raises(UnusableAdapter):
        look.stylize([moved(0)], [Key(0)], silent.report)
