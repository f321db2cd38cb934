from __future__ import annotations

import copy
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.checkpoints.lora_layer import LayerChange
from restrip.looks.diffusion.checkpoints.weights.headers import UnreadableCheckpoint, read_shapes
from restrip.looks.diffusion.checkpoints.weights.packed import Packed, PackedLinear
from restrip.looks.diffusion.checkpoints.weights.weight_files import read_stored

sys.path.insert(0, str(Path(__file__).parents[2]))
from four_bit_packer import pack


def save(path: Path, weights: dict[str, torch.Tensor]) -> Path:
    path.parent.mkdir(exist_ok=True)
    safetensors.torch.save_file(weights, path)
    return path


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5)) * torch.linspace(0.1, 3, shape[-1])


def named(parts: dict[str, torch.Tensor], name: str = "a.weight") -> dict[str, torch.Tensor]:
    return {name + end: part for end, part in parts.items()}


# Rows of whole blocks, and rows that blocks run across; groups of blocks that end within rows.
@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@pytest.mark.parametrize("nested", [0, 256, 5])
@pytest.mark.parametrize(("shape", "block"), [((12, 128), 64), ((18, 96), 64), ((6, 1024), 128), ((30, 40), 64)])
def test_codes_stand_for_their_numbers(
    kind: str, nested: int, shape: tuple[int, int], block: int, tmp_path: Path
) -> None:
    parts, numbers = pack(random(*shape), kind, block=block, nested=nested)
    path = save(tmp_path / "a.safetensors", {**named(parts), "a.bias": torch.ones(3)})
    assert read_shapes(path) == {"a.weight": shape, "a.bias": (3,)}
    stored = read_stored(path)
    packed = stored["a.weight"]
    assert isinstance(packed, Packed) and packed.shape == shape and packed.kind == kind and len(stored) == 2
    assert torch.allclose(packed.unpacked(torch.float32), numbers, atol=1e-6)
    assert torch.equal(packed.unpacked(torch.bfloat16), packed.unpacked(torch.float32).bfloat16())
    thirds = torch.cat([part.unpacked(torch.float32) for part in packed.chunk(3)])
    assert torch.equal(thirds, packed.unpacked(torch.float32))


@pytest.mark.parametrize("shape", [(5, 7), (4, 6, 3, 3), (33,), (9, 66)])
def test_shapes_that_blocks_do_not_fit_become_numbers(shape: tuple[int, ...], tmp_path: Path) -> None:
    parts, numbers = pack(random(*shape), nested=256)
    value = read_stored(save(tmp_path / "a.safetensors", named(parts)))["a.weight"]
    assert isinstance(value, torch.Tensor) and torch.allclose(value, numbers, atol=1e-6)


def test_in_memory_it_is_as_small_as_its_file(tmp_path: Path) -> None:
    """4 bits each, and half a bit for plain blocks or an eighth for nested ones, with a little for each row."""
    for nested, bits in ((0, 4.5), (256, 4.125)):
        parts, _ = pack(random(64, 2048), nested=nested)
        packed = read_stored(save(tmp_path / "a.safetensors", named(parts)))["a.weight"]
        assert isinstance(packed, Packed)
        assert bits <= packed.data.numel() * 8 / (64 * 2048) < bits + 0.1


def test_codes_stored_as_halves_are_the_same(tmp_path: Path) -> None:
    parts, numbers = pack(random(12, 128))
    parts[""] = parts[""].flatten().view(torch.bfloat16)[:, None]
    packed = read_stored(save(tmp_path / "a.safetensors", named(parts)))["a.weight"]
    assert isinstance(packed, Packed) and torch.allclose(packed.unpacked(torch.float32), numbers, atol=1e-6)


def test_layers_compute_copy_and_take_lora(tmp_path: Path) -> None:
    parts, numbers = pack(random(12, 128), nested=256)
    packed = read_stored(save(tmp_path / "a.safetensors", named(parts)))["a.weight"]
    assert isinstance(packed, Packed)
    layer, x = PackedLinear(packed, torch.ones(12)), torch.randn(3, 128)
    assert torch.allclose(layer(x), torch.nn.functional.linear(x, numbers, layer.bias), atol=1e-4)
    other = torch.nn.Module.to(copy.deepcopy(layer), torch.bfloat16)
    assert other.data.data_ptr() == layer.data.data_ptr() and other(x.bfloat16()).dtype == torch.bfloat16
    down, up = torch.randn(2, 128), torch.randn(12, 2)
    LayerChange({"down": down, "up": up}).apply(layer, 0.5)
    assert layer.packed.kind == "nf4" and torch.allclose(layer.weight, numbers + 0.5 * up @ down, atol=1e-4)


@pytest.mark.parametrize("nested", [0, 256])
def test_layers_compile_as_a_whole(nested: int, tmp_path: Path) -> None:
    parts, _ = pack(random(12, 128), nested=nested)
    packed = read_stored(save(tmp_path / "a.safetensors", named(parts)))["a.weight"]
    assert isinstance(packed, Packed)
    layer, x = PackedLinear(packed), torch.randn(3, 128)
    with torch.inference_mode():
        compiled = torch.compile(layer.forward, dynamic=False, backend="eager", fullgraph=True)
        assert torch.allclose(compiled(x), layer(x), atol=1e-5)
    # What was first asked for in inference mode serves elsewhere too.
    assert torch.allclose(layer(x.clone().requires_grad_()).detach(), layer(x), atol=1e-5)


def test_what_belongs_to_a_weight_may_lie_in_another_shard(tmp_path: Path) -> None:
    parts, numbers = pack(random(12, 128))
    whole = named(parts)
    first = {name: whole.pop(name) for name in ("a.weight", "a.weight.absmax")}
    save(tmp_path / "net" / "model-1.safetensors", first)
    save(tmp_path / "net" / "model-2.safetensors", whole)
    packed = read_stored(tmp_path / "net")["a.weight"]
    assert isinstance(packed, Packed) and torch.allclose(packed.unpacked(torch.float32), numbers, atol=1e-6)


def test_what_is_damaged_or_unknown_is_an_error(tmp_path: Path) -> None:
    parts, _ = pack(random(12, 128), nested=256)
    state = ".quant_state.bitsandbytes__nf4"
    told = bytes(parts[state].tolist())
    for change in (
        {state: b"{}"}, {state: b"[1]"}, {state: b"{"}, {state: told.replace(b"[12, 128]", b"[12, 64]")},
        {state: told.replace(b"[12, 128]", b"[]")}, {state: told.replace(b"nested_offset", b"nested_onset")},
        {state: told.replace(b'"blocksize": 64', b'"blocksize": 0')}, {".quant_map": None}, {".absmax": None},
        {"": None}, {".nested_absmax": None}, {state: None},
    ):  # fmt: skip
        kept = dict(parts)
        for end, content in change.items():
            if content is None:
                del kept[end]
            else:
                kept[end] = torch.tensor(list(content), dtype=torch.uint8)
        with pytest.raises(UnreadableCheckpoint, match="packed"):
            read_stored(save(tmp_path / "a.safetensors", named(kept)))


def test_eight_bit_integers_are_refused(tmp_path: Path) -> None:
    weights = {"a.weight": torch.zeros(4, 8, dtype=torch.int8), "a.SCB": torch.ones(4)}
    with pytest.raises(UnreadableCheckpoint, match=r"packed in a way that isn't known here \(a.SCB\)"):
        read_stored(save(tmp_path / "a.safetensors", weights))
