"""klein's files in every layout, opened as a user opens them, and the pictures that diffusers makes of the folder."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import numpy as np
import PIL.Image
import pytest
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.flux2.rows import KLEIN
from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.checkpoints.companions import MissingTextEncoder, MissingVae
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily
from restrip.looks.diffusion.checkpoints.finding import list_models
from restrip.looks.diffusion.checkpoints.lora import merge
from restrip.looks.diffusion.checkpoints.origin import origin_of
from restrip.looks.diffusion.checkpoints.weights.packed import PackedLinear
from restrip.looks.diffusion.conditioning.qwen_text import read_tokenizer
from restrip.looks.diffusion.runtime import model_cache
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key

sys.path.insert(0, str(Path(__file__).parent))
import small_klein as small
from four_bit_packer import four_bits
from small_z_image import eights, halves, save, save_gguf

FAST = {
    "steps": 4, "cfg_scale": 1.0, "prompt": "a wolf, in oil", "width": 96, "height": 64, "denoising_strength": 1.0,
    "seed": 4, "anchor": False, "edit_correction": "off",
}  # fmt: skip


# Qwen3's own, of one question.
CHAT = (
    "{% for one in messages %}<|im_start|>{{ one.role }}\n{{ one.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
)


@pytest.fixture(scope="module")
def networks() -> Any:
    return SimpleNamespace(transformer=small.transformer(), vae=small.vae(), text=small.qwen())


@pytest.fixture(scope="module")
def folder(networks: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.save_folder(tmp_path_factory.mktemp("klein"), networks)


@pytest.fixture
def comfy(networks: Any, tmp_path: Path) -> Path:
    """The transformer's file in ComfyUI's folders."""
    return small.save_comfy(tmp_path / "ComfyUI", networks)


@pytest.fixture(autouse=True)
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(loader, "CONFIGS", small.save_configs(tmp_path / "configs"))
    yield
    model_cache.unload()


@pytest.fixture(scope="module")
def frame() -> Frame:
    y, x = np.mgrid[0:64, 0:96]
    rgb = np.stack([x * 2, y * 3, 128 + 100 * np.sin(x / 5) * np.cos(y / 4)], axis=-1)
    rgb[20:44, 30:60] = (230, 60, 40)
    return Frame(rgb.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def theirs(folder: Path, frame: Frame) -> np.ndarray:
    """What Flux2KleinPipeline makes of the folder, text and all, [h, w, 3] in code values."""
    pipeline = diffusers.Flux2KleinPipeline.from_pretrained(str(folder), local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.tokenizer = read_tokenizer(folder / "tokenizer")
    pipeline.tokenizer.chat_template = CHAT
    made = pipeline(
        image=PIL.Image.fromarray(frame.rgb), prompt=FAST["prompt"], width=96, height=64, num_inference_steps=4,
        guidance_scale=1.0, generator=torch.Generator().manual_seed(4), output_type="np",
    )  # fmt: skip
    return made.images[0] * 255


def key(path: Path, frame: Frame, **settings: Any) -> Any:
    return open_look(f"sd:{path}", {**FAST, **settings}).stylize([frame], [Key(0)], silent)[0]


def off(made: Any, theirs: np.ndarray) -> float:
    return float(np.abs(made.picture.rgb - theirs).max())


def test_a_folder_makes_the_pipelines_pictures(folder: Path, frame: Frame, theirs: np.ndarray) -> None:
    made = key(folder, frame)
    assert off(made, theirs) < 0.5 + 0.255  # a code value is rounded to a half, and .001 of white is .255
    assert made.facts["family"] == "klein" and made.facts["evaluations"] == 4 and not made.notes
    assert off(key(folder, frame, prompt="a wolf, in ink"), theirs) > 2


# The most that a picture differs by, in code values: weights in few bits are others.
LAYOUTS = {"original": 0.76, "diffusers": 0.76, "bf16": 6, "fp8": 60, "fp8_scaled": 60, "Q8_0": 12}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_file_is_the_same_model(
    layout: str, comfy: Path, networks: Any, frame: Frame, theirs: np.ndarray
) -> None:
    weights, path = networks.transformer.state_dict(), comfy.with_name(f"klein-{layout}.safetensors")
    file = small.original(weights)
    if layout == "Q8_0":
        path = save_gguf(file, path.with_suffix(".gguf"), "flux2")
    elif layout == "original":
        path = comfy
    else:
        eight = layout.startswith("fp8")
        save(eights(file, scaled="scaled" in layout) if eight else halves(file) if layout == "bf16" else weights, path)
    made = key(path, frame)
    assert off(made, theirs) < LAYOUTS[layout]
    assert made.facts["family"] == "klein" and made.facts["model"] == path.stem


@pytest.mark.parametrize(("kind", "nested", "whole"), [("nf4", 256, False), ("fp4", 0, False), ("nf4", 0, True)])
def test_four_bits_are_the_model_of_their_numbers(
    kind: str, nested: int, whole: bool, comfy: Path, folder: Path, networks: Any, tmp_path: Path
) -> None:
    """By the original code's names, with fused projections, and by diffusers' in a folder with bitsandbytes' config."""
    weights = networks.transformer.state_dict()
    packed, numbers = four_bits(weights if whole else small.original(weights), kind, nested=nested)
    paths = [comfy.with_name("klein-packed.safetensors"), comfy.with_name("klein-floats.safetensors")]
    if whole:
        paths = [Path(shutil.copytree(folder, tmp_path / name)) for name in ("packed", "floats")]
        config = paths[0] / "transformer" / "config.json"
        told = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
        config.write_text(json.dumps(json.loads(config.read_text()) | told))
    for path, content in zip(paths, (packed, numbers), strict=True):
        for old in (path / "transformer").glob("*.safetensors*"):
            old.unlink()
        save(content, path / "transformer" / "model.safetensors" if whole else path)
    mine, right = (open_model(open_look(f"sd:{path}", FAST).checkpoint).network for path in paths)
    layers = {name: layer for name, layer in mine.named_modules() if isinstance(layer, PackedLinear)}
    assert "transformer_blocks.0.attn.to_k" in layers and "single_transformer_blocks.0.attn.to_out" in layers
    assert {layer.packed.kind for layer in layers.values()} == {kind}
    for name, value in right.state_dict().items():
        owner, _, last = name.rpartition(".")
        assert torch.allclose(getattr(mine.get_submodule(owner), last), value, atol=1e-6), name
    torch.manual_seed(1)
    for name, layer in layers.items():
        x = torch.randn(2, layer.in_features)
        assert torch.allclose(layer(x), right.get_submodule(name)(x), atol=1e-5), name


def test_what_is_missing_is_named_with_its_remedy(comfy: Path, networks: Any, tmp_path: Path) -> None:
    models = comfy.parents[1]
    models.joinpath("vae", "flux2-vae.safetensors").rename(tmp_path / "elsewhere.safetensors")
    with pytest.raises(MissingVae, match="flux2-vae") as missing:
        open_look(f"sd:{comfy}", FAST)
    assert "folder vae" in missing.value.remedy
    opened = open_look(f"sd:{comfy}", {**FAST, "vae": str(tmp_path / "elsewhere.safetensors")})
    assert opened.checkpoint.family == "klein"
    models.joinpath("text_encoders", "qwen_3_4b.safetensors").unlink()
    with pytest.raises(MissingTextEncoder):
        open_look(f"sd:{comfy}", {**FAST, "vae": str(tmp_path / "elsewhere.safetensors")})
    weights = small.original(networks.transformer.state_dict())
    cut = save({n: v for n, v in weights.items() if "txt_mlp.0" not in n}, comfy.with_name("cut.safetensors"))
    small.save_comfy(tmp_path / "whole", networks)
    cut = cut.rename(tmp_path / "whole" / "models" / "diffusion_models" / "cut.safetensors")
    with pytest.raises(MissingPart, match="complete transformer"):
        key(cut, Frame(np.zeros((64, 96, 3), np.uint8)))


def test_dev_is_refused_by_its_name(networks: Any, tmp_path: Path) -> None:
    dev = save(small.original(small.transformer(guidance_embeds=True).state_dict()), tmp_path / "flux2_dev.safetensors")
    with pytest.raises(UnknownFamily, match=r"FLUX\.2 dev"):
        open_look(f"sd:{dev}", FAST)
    assert [model["family"] for model in list_models(tmp_path) if model["path"] == str(dev)] == ["unknown (FLUX.2 dev)"]


def test_a_distilled_model_runs_in_few_steps_and_a_base_model_as_asked(
    comfy: Path, folder: Path, tmp_path: Path
) -> None:
    plain = {"steps": 30, "cfg_scale": 7.0}
    distilled = open_look(f"sd:{comfy}", plain)
    assert (distilled.recipe.steps, distilled.recipe.cfg_scale) == (4, 1.0) and "4 steps, CFG 1" in distilled.notes[0]
    base = open_look(f"sd:{comfy.rename(comfy.with_name('flux-2-klein-base-4b.safetensors'))}", plain)
    assert (base.recipe.steps, base.recipe.cfg_scale) == (30, 7.0)
    index = folder / "model_index.json"
    told = index.read_text()
    index.write_text(told.replace("true", "false"))
    assert open_look(f"sd:{folder}", plain).recipe.steps == 30
    index.write_text(told)
    assert open_look(f"sd:{folder}", plain).recipe.steps == 4


def test_memory_is_counted_as_the_weights_are_stored(comfy: Path, networks: Any) -> None:
    """8 bits take half of 16, and 4 with their scales a little more than a quarter; a header counts a little."""
    large = small.transformer(attention_head_dim=64, num_attention_heads=4, axes_dims_rope=(16,) * 4)
    file = small.original(large.state_dict())
    half = save(halves(file), comfy.with_name("klein-bf16.safetensors"))
    eight = save({n: v.to(torch.float8_e4m3fn) for n, v in file.items()}, comfy.with_name("klein-fp8.safetensors"))
    four = save(four_bits(halves(file), nested=256)[0], comfy.with_name("klein-nf4.safetensors"))
    needs = [open_look(f"sd:{path}", FAST).estimate((1920, 1080)).needs_mib for path in (half, eight, four)]
    weights = KLEIN.memory.weights_mib
    assert 0.4 * weights < needs[0] - needs[1] < 0.5 * weights < needs[0] - needs[2] < 0.75 * weights
    sized = [open_look(f"sd:{path}", {**FAST, "width": 0, "height": 0}) for path in (half, eight)]
    largest = [look.largest((1920, 1080), needs[0]) for look in sized]
    assert largest[0][0] < largest[1][0]


@pytest.mark.parametrize("style", ["diffusers", "trainer", "kohya"])
@pytest.mark.parametrize("packed", ["no", "halves", "nf4"])
def test_lora_of_every_naming(style: str, packed: str, networks: Any, comfy: Path, tmp_path: Path) -> None:
    """The same changes by diffusers' names, by the original code's, and as kohya writes these."""
    generator = torch.Generator().manual_seed(1)
    layers = {
        "double_blocks.0.img_attn.qkv": ("transformer_blocks.0.attn.to_q", "transformer_blocks.0.attn.to_k",
                                         "transformer_blocks.0.attn.to_v"),
        "double_blocks.0.txt_mlp.2": ("transformer_blocks.0.ff_context.linear_out",),
        "single_blocks.1.linear1": ("single_transformer_blocks.1.attn.to_qkv_mlp_proj",),
        "txt_in": ("context_embedder",),
    }  # fmt: skip
    plain, file, wanted = networks.transformer.state_dict(), dict[str, torch.Tensor](), dict[str, torch.Tensor]()
    for old, names in layers.items():
        down = torch.randn(2, plain[f"{names[0]}.weight"].shape[1], generator=generator) / 10
        ups = [torch.randn(plain[f"{name}.weight"].shape[0], 2, generator=generator) / 10 for name in names]
        for name, up in zip(names, ups, strict=True):
            wanted[name] = plain[f"{name}.weight"] + 0.5 * up @ down
            if style == "diffusers":
                file |= {f"transformer.{name}.lora_A.weight": down, f"transformer.{name}.lora_B.weight": up}
        whole = torch.cat(ups)
        if style == "trainer":
            file |= {f"diffusion_model.{old}.lora_A.weight": down, f"diffusion_model.{old}.lora_B.weight": whole}
        if style == "kohya":
            flat = f"lora_unet_{old.replace('.', '_')}"
            file |= {
                f"{flat}.lora_down.weight": down,
                f"{flat}.lora_up.weight": whole,
                f"{flat}.alpha": torch.tensor(2.0),
            }
    path = save(file, tmp_path / "ink.safetensors")
    if packed == "halves":
        comfy = save(halves(small.original(plain)), comfy)
    if packed == "nf4":
        comfy = save(four_bits(small.original(plain))[0], comfy)
        before = open_model(open_look(f"sd:{comfy}", FAST).checkpoint).network
        wanted = {name: value - plain[f"{name}.weight"] + before.get_submodule(name).weight
                  for name, value in wanted.items()}  # fmt: skip
    opened = open_look(f"sd:{comfy}", {**FAST, "lora": f"{path}:0.5"})
    model = open_model(opened.checkpoint)
    merge(model, path, 0.5)
    for name, value in wanted.items():
        assert torch.allclose(
            model.network.get_submodule(name).weight, value, atol=2e-2 if packed == "halves" else 1e-5
        ), name
    assert not model.notes


def test_the_usual_strength_is_worth_a_sentence(comfy: Path) -> None:
    usual = open_look(f"sd:{comfy}", {**FAST, "denoising_strength": 0.5})
    assert "at 1 it edits" in usual.notes[-1]
    assert not open_look(f"sd:{comfy}", {**FAST, "denoising_strength": 0.4}).notes


def test_a_draft_takes_fewer_steps_at_the_same_size(comfy: Path, frame: Frame) -> None:
    whole = open_look(f"sd:{comfy}", {**FAST, "width": 192, "height": 128})
    draft = whole.drafted().stylize([frame], [Key(0)], silent)[0]
    assert draft.facts["size"] == [192, 128] and draft.facts["evaluations"] == 2 and draft.picture.size == frame.size


def test_the_9b_model_is_told_with_its_licence_and_its_own_text_encoder(comfy: Path) -> None:
    weights = small.original(small.transformer(joint_attention_dim=12288).state_dict())
    path = save(weights, comfy.with_name("flux-2-klein-9b.safetensors"))
    origin = origin_of(path)
    assert origin.license == "FLUX Non-Commercial License" and origin.forbids_commercial_use
    assert not origin_of(comfy).forbids_commercial_use and origin_of(comfy).license == "Apache-2.0"
    with pytest.raises(MissingTextEncoder, match="width 4096") as missing:
        open_look(f"sd:{path}", FAST)
    assert "qwen_3_8b.safetensors" in missing.value.remedy
