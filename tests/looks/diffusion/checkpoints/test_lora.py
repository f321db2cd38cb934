from __future__ import annotations

import pytest
import safetensors.torch
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily
from restrip.looks.diffusion.checkpoints.finding import Checkpoint, list_models
from restrip.looks.diffusion.checkpoints.lora import UnfittingLora, merge
from restrip.looks.diffusion.checkpoints.lora_kinds import UnusableLora
from restrip.timeline import Key

LAYER = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
CONV = "down_blocks.1.resnets.0.conv1"
KOHYA = "lora_unet_" + LAYER.replace(".", "_")
NORM = "down_blocks.1.resnets.0.norm1"
TEXT = "encoder.layers.1.self_attn.q_proj"


def pair(module: torch.nn.Module, rank: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shape = module.weight.shape
    down = torch.randn(rank, *shape[1:], generator=generator)
    return down, torch.randn(shape[0], rank, *[1] * (len(shape) - 2), generator=generator)


def random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.fixture
def opened(small, tmp_path):
    def get(family: str = "sd15"):
        made = small(family)
        folder = tmp_path / family
        return open_model(Checkpoint(folder if folder.exists() else made.save_folder(folder), family, "m"))

    return get


def save(weights: dict[str, torch.Tensor], tmp_path):
    path = tmp_path / "style.safetensors"
    safetensors.torch.save_file({k: v.contiguous() for k, v in weights.items()}, path)
    return path


@pytest.mark.parametrize(
    ("down", "up"),
    [
        (f"{KOHYA}.lora_down.weight", f"{KOHYA}.lora_up.weight"),
        (f"unet.{LAYER}.lora_A.weight", f"unet.{LAYER}.lora_B.weight"),
        (f"unet.{LAYER}.lora.down.weight", f"unet.{LAYER}.lora.up.weight"),
        ("unet." + LAYER.replace(".to_q", ".processor.to_q_lora.down.weight"),
         "unet." + LAYER.replace(".to_q", ".processor.to_q_lora.up.weight")),
        (f"base_model.model.{LAYER}.lora_A.weight", f"base_model.model.{LAYER}.lora_B.weight"),
    ],
)  # fmt: skip
def test_every_way_of_naming_a_layer(down: str, up: str, opened, tmp_path) -> None:
    model = opened()
    module = model.network.get_submodule(LAYER)
    a, b = pair(module)
    before = module.weight.clone()
    assert merge(model, save({down: a, up: b}, tmp_path), 0.5) == 1
    assert torch.allclose(module.weight, before + 0.5 * b @ a, atol=1e-5)


def test_alpha_scales_and_convolutions_and_text_encoders_change(opened, tmp_path) -> None:
    model = opened()
    conv, text = model.network.get_submodule(CONV), dict(model.text.encoders[0].module.named_modules())
    encoder = text.get(TEXT) or text[f"text_model.{TEXT}"]
    weights = {}
    for name, module in (
        ("lora_unet_" + CONV.replace(".", "_"), conv),
        ("lora_te_text_model_" + TEXT.replace(".", "_"), encoder),
    ):
        a, b = pair(module)
        weights |= {f"{name}.lora_down.weight": a, f"{name}.lora_up.weight": b, f"{name}.alpha": torch.tensor(1.0)}
    before = [conv.weight.clone(), encoder.weight.clone()]
    assert merge(model, save(weights, tmp_path), 1.0) == 2
    for module, old in ((conv, before[0]), (encoder, before[1])):
        a, b = pair(module)
        change = torch.einsum("or...,r...i->o...i", b.flatten(1), a.flatten(1)) / 2
        assert torch.allclose(module.weight, old + change.reshape(old.shape), atol=1e-5)


def test_sdxl_by_the_original_names_and_its_second_encoder(opened, tmp_path) -> None:
    model = opened("sdxl")
    first = model.network.get_submodule(LAYER)
    second = dict(model.text.encoders[1].module.named_modules())
    encoder = second.get(TEXT) or second[f"text_model.{TEXT}"]
    name = "lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_q"
    a, b = pair(first)
    c, d = pair(encoder)
    te = "lora_te2_text_model_" + TEXT.replace(".", "_")
    weights = {f"{name}.lora_down.weight": a, f"{name}.lora_up.weight": b,
               f"{te}.lora_down.weight": c, f"{te}.lora_up.weight": d}  # fmt: skip
    before = first.weight.clone(), encoder.weight.clone()
    assert merge(model, save(weights, tmp_path), 1.0) == 2
    assert torch.allclose(first.weight, before[0] + b @ a, atol=1e-5)
    assert torch.allclose(encoder.weight, before[1] + d @ c, atol=1e-5)


def test_a_lora_of_another_model_is_refused(opened, tmp_path) -> None:
    with pytest.raises(UnfittingLora, match="aren't in the model"):
        merge(opened(), save({"lora_unet_nowhere.lora_down.weight": torch.zeros(2, 4),
                              "lora_unet_nowhere.lora_up.weight": torch.zeros(4, 2)}, tmp_path), 1.0)  # fmt: skip
    name = "lora_unet_" + LAYER.replace(".", "_")
    with pytest.raises(UnfittingLora, match="another shape"):
        merge(opened(), save({f"{name}.lora_down.weight": torch.zeros(2, 5),
                              f"{name}.lora_up.weight": torch.zeros(32, 2)}, tmp_path), 1.0)  # fmt: skip


def test_in_the_look_by_setting_and_by_prompt(small_file, picture, silent, tmp_path, small) -> None:
    path = small_file()
    name = "lora_unet_" + LAYER.replace(".", "_")
    a, b = pair(small("sd15").unet.get_submodule(LAYER))
    style = save({f"{name}.lora_down.weight": a, f"{name}.lora_up.weight": b}, tmp_path)
    fast = {"steps": 3, "width": 64, "height": 48, "anchor": False}

    def made(**settings):
        look = open_look(f"sd:{path}", {**fast, **settings})
        return look.stylize([picture], [Key(0)], silent.report)[0].picture.rgb.astype(int), look.identity()

    plain, first = made(prompt="a photo")
    by_setting, second = made(prompt="a photo", lora=f"{style}:0.5")
    by_prompt, _ = made(prompt=f"a photo<lora:{style}:0.5>")
    assert abs(by_setting - plain).max() > 0 and (by_setting == by_prompt).all()
    assert second["lora"][0][1] == 0.5 and first["lora"] == []
    with pytest.raises(UnknownFamily, match="should be a LoRA"):
        open_look(f"sd:{path}", {**fast, "lora": str(path)})


@pytest.mark.parametrize(
    ("kind", "weights"),
    [
        ("OFT", {"oft_blocks": (4, 8, 8)}),
        ("IA3", {"weight": (32,), "on_input": (1,)}),
        ("GLoRA", {"a1.weight": (2, 2), "a2.weight": (2, 2), "b1.weight": (2, 2), "b2.weight": (2, 2)}),
    ],
)
def test_other_kinds_are_refused_by_name_before_anything_is_made(kind, weights, opened, small_file, tmp_path) -> None:
    """Alone, and beside layers of a plain LoRA: never the plain picture in silence."""
    foreign = {f"{KOHYA}.{name}": torch.zeros(shape) for name, shape in weights.items()}
    down, up = pair(torch.nn.Linear(32, 32))
    plain = {"lora_unet_mid.lora_down.weight": down, "lora_unet_mid.lora_up.weight": up}
    model, checkpoint = opened(), small_file()
    for content in (foreign, {**plain, **foreign}):
        path = save(content, tmp_path)
        with pytest.raises(UnusableLora, match=kind):
            open_look(f"sd:{checkpoint}", {"lora": str(path)})
        with pytest.raises(UnusableLora, match=kind):
            merge(model, path, 1.0)
    (listed,) = [one for one in list_models(tmp_path) if one["name"] == "style.safetensors"]
    assert listed["family"] == "unusable-lora"


def test_a_file_of_several_kinds_changes_what_each_of_them_names(opened, tmp_path) -> None:
    """Attention as LoRA, convolutions as LoHa, a normalization and a bias whole, one layer's lengths by DoRA."""
    model = opened()
    unet = model.network
    to_q, conv, norm = unet.get_submodule(LAYER), unet.get_submodule(CONV), unet.get_submodule(NORM)
    before = to_q.weight.clone(), conv.weight.clone(), norm.weight.clone(), conv.bias.clone()
    a, b = pair(to_q)
    flat = "lora_unet_" + CONV.replace(".", "_")
    hada = {f"hada_w{n}_{ab}": random(*((len(conv.weight), 2) if ab == "a" else (2, before[1][0].numel())))
            for n in (1, 2) for ab in "ab"}  # fmt: skip
    weights = {f"{KOHYA}.lora_down.weight": a, f"{KOHYA}.lora_up.weight": b,
               **{f"{flat}.{name}": value for name, value in hada.items()}, f"{flat}.diff_b": random(len(conv.weight)),
               "lora_unet_" + NORM.replace(".", "_") + ".w_norm": random(len(norm.weight))}  # fmt: skip
    assert merge(model, save(weights, tmp_path), 0.5) == 3
    assert torch.allclose(to_q.weight, before[0] + 0.5 * b @ a, atol=1e-5)
    change = (hada["hada_w1_a"] @ hada["hada_w1_b"]) * (hada["hada_w2_a"] @ hada["hada_w2_b"])
    assert torch.allclose(conv.weight, before[1] + 0.5 * change.reshape(conv.weight.shape), atol=1e-4)
    assert torch.allclose(conv.bias, before[3] + 0.5 * weights[f"{flat}.diff_b"], atol=1e-6)
    assert torch.allclose(norm.weight, before[2] + 0.5 * random(len(norm.weight)), atol=1e-6)
    assert model.notes == []


def test_weights_that_nothing_knows_are_said(opened, tmp_path) -> None:
    model = opened()
    a, b = pair(model.network.get_submodule(LAYER))
    weights = {f"{KOHYA}.lora_down.weight": a, f"{KOHYA}.lora_up.weight": b, f"{KOHYA}.something": torch.ones(2)}
    assert merge(model, save(weights, tmp_path), 1.0) == 1
    assert model.notes == [f"1 weights of style.safetensors aren't known here and weren't used ({KOHYA}.something)."]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e4m3fn])
def test_a_lora_for_text_encoders_alone_in_few_bits_without_alpha(dtype, opened, tmp_path) -> None:
    model = opened("sdxl")
    weights, modules = {}, []
    for number, encoder in enumerate(model.text.encoders, 1):
        parts = dict(encoder.module.named_modules())
        modules.append(parts.get(TEXT) or parts[f"text_model.{TEXT}"])
        a, b = pair(modules[-1])
        name = f"lora_te{number}_text_model_" + TEXT.replace(".", "_")
        weights |= {f"{name}.lora_down.weight": a.to(dtype), f"{name}.lora_up.weight": b.to(dtype)}
    before = [module.weight.clone() for module in modules]
    assert merge(model, save(weights, tmp_path), 1.0) == 2
    for module, old in zip(modules, before, strict=True):
        a, b = pair(module)
        assert torch.allclose(module.weight, old + b.to(dtype).float() @ a.to(dtype).float(), atol=1e-5)


def test_text_encoders_have_a_weight_of_their_own(opened, tmp_path) -> None:
    model = opened()
    unet, text = model.network.get_submodule(LAYER), dict(model.text.encoders[0].module.named_modules())
    encoder = text.get(TEXT) or text[f"text_model.{TEXT}"]
    (a, b), (c, d) = pair(unet), pair(encoder)
    te = "lora_te_text_model_" + TEXT.replace(".", "_")
    path = save({f"{KOHYA}.lora_down.weight": a, f"{KOHYA}.lora_up.weight": b,
                 f"{te}.lora_down.weight": c, f"{te}.lora_up.weight": d}, tmp_path)  # fmt: skip
    before = unet.weight.clone(), encoder.weight.clone()
    assert merge(model, path, 0.5, 0.0) == 2
    assert torch.allclose(unet.weight, before[0] + 0.5 * b @ a, atol=1e-5)
    assert torch.equal(encoder.weight, before[1])


def test_layers_that_the_model_doesnt_have_are_said(opened, tmp_path) -> None:
    model = opened()
    a, b = pair(model.network.get_submodule(LAYER))
    weights = {f"{KOHYA}.lora_down.weight": a, f"{KOHYA}.lora_up.weight": b,
               "lora_unet_nowhere.lora_down.weight": a.clone(),
               "lora_unet_nowhere.lora_up.weight": b.clone()}  # fmt: skip
    assert merge(model, save(weights, tmp_path), 1.0) == 1
    assert model.notes == ["1 of 2 layers of style.safetensors aren't in this model."]
    with pytest.raises(UnfittingLora, match="none of its layers"):
        merge(model, save({f"{KOHYA}.lora_down.weight": a}, tmp_path), 1.0)
