"""Every kind of change against what peft makes of the same numbers, and the kinds that peft lacks by hand."""

from __future__ import annotations

import peft
import pytest
import torch

from restrip.looks.diffusion.checkpoints.lora_layer import LayerChange, role_of


class Two(torch.nn.Module):
    """A linear layer and a convolution."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.linear = torch.nn.Linear(12, 20)
        self.conv = torch.nn.Conv2d(8, 12, 3)


LORA = {"r": 3, "lora_alpha": 5}
CONFIGS = {
    "LoRA": peft.LoraConfig(**LORA, target_modules=["linear", "conv"]),
    "DoRA": peft.LoraConfig(**LORA, target_modules=["linear", "conv"], use_dora=True),
    "LoHa": peft.LoHaConfig(r=3, alpha=5, target_modules=["linear", "conv"]),
    "LoHa by its middle": peft.LoHaConfig(r=3, alpha=5, target_modules=["conv"], use_effective_conv2d=True),
    "LoKr": peft.LoKrConfig(r=1, alpha=5, target_modules=["linear", "conv"]),
    "LoKr of products": peft.LoKrConfig(
        r=1, alpha=5, target_modules=["linear", "conv"], decompose_both=True, decompose_factor=4
    ),
    "LoKr by its middle": peft.LoKrConfig(r=1, alpha=5, target_modules=["conv"], use_effective_conv2d=True),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_as_peft(kind: str) -> None:
    config = CONFIGS[kind]
    ours, model = Two(), peft.get_peft_model(Two(), config)
    generator = torch.Generator().manual_seed(6)
    for name, value in model.named_parameters():
        if any(part in name for part in ("lora_", "hada_", "lokr_")):
            value.data = torch.randn(value.shape, generator=generator) * 0.3
            if "magnitude" in name:
                value.data = value.data.abs() + 1
    changes: dict[str, LayerChange] = {}
    for name, value in peft.get_peft_model_state_dict(model).items():
        layer, role = role_of(name) or pytest.fail(f"{name} isn't known")
        layer = layer.removeprefix("base_model.model.")
        changes.setdefault(layer, LayerChange({"alpha": torch.tensor(5.0)})).parts[role] = value
    assert set(changes) == set(config.target_modules)
    merged = model.merge_and_unload()
    for name, change in changes.items():
        before = ours.get_submodule(name).weight.clone()
        assert change.whole
        change.apply(ours.get_submodule(name), 1.0)
        after, theirs = ours.get_submodule(name).weight, merged.get_submodule(name).weight
        assert (after - before).abs().max() > 0.1, "nothing changed"
        assert torch.allclose(after, theirs, atol=1e-5), (after - theirs).abs().max()


def test_a_middle_weight_is_the_convolution_that_runs_through_the_three() -> None:
    torch.manual_seed(1)
    down, mid, up = torch.randn(3, 8, 1, 1), torch.randn(3, 3, 3, 3), torch.randn(12, 3, 1, 1)
    delta = LayerChange({"down": down, "mid": mid, "up": up, "alpha": torch.tensor(6.0)}).delta((12, 8, 3, 3))
    picture = torch.randn(1, 8, 9, 9)
    conv = torch.nn.functional.conv2d
    assert delta is not None
    assert torch.allclose(conv(picture, delta), 2 * conv(conv(conv(picture, down), mid), up), atol=1e-3)


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("layer", ["linear", "conv"])
def test_dora_gives_rows_or_columns_their_lengths(layer: str, columns: bool) -> None:
    """LyCORIS files hold either; below full strength the weights lie between the old ones and the new."""
    module = Two().get_submodule(layer)
    rank, shape = 2, module.weight.shape
    down, up = torch.randn(rank, *shape[1:]), torch.randn(shape[0], rank, *[1] * (len(shape) - 2))
    kept = [shape[1] if n == 1 and columns else shape[0] if n == 0 and not columns else 1 for n in range(len(shape))]
    change = LayerChange({"down": down, "up": up, "lengths": torch.rand(kept) + 1})
    before = module.weight.clone()
    change.apply(module, 1.0)
    full = module.weight.clone()
    rows = full.transpose(0, 1) if columns else full
    assert torch.allclose(rows.flatten(1).norm(dim=1), change.parts["lengths"].flatten(), atol=1e-4)
    module.weight.data = before
    change.apply(module, 0.25)
    assert torch.allclose(module.weight, before + 0.25 * (full - before), atol=1e-5)


@pytest.mark.parametrize(
    "parts",
    [
        {"down": (2, 13), "up": (20, 2)},
        {"down": (2, 12), "up": (20, 3)},
        {"hada_w1_a": (20, 2), "hada_w1_b": (2, 12), "hada_w2_a": (20, 2), "hada_w2_b": (2, 11)},
        {"lokr_w1": (4, 4), "lokr_w2": (5, 2)},
        {"down": (2, 12), "up": (20, 2), "lengths": (7, 1)},
        {"down": (2, 12), "up": (20, 2), "row_lengths": (12,)},
        {"weight": (3, 3)},
        {"bias": (19,)},
    ],
)
def test_other_shapes_are_refused(parts: dict[str, tuple[int, ...]]) -> None:
    change = LayerChange({role: torch.ones(shape) for role, shape in parts.items()})
    with pytest.raises(ValueError):
        change.apply(Two().linear, 1.0)


@pytest.mark.parametrize(
    ("roles", "whole"),
    [
        (["down"], False), (["down", "up"], True), (["hada_w1_a", "hada_w1_b", "hada_w2_a"], False),
        (["lokr_w1", "lokr_w2_a"], False), (["lokr_w1", "lokr_w2"], True), (["bias"], True), (["alpha"], False),
    ],
)  # fmt: skip
def test_what_is_missing_is_seen(roles: list[str], whole: bool) -> None:
    assert LayerChange({role: torch.ones(1) for role in roles}).whole == whole


def test_weights_of_something_else_have_no_role() -> None:
    assert role_of("unet.conv.weight") is None
    assert role_of("a.to_q_lora.down.weight") == ("a.to_q", "down")
    assert role_of("a.q.lora_A.default.weight") == ("a.q", "down")
