"""Live memory of the full-size networks, counted on shapes alone: the numbers of runtime/memory_needs.py.

python tests/benchmarks/img2img.py --memory         counted
python tests/benchmarks/img2img.py --memory --real  SD 1.5's networks run once on the CPU: counted against grown
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import torch
from img2img_networks import network
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class Live(TorchDispatchMode):
    """Counts the bytes that are alive at once, on tensors without data; those of `own` are left out."""

    def __init__(self, own: set[int]) -> None:
        super().__init__()
        self.own, self.now, self.peak, self.known = own, 0, 0, dict[int, int]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in tree_iter(out):
            if isinstance(value, torch.Tensor):
                self._add(value.untyped_storage())
        return out

    def _add(self, storage: Any) -> None:
        key = storage._cdata
        if key in self.known or key in self.own:
            return
        self.known[key] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, key)

    def _drop(self, key: int) -> None:
        self.now -= self.known.pop(key, 0)


def memory() -> None:
    """The numbers of looks/diffusion/runtime/memory_needs.py."""
    torch.nn.functional.scaled_dot_product_attention = lambda query, key, value, **more: torch.empty_like(query)
    for family, side in (("sd15", 512), ("sdxl", 1024)):
        print(f"{family}: {memory_of(family, side)}")
    for name in KLEIN:
        print(f"{name}: {memory_of_klein(name)}")
    print(f"z-image: {memory_of_z_image(1024)}")


def memory_of(family: str, side: int) -> str:
    meta, mpx = torch.device("meta"), side * side / 2**20
    unet = network(diffusers.UNet2DConditionModel, family, "unet", meta, torch.float16)

    def row(*shape: int) -> torch.Tensor:
        return torch.empty(*shape, device="meta", dtype=torch.float16)

    more: dict[str, Any] = {}
    if family == "sdxl":
        more["added_cond_kwargs"] = {"text_embeds": row(2, 1280), "time_ids": row(2, 6)}
    width = unet.config.cross_attention_dim
    one = live(unet, lambda: unet(row(2, 4, side // 8, side // 8), row(2), row(2, 77, width), **more)) / 2
    peaks = []
    for dtype in (torch.float16, torch.float32):
        vae = network(diffusers.AutoencoderKL, family, "vae", meta, dtype)
        peaks.append(live(vae, lambda vae=vae, dtype=dtype: vae.decode(row(1, 4, side // 8, side // 8).to(dtype))))
    weights = sum(p.numel() for p in unet.parameters()) * 2 / 2**20
    return (
        f"weights {weights:.0f} MiB; a million pixels: UNet {one / mpx:.0f} MiB a row, "
        f"VAE {peaks[0] / mpx:.0f} in float16, {peaks[1] / mpx:.0f} in float32"
    )


KLEIN = {
    "klein": {"num_layers": 5, "num_single_layers": 20, "num_attention_heads": 24, "joint_attention_dim": 7680},
    "klein-9b": {"num_layers": 8, "num_single_layers": 24, "num_attention_heads": 32, "joint_attention_dim": 12288},
}
SEEN = 3
"""References: frame, style picture, anchor."""


def memory_of_klein(name: str) -> str:
    """A picture of 1024x1024 beside three of its size that are seen."""
    with torch.device("meta"):
        network = diffusers.Flux2Transformer2DModel(in_channels=128, guidance_embeds=False, **KLEIN[name])
        vaes = [diffusers.AutoencoderKLFlux2().to(dtype) for dtype in (torch.float16, torch.float32)]
    network.to(torch.bfloat16)
    tokens, words = (1 + SEEN) * 64 * 64, 512

    def row(*shape: int) -> torch.Tensor:
        return torch.empty(*shape, device="meta", dtype=torch.bfloat16)

    one = live(
        network,
        lambda: network(
            hidden_states=row(1, tokens, 128),
            encoder_hidden_states=row(1, words, KLEIN[name]["joint_attention_dim"]),
            timestep=row(1),
            img_ids=row(tokens, 4),
            txt_ids=row(words, 4),
        ),
    )
    peaks = [live(vae, lambda vae=vae: vae.decode(row(1, 32, 128, 128).to(vae.dtype))) for vae in vaes]
    weights = sum(p.numel() for p in network.parameters()) * 2 / 2**20
    return (
        f"weights {weights:.0f} MiB; a million pixels: transformer {one:.0f} MiB a row, "
        f"VAE {peaks[0]:.0f} in float16, {peaks[1]:.0f} in float32"
    )


def memory_of_z_image(side: int) -> str:
    """In bfloat16, with a text of 512 tokens beside the picture."""
    meta, mpx, dtype = torch.device("meta"), side * side / 2**20, torch.bfloat16
    net = network(diffusers.ZImageTransformer2DModel, "z-image", "transformer", meta, dtype)
    picture = torch.empty(16, 1, side // 8, side // 8, device=meta, dtype=dtype)
    text, time = torch.empty(512, 2560, device=meta, dtype=dtype), torch.empty(1, device=meta, dtype=dtype)
    one = live(net, lambda: net([picture], time, [text], return_dict=False))
    vae = network(diffusers.AutoencoderKL, "z-image", "vae", meta, torch.float32)
    decoded = live(vae, lambda: vae.decode(torch.empty(1, 16, side // 8, side // 8, device=meta)))
    weights, small = (sum(p.numel() for p in part.parameters()) for part in (net, vae))
    return (
        f"weights {weights * 2 / 2**20:.0f} MiB in bfloat16, VAE {small * 4 / 2**20:.0f} in float32; a million pixels: "
        f"transformer {one / mpx:.0f} MiB a row, VAE {decoded / mpx:.0f} in float32"
    )


def memory_for_real(side: int = 512) -> None:
    """SD 1.5's networks in float32 on the CPU: is what is counted what a process grows by?"""
    torch.set_num_threads(1)
    cpu = torch.device("cpu")
    unet = network(diffusers.UNet2DConditionModel, "sd15", "unet", cpu, torch.float32)
    width = unet.config.cross_attention_dim
    x, t, text = torch.zeros(1, 4, side // 8, side // 8), torch.zeros(1), torch.zeros(1, 77, width)
    _compare("UNet, one row", unet, lambda: unet(x, t, text))
    vae = network(diffusers.AutoencoderKL, "sd15", "vae", cpu, torch.float32)
    _compare("VAE, one picture decoded", vae, lambda: vae.decode(x))


def _compare(name: str, module: Any, work: Callable[[], object]) -> None:
    # A new process's heap grows with what is alive; the kernel's high-water mark is set back first.
    Path("/proc/self/clear_refs").write_text("5")
    before = _kernel_mib("VmHWM")
    with torch.no_grad():
        work()
    grown = _kernel_mib("VmHWM") - before
    print(f"{name}, float32: counted {live(module, work):.0f} MiB, the process grew by {grown:.0f} MiB", flush=True)


def _kernel_mib(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def live(module: Any, work: Callable[[], object]) -> float:
    """MiB."""
    mode = Live({p.untyped_storage()._cdata for p in module.parameters()})
    with torch.no_grad(), mode:
        work()
    return mode.peak / 2**20
