from __future__ import annotations

import json
import sys
from pathlib import Path

import diffusers
import pytest
import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.z_image.layers import config_of, diffusers_layer, diffusers_names
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint, with_companions
from restrip.looks.diffusion.checkpoints.lora import UnfittingLora, merge
from restrip.looks.diffusion.checkpoints.weights.packed import PackedLinear

sys.path.insert(0, str(Path(__file__).parent))
import small_z_image as small


def test_original_names_become_diffusers(z_image) -> None:
    weights = z_image.transformer.state_dict()
    back = diffusers_names(small.original(weights))
    assert back.keys() == weights.keys() and all(torch.equal(back[name], weights[name]) for name in back)
    assert diffusers_names(weights).keys() == weights.keys()


def test_a_config_is_read_off_the_shapes(z_image) -> None:
    usual = json.loads((loader.CONFIGS / "z-image" / "transformer" / "config.json").read_text("utf-8"))
    config = config_of(z_image.transformer.state_dict(), usual)
    assert all(
        list_of(config[name]) == list_of(value) for name, value in small.TRANSFORMER.items() if name != "axes_lens"
    )
    theirs = loader.empty("ZImageTransformer2DModel", usual).state_dict()
    assert config_of(theirs, {**usual, "dim": 1, "n_layers": 1}) == usual


def list_of(value):
    return list(value) if isinstance(value, (list, tuple)) else value


def test_layers_of_add_ons() -> None:
    for original, name in {
        "layers_3_attention_out": "layers_3_attention_to_out_0",
        "layers_3_attention_q_norm": "layers_3_attention_norm_q",
        "final_layer_linear": "all_final_layer_2-1_linear",
        "x_embedder": "all_x_embedder_2-1",
        "layers_3_attention_to_q": "layers_3_attention_to_q",
        "layers_3_attention_to_out_0": "layers_3_attention_to_out_0",
    }.items():
        assert diffusers_layer(original) == name


def lora(z_image, layers, names) -> dict[str, torch.Tensor]:
    """A LoRA of rank 4 of these layers, `names(layer)` for down, up and alpha."""
    torch.manual_seed(8)
    weights = {}
    for layer in layers:
        rows, columns = shape_of(z_image, layer)
        down, up, alpha = names(layer)
        weights |= {down: torch.randn(4, columns), up: torch.randn(rows, 4), alpha: torch.tensor(2.0)}
    weights.pop("", None)
    return weights


def shape_of(z_image, layer: str) -> tuple[int, int]:
    original = small.original(z_image.transformer.state_dict()) | z_image.transformer.state_dict()
    return tuple(original[f"{layer}.weight"].shape)


def kohya(layer: str) -> tuple[str, str, str]:
    flat = "lora_unet_" + layer.replace(".", "_")
    return f"{flat}.lora_down.weight", f"{flat}.lora_up.weight", f"{flat}.alpha"


def peft(prefix: str):
    return lambda layer: tuple(f"{prefix}{layer}.{end}" for end in ("lora_A.weight", "lora_B.weight", "alpha"))


SPLIT = ("layers.0.attention.to_q", "layers.1.attention.to_out.0", "layers.2.feed_forward.w1",
         "noise_refiner.0.attention.to_k", "layers.1.adaLN_modulation.0")  # fmt: skip
FUSED = ("layers.0.attention.qkv", "layers.1.attention.out", "layers.2.feed_forward.w3")
KINDS = {
    "diffusers": (SPLIT, lambda layer: (*peft("transformer.")(layer)[:2], "")),
    "ai-toolkit": (SPLIT, peft("diffusion_model.")),
    "kohya, split": (SPLIT[:-1], kohya),
    "kohya, fused": (FUSED, kohya),
}


def velocities(network) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    x, text = torch.randn(16, 1, 8, 6, generator=generator), torch.randn(20, 64, generator=generator)
    with torch.inference_mode():
        return torch.stack(network([x], torch.tensor([0.4]), [text], return_dict=False)[0])


@pytest.fixture
def opened(places, monkeypatch):
    monkeypatch.setattr(loader, "CONFIGS", places.configs)
    return lambda path=places.file: open_model(with_companions(find_checkpoint(str(path)), None, None))


@pytest.mark.parametrize("kind", KINDS)
def test_lora_are_merged_as_diffusers_loads_them(kind: str, z_image, opened, tmp_path: Path) -> None:
    layers, names = KINDS[kind]
    path = small.save(lora(z_image, layers, names), tmp_path / "style.safetensors")
    model = opened()
    changed = merge(model, path, 0.7)
    assert changed == len(layers) + 2 * (kind == "kohya, fused") and not model.notes
    theirs = diffusers.ZImageTransformer2DModel.from_config(small.TRANSFORMER)
    theirs.load_state_dict(z_image.transformer.state_dict())
    weights = {name: value.clone() for name, value in lora(z_image, layers, names).items()}
    if kind == "kohya, fused":  # diffusers reads fused ones of another spelling alone
        weights = {
            name.replace(".lora_down.", ".lora.down.").replace(".lora_up.", ".lora.up."): v
            for name, v in weights.items()
        }
        weights = {name.replace("lora_unet_", "").replace("layers_", "layers.").replace("_attention_", ".attention.")
                   .replace("_feed_forward_", ".feed_forward."): value for name, value in weights.items()}  # fmt: skip
    pipeline = diffusers.ZImagePipeline(None, None, None, None, theirs)
    pipeline.load_lora_weights(weights, adapter_name="style")
    pipeline.set_adapters("style", 0.7)
    expected, plain = velocities(theirs.eval()), velocities(z_image.transformer)
    assert torch.allclose(velocities(model.network), expected, atol=1e-4)
    assert float((expected - plain).abs().mean()) > 0.01


@pytest.mark.parametrize("packing", ["bf16", "fp8", "Q8_0"])
def test_lora_of_packed_layers(packing: str, z_image, places, opened, tmp_path: Path) -> None:
    """What is stored stays as it is: the change lies beside it."""
    original = small.original(z_image.transformer.state_dict())
    folder = places.file.parent
    if packing == "Q8_0":
        path = small.save_gguf(original, folder / "lora-q8.gguf", "lumina2")
    else:
        made = small.halves(original) if packing == "bf16" else small.eights(original, scaled=True)
        path = small.save(made, folder / f"lora-{packing}.safetensors")
    file = small.save(lora(z_image, SPLIT, peft("transformer.")), tmp_path / "style.safetensors")
    model, plain = opened(path), opened(path)
    merge(model, file, 0.7)
    layer, before = model.network.layers[0].attention.to_q, plain.network.layers[0].attention.to_q
    assert isinstance(layer, PackedLinear)
    if packing != "bf16":
        assert torch.equal(layer.data, before.data) and layer.packed.kind == before.packed.kind
    weights = lora(z_image, SPLIT, peft("transformer."))
    change = weights[f"transformer.{SPLIT[0]}.lora_B.weight"] @ weights[f"transformer.{SPLIT[0]}.lora_A.weight"]
    assert torch.allclose(layer.weight, before.weight + 0.7 * 0.5 * change, atol=0.03)
    whole = opened()
    merge(whole, file, 0.7)
    expected = velocities(whole.network)
    assert float((velocities(model.network) - expected).abs().mean() / expected.abs().mean()) < 0.2


def test_other_kinds_of_fused_and_packed_layers(z_image, places, opened, tmp_path: Path) -> None:
    """LoHa and whole differences of three layers in one, and of 8-bit floats."""
    torch.manual_seed(3)
    rows, columns = shape_of(z_image, FUSED[0])
    name = "lora_unet_layers_0_attention_qkv"
    parts = {f"hada_{w}_{x}": torch.randn(rows if x == "a" else 2, 2 if x == "a" else columns)
             for w in ("w1", "w2") for x in "ab"}  # fmt: skip
    delta = (parts["hada_w1_a"] @ parts["hada_w1_b"]) * (parts["hada_w2_a"] @ parts["hada_w2_b"])
    file = small.save({f"{name}.{part}": value for part, value in parts.items()}, tmp_path / "loha.safetensors")
    packed = small.eights(small.original(z_image.transformer.state_dict()), scaled=False)
    for path in (places.file, small.save(packed, places.file.parent / "loha-fp8.safetensors")):
        model, plain = opened(path), opened(path)
        assert merge(model, file, 0.1) == 3
        for number, letter in enumerate("qkv"):
            mine, old = (getattr(m.network.layers[0].attention, f"to_{letter}").weight for m in (model, plain))
            assert torch.allclose(mine, old + 0.1 * delta.chunk(3)[number], atol=0.02)


def test_a_lora_of_another_model_is_an_error(z_image, opened, tmp_path: Path) -> None:
    sd = {f"lora_unet_down_blocks_0_x.lora_{part}.weight": torch.ones(2, 2) for part in ("down", "up")}
    with pytest.raises(UnfittingLora):
        merge(opened(), small.save(sd, tmp_path / "sd.safetensors"), 1.0)
    odd = {f"transformer.layers.0.attention.to_q.lora_{part}.weight": torch.ones(5, 5) for part in "AB"}
    with pytest.raises(UnfittingLora, match="another shape"):
        merge(opened(), small.save(odd, tmp_path / "odd.safetensors"), 1.0)
