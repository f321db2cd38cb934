"""The kernels interpreted, on tensors of the CPU."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import types

import pytest
import torch

from restrip.looks.diffusion.runtime import model_cache
from restrip.looks.diffusion.runtime.speed import norms
from restrip.looks.diffusion.runtime.speed.norms import ChannelsLastNorm, lay

if importlib.util.find_spec("triton") is None:
    pytest.skip("Triton is not installed (it is for Linux on x86)", allow_module_level=True)
assert os.environ.get("TRITON_INTERPRET") == "1", "set before anything imports triton"

from restrip.looks.diffusion.runtime.speed import group_norm_triton  # noqa: E402


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChannelsLastNorm, "devices", ("cpu",))
    monkeypatch.setattr(ChannelsLastNorm, "least", 1)
    monkeypatch.setattr(ChannelsLastNorm, "failed", "")
    monkeypatch.setattr(ChannelsLastNorm, "known", set())


def picture(rows: int, channels: int, h: int, w: int, dtype=torch.float16, base: float = 0.0) -> torch.Tensor:
    made = torch.randn(rows, channels, h, w, generator=torch.Generator().manual_seed(0)) + base
    return made.to(dtype).to(memory_format=torch.channels_last)


def norm_of(groups: int, channels: int, dtype=torch.float16) -> torch.nn.GroupNorm:
    made = torch.nn.GroupNorm(groups, channels, eps=1e-5).requires_grad_(False)
    made.weight.copy_(torch.linspace(-1, 2, channels))
    made.bias.copy_(torch.linspace(3, -2, channels))
    return made.to(dtype)


@pytest.mark.parametrize(
    "shape, groups, base",
    [((2, 64, 12, 16), 32, 0.0), ((1, 96, 5, 7), 32, 0.0), ((2, 40, 3, 3), 4, 0.0), ((1, 64, 20, 30), 8, 60.0)],
)
def test_it_gives_what_torch_gives_and_channels_stay_last(shape, groups: int, base: float) -> None:
    x, norm = picture(*shape, base=base), norm_of(groups, shape[1])
    given = group_norm_triton.group_norm(x, groups, norm.weight, norm.bias, norm.eps)
    expected = torch.nn.functional.group_norm(x.float(), groups, norm.weight.float(), norm.bias.float(), norm.eps)
    assert given.dtype == x.dtype and given.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(given.float(), expected, atol=4e-3, rtol=2e-3)


def test_what_all_pixels_have_in_common_costs_no_digits() -> None:
    x = torch.full((1, 8, 16, 16), 500.0, dtype=torch.float16).to(memory_format=torch.channels_last)
    x[..., ::2] += 0.5
    norm = norm_of(1, 8)
    given = group_norm_triton.group_norm(x, 1, norm.weight, norm.bias, norm.eps).float()
    expected = torch.nn.functional.group_norm(x.double(), 1, norm.weight.double(), norm.bias.double(), norm.eps)
    assert torch.allclose(given.double(), expected, atol=4e-3, rtol=2e-3)


def test_a_network_is_laid_and_given_back() -> None:
    network = torch.nn.Sequential(norm_of(4, 8), torch.nn.SiLU(), torch.nn.GroupNorm(2, 8, affine=False))
    lay(network)
    assert [type(part) for part in network] == [ChannelsLastNorm, torch.nn.SiLU, torch.nn.GroupNorm]
    x = picture(2, 8, 6, 6)
    given = network(x)
    assert ChannelsLastNorm.known and not ChannelsLastNorm.failed
    lay(network, on=False)
    assert type(network[0]) is torch.nn.GroupNorm
    assert torch.allclose(given.float(), network(x).float(), atol=4e-3)


def test_other_tensors_are_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_norm_triton, "group_norm", None)  # would fail
    norm = norm_of(4, 8, torch.float32)
    lay(norm)
    assert type(norm) is ChannelsLastNorm
    norm(picture(2, 8, 6, 6, torch.float32))
    norm.half()(picture(2, 8, 6, 6).contiguous())
    monkeypatch.setattr(ChannelsLastNorm, "least", 2 * 8 * 6 * 6 + 1)
    norm(picture(2, 8, 6, 6))
    assert not ChannelsLastNorm.failed


@pytest.mark.parametrize("fault", ["wrong", "error"])
def test_where_kernels_fail_torchs_own_serves(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def group_norm(x, *more):
        if fault == "error":
            raise ValueError("no compiler\nmore")
        return 2 * x

    monkeypatch.setattr(group_norm_triton, "group_norm", group_norm)
    norm, x = norm_of(4, 8), picture(2, 8, 6, 6)
    expected = norm(x)
    lay(norm)
    for _ in range(2):
        assert torch.equal(norm(x), expected)
    assert ChannelsLastNorm.failed and "\n" not in ChannelsLastNorm.failed


def test_what_is_compiled_takes_torchs_own() -> None:
    torch._dynamo.reset()
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph.code)
        return graph.forward

    norm = norm_of(4, 8)
    lay(norm)
    torch.compile(norm.forward, dynamic=False, backend=backend)(picture(2, 8, 6, 6))
    assert len(graphs) == 1 and "group_norm" in graphs[0] and not ChannelsLastNorm.known


class Network(torch.nn.Sequential):
    """One that a machine without a GPU can move there."""

    def to(self, *where, **how):
        return self


@pytest.mark.parametrize("on", [True, False])
def test_networks_on_a_gpu_are_given_them(on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert norms.ON
    monkeypatch.setattr(norms, "ON", on)
    network, vae = Network(norm_of(4, 8)), Network(norm_of(4, 8))
    backbone = types.SimpleNamespace(settle=lambda device: None)
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [flag.allow_tf32 for flag in flags]
    try:
        model_cache._place(types.SimpleNamespace(network=network, vae=vae, backbone=backbone), torch.device("cuda"))
    finally:
        for flag, value in zip(flags, before, strict=True):
            flag.allow_tf32 = value
    assert {type(network[0]), type(vae[0])} == {ChannelsLastNorm if on else torch.nn.GroupNorm}


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from restrip.looks.diffusion.runtime.speed import group_norm_triton as kernels

constants = {"PIECE": 128, "PIECES": 32, "WIDTH": 16, "STEP": 32, "CHANNELS": 64}
for name in ("parts_kernel", "fold_kernel", "applied_kernel"):
    kernel = getattr(kernels, name)
    kinds = dict.fromkeys(("pixels", "channels", "pieces", "width"), "i32") | {"eps": "fp32"}
    kinds |= dict.fromkeys(("x", "out", "weight", "bias"), "*fp16") | dict.fromkeys(constants, "constexpr")
    signature = {part: kinds.get(part, "*fp32") for part in kernel.arg_names}
    given = {part: value for part, value in constants.items() if part in signature}
    made = triton.compile(ASTSource(kernel, signature=signature, constexprs=given), target=GPUTarget("cuda", 90, 32))
    print(name, len(made.asm["cubin"]))
"""


def test_kernels_compile_for_a_gpu(tmp_path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(int(line.split()[1]) > 1000 for line in done.stdout.splitlines()) and done.stdout.count("\n") == 3
