from __future__ import annotations

import copy
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch

from restrip.client.job import JobSpec
from restrip.jobs.outputs.model_facts import model_facts
from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.z_image.layers import diffusers_names
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.checkpoints.companions import MissingTextEncoder, MissingVae
from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily, family_of_shapes
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint, list_models, with_companions
from restrip.looks.diffusion.checkpoints.weights.headers import read_shapes
from restrip.looks.diffusion.checkpoints.weights.packed import PackedLinear
from restrip.timeline import ClipRange, Key, Rate

sys.path.insert(0, str(Path(__file__).parent))
import small_z_image as small
from four_bit_packer import four_bits

# The mean difference from the whole model's velocities, as a share of them.
LAYOUTS = {
    "folder": 1e-6, "original": 1e-6, "diffusers": 1e-6, "inside": 1e-6, "trainer": 1e-6, "bf16": 0.01, "fp8": 0.15,
    "fp8_scaled": 0.15, "Q8_0": 0.03, "Q4_0": 0.4,
}  # fmt: skip


@pytest.fixture(autouse=True)
def configs(places, monkeypatch):
    monkeypatch.setattr(loader, "CONFIGS", places.configs)


def saved(layout: str, z_image, places, folder: Path) -> Path:
    """The model in a layout, in ComfyUI's folder of transformers or, with all parts, wherever it lies."""
    weights = z_image.transformer.state_dict()
    original, path = small.original(weights), places.file.parent / f"{layout}.safetensors"
    if layout == "folder":
        return places.folder
    if layout == "inside":
        parts = {f"model.diffusion_model.{name}": value for name, value in original.items()}
        parts |= {f"text_encoders.qwen3_4b.transformer.model.{n}": v for n, v in z_image.text.state_dict().items()}
        parts |= {f"vae.{name}": value for name, value in small.named_originally(z_image.vae).items()}
        small.save_tokenizer(folder / "tokenizer")
        return small.save(parts, folder / "all.safetensors")
    if layout.startswith("Q"):
        return small.save_gguf(original, path.with_suffix(".gguf"), "lumina2", layout)
    made = {
        "original": lambda: original,
        "diffusers": lambda: weights,
        "trainer": lambda: {f"diffusion_model.{name}": value for name, value in original.items()},
        "bf16": lambda: small.halves(original),
        "fp8": lambda: small.eights(original, scaled=False),
        "fp8_scaled": lambda: small.eights(original, scaled=True),
    }
    return small.save(made[layout](), path)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_the_same_model(layout: str, z_image, places, tmp_path: Path) -> None:
    checkpoint = with_companions(find_checkpoint(str(saved(layout, z_image, places, tmp_path))), None, None)
    assert checkpoint.family == "z-image"
    model = open_model(checkpoint)
    torch.manual_seed(1)
    x, time, texts = [torch.randn(16, 1, 8, 6)] * 2, torch.tensor([0.3, 0.3]), [torch.randn(n, 64) for n in (20, 40)]
    with torch.inference_mode():
        mine, right = (
            torch.stack(net(x, time, texts, return_dict=False)[0]) for net in (model.network, z_image.transformer)
        )
        pictures = torch.rand(1, 3, 32, 32)
        latents = [vae.encode(pictures).latent_dist.mode() for vae in (model.vae, z_image.vae)]
    assert float((mine - right).abs().mean() / right.abs().mean()) <= LAYOUTS[layout]
    assert torch.allclose(*latents, atol=1e-5)
    assert model.text.encode("a fox").tokens.shape[1] == 64
    assert (model.latents.scale, model.latents.shift, model.latents.factor) == (0.3611, 0.1159, 8)
    packed = [module for module in model.network.modules() if isinstance(module, PackedLinear)]
    assert bool(packed) == (LAYOUTS[layout] > 1e-6)


@pytest.mark.parametrize(("kind", "nested"), [("nf4", 256), ("nf4", 0), ("fp4", 0)])
@pytest.mark.parametrize("layout", ["folder", "original", "diffusers"])
def test_four_bits_are_the_model_of_their_numbers(
    layout: str, kind: str, nested: int, z_image, places, tmp_path: Path
) -> None:
    """The transformer and the text encoder, in folders with bitsandbytes' config and in files."""
    weights = z_image.transformer.state_dict()
    file, numbers = four_bits(weights if layout != "original" else small.original(weights), kind, nested=nested)
    text, text_numbers = four_bits(z_image.text.state_dict(), kind, nested=nested)
    right, right_text = copy.deepcopy(z_image.transformer), copy.deepcopy(z_image.text)
    right.load_state_dict(
        four_bits(weights, kind, nested=nested)[1] if layout != "original" else diffusers_names(numbers)
    )
    right_text.load_state_dict(text_numbers)
    if layout == "folder":
        path = Path(shutil.copytree(places.folder, tmp_path / "z-image"))
        for part, content in (("transformer", file), ("text_encoder", text)):
            for old in [*(path / part).glob("*.safetensors*")]:
                old.unlink()
            small.save(content, path / part / "model.safetensors")
            config = json.loads((path / part / "config.json").read_text())
            config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
            (path / part / "config.json").write_text(json.dumps(config))
        checkpoint = find_checkpoint(str(path))
    else:
        path = small.save(file, tmp_path / "m" / "diffusion_models" / "z.safetensors")
        encoder = small.save(text, tmp_path / "m" / "text_encoders" / "qwen.safetensors")
        small.save_tokenizer(tmp_path / "m" / "text_encoders")
        small.save(small.named_originally(z_image.vae), tmp_path / "m" / "vae" / "ae.safetensors")
        checkpoint = with_companions(find_checkpoint(str(path)), None, None)
        assert checkpoint.beside.text_encoder == encoder
        assert read_shapes(path) == {name: tuple(value.shape) for name, value in numbers.items()}
    assert checkpoint.family == "z-image"
    model = open_model(checkpoint)
    layer = model.network.layers[1].attention.to_k
    assert isinstance(layer, PackedLinear) and layer.packed.kind == kind
    torch.manual_seed(1)
    x, time, texts = [torch.randn(16, 1, 8, 6)] * 2, torch.tensor([0.3, 0.3]), [torch.randn(n, 64) for n in (20, 40)]
    with torch.inference_mode():
        mine, wanted = (torch.stack(net(x, time, texts, return_dict=False)[0]) for net in (model.network, right))
    assert float((mine - wanted).abs().max() / wanted.abs().max()) < 1e-5
    ids, mask = model.text.words.tokens("a fox")
    with torch.inference_mode():
        states = right_text(
            input_ids=torch.tensor([ids]), attention_mask=torch.tensor([mask]), output_hidden_states=True
        ).hidden_states[-2][0]
    assert torch.allclose(model.text.encode("a fox").tokens, states, atol=1e-5 * float(states.abs().max()))


def test_packed_weights_take_the_memory_of_their_file(z_image, places, tmp_path: Path) -> None:
    """Through every precision of the ladder: 8-bit floats are 8 bits each."""
    path = saved("fp8_scaled", z_image, places, tmp_path)
    network = open_model(with_companions(find_checkpoint(str(path)), None, None), dtype=torch.bfloat16).network
    layer = network.layers[0].feed_forward.w1
    assert layer.data.numel() == layer.in_features * layer.out_features and layer.data.element_size() == 1


def test_they_are_listed_by_what_they_are(z_image, places) -> None:
    root = places.file.parents[1]
    found = {model["name"]: model["family"] for model in list_models(root)}
    assert found["qwen_3_4b.safetensors"] == "text-encoder" and found["ae.safetensors"] == "vae"
    assert found["z_image_turbo.safetensors"] == "z-image"


def test_relatives_that_are_other_models_are_refused(places, tmp_path: Path) -> None:
    shapes = read_shapes(places.file)
    assert family_of_shapes(shapes) == "z-image"
    lumina = {name: shape for name, shape in shapes.items() if "pad_token" not in name}
    assert family_of_shapes(lumina).startswith("unknown")
    marks = ("siglip_pad_token", "cap_pad_token", "noise_refiner.0.attention_norm1.weight")
    omni = small.save(dict.fromkeys(marks, torch.ones(1)), tmp_path / "omni.safetensors")
    with pytest.raises(UnknownFamily, match="Omni"):
        find_checkpoint(str(omni))


def test_what_is_missing_beside_a_file_is_said_when_the_look_is_opened(z_look, z_image, tmp_path: Path) -> None:
    alone = small.save(
        small.original(z_image.transformer.state_dict()), tmp_path / "a" / "diffusion_models" / "z.safetensors"
    )
    with pytest.raises(MissingTextEncoder, match="Qwen3 of width 64"):
        z_look(alone)
    text = small.save(z_image.text.state_dict(), tmp_path / "q" / "qwen.safetensors")
    small.save_tokenizer(tmp_path / "q")
    with pytest.raises(MissingVae, match=r"ae\.safetensors"):
        z_look(alone, text_encoder=str(text))
    vae = small.save(small.named_originally(z_image.vae), tmp_path / "v" / "mine.safetensors")
    look = z_look(alone, text_encoder=str(text), vae=str(vae))
    assert look.checkpoint.beside.text_encoder == text and look.checkpoint.beside.vae is None
    assert look.identity()["beside"] != z_look().identity()["beside"]


def test_a_manifest_lists_what_was_found_beside_a_file(z_image, places, tmp_path: Path) -> None:
    path = saved("original", z_image, places, tmp_path)
    clip = ClipRange(("/clip.mp4",), Rate.of(25), 10)
    found = model_facts(JobSpec("job", clip, (Key(3),), f"sd:{path}", {}))
    beside = with_companions(find_checkpoint(str(path)), None, None).beside
    assert beside.text_encoder is not None and beside.vae is not None
    assert {one["role"]: one["name"] for one in found} == {
        "look": path.name, "text_encoder": beside.text_encoder.name, "vae": beside.vae.name,
    }  # fmt: skip
    named = model_facts(JobSpec("job", clip, (Key(3),), f"sd:{path}", {"vae": str(beside.vae)}))
    assert sorted(one["role"] for one in named) == ["look", "text_encoder", "vae"], "each once"
