"""How fast is img2img? Stock diffusers one frame at a time, this engine, and the ceiling, in one run.

    python tests/benchmarks/img2img.py                  on a CPU, with tiny-sd: not slower than stock a frame
    python tests/benchmarks/img2img.py --device cuda    full-size random weights, made on the GPU
    python tests/benchmarks/img2img.py --rehearse       the GPU's run on the CPU, with networks of a few channels
    python tests/benchmarks/img2img.py --memory         live memory of the full-size networks, counted on shapes alone
    python tests/benchmarks/img2img.py --memory --real  SD 1.5's networks run once on the CPU: counted against grown

Goals on one H100: SD 1.5 at 512 with 15 evaluations and CFG >= 15 frames/s (8.5 times stock), 4 evaluations without CFG
and a small VAE >= 140, SDXL at 1024 >= 1.9. Weights don't matter to the time, so random ones serve.
"""

from __future__ import annotations

import argparse
import json
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from torch.utils.flop_counter import FlopCounterMode

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.stable_diffusion.unet import UnetBackbone
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.checkpoints.loader import CONFIGS
from restrip.looks.diffusion.conditioning.text_encoders import ClipText, TextEncoder
from restrip.looks.diffusion.conditioning.tokenizer import clip_tokenizer
from restrip.looks.diffusion.runtime import model_cache
from restrip.looks.diffusion.runtime.key_task import Round, Task
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.pipeline import Pipeline
from restrip.looks.diffusion.sampling.schedules import Schedule
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key


@dataclass(frozen=True)
class Case:
    """What to time. Stock runs int(steps * strength) evaluations, this engine one more: strengths even that out."""

    name: str
    family: str
    size: tuple[int, int]
    settings: dict[str, Any]
    evaluations: int
    batch: int
    small_vae: bool = False
    goal: float = 0.0


FIFTEEN = {"steps": 30, "denoising_strength": 0.47, "cfg_scale": 7.0, "anchor": False}
FOUR = {"steps": 8, "denoising_strength": 0.4, "cfg_scale": 1.0, "anchor": False, "sampler": "lcm"}
CASES = (
    Case("SD 1.5 512, 15 evaluations, CFG", "sd15", (512, 512), FIFTEEN, 15, 8, goal=15),
    Case("SD 1.5 512, 4 evaluations, small VAE", "sd15", (512, 512), FOUR, 4, 16, small_vae=True, goal=140),
    Case("SDXL 1024, 15 evaluations, CFG", "sdxl", (1024, 1024), FIFTEEN, 15, 4, goal=1.9),
)
SIX = {"steps": 12, "denoising_strength": 0.45, "cfg_scale": 4.0, "anchor": False}
TINY_CASE = Case("tiny-sd 256x192, 6 evaluations, CFG", "sd15", (256, 192), SIX, 6, 1)


def frames(count: int, size: tuple[int, int]) -> list[Frame]:
    rng = np.random.default_rng(0)
    return [Frame(rng.integers(0, 255, (size[1], size[0], 3), np.uint8)) for _ in range(count)]


REHEARSAL = {
    "unet": {"block_out_channels": [32, 32, 32, 32], "attention_head_dim": 4},
    "vae": {"block_out_channels": [32, 32, 32, 32]},
}
rehearsing = False


def network(kind: Any, family: str, part: str, device: torch.device, dtype: torch.dtype) -> Any:
    """A full-size network with random weights; of a few channels while rehearsing."""
    config = json.loads((CONFIGS / family / part / "config.json").read_text())
    if rehearsing and part in REHEARSAL:
        config |= REHEARSAL[part]
        config["block_out_channels"] = config["block_out_channels"][: len(config.get("down_block_types", "1234"))]
    with torch.device(device):
        if issubclass(kind, transformers.PreTrainedModel):
            made = kind(transformers.CLIPTextConfig(**config))
        else:
            made = kind.from_config(config)
    return torch.nn.Module.to(made, dtype).eval().requires_grad_(False)


def full_size(case: Case, device: torch.device) -> Model:
    """The model of a case on its device."""
    half = torch.float16 if device.type == "cuda" else torch.float32
    unet = network(diffusers.UNet2DConditionModel, case.family, "unet", device, half)
    if case.small_vae:
        with torch.device(device):
            vae = torch.nn.Module.to(diffusers.AutoencoderTiny().eval().requires_grad_(False), half)
    else:
        vae = network(diffusers.AutoencoderKL, case.family, "vae", device, half)
    kinds = [("text_encoder", transformers.CLIPTextModel, "<|endoftext|>")]
    if case.family == "sdxl":
        kinds.append(("text_encoder_2", transformers.CLIPTextModelWithProjection, "!"))
    texts = [
        TextEncoder(
            network(kind, case.family, part, device, torch.float32),
            clip_tokenizer(pad), case.family == "sdxl", part.endswith("2"),
        )
        for part, kind, pad in kinds
    ]  # fmt: skip
    model = Model(case.name, UnetBackbone(FAMILIES[case.family], unet, Schedule()), vae, ClipText(tuple(texts)))
    model_cache._place(model, device)
    return model


def stock(model: Model, case: Case) -> Callable[[Frame], object]:
    """The usual pipeline with the same networks, one frame at a time."""
    kind = (
        diffusers.StableDiffusionXLImg2ImgPipeline if model.family.sized else diffusers.StableDiffusionImg2ImgPipeline
    )
    parts: dict[str, Any] = {
        "vae": model.vae, "unet": model.network,
        "scheduler": diffusers.EulerDiscreteScheduler.from_pretrained(CONFIGS / case.family, subfolder="scheduler"),
        "text_encoder": None, "tokenizer": None,
    }  # fmt: skip
    if model.family.sized:
        parts |= {"text_encoder_2": None, "tokenizer_2": None}
    else:
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipeline = kind(**parts)
    pipeline.set_progress_bar_config(disable=True)
    dtype, device = next(model.network.parameters()).dtype, model.device
    width = model.network.config.cross_attention_dim
    tokens = model.text.encoders[0].room + 2
    text = {
        name: torch.randn(1, tokens, width, device=device, dtype=dtype)
        for name in ("prompt_embeds", "negative_prompt_embeds")
    }
    if model.family.sized:
        text |= {f"{name}pooled_prompt_embeds": torch.randn(1, 1280, device=device, dtype=dtype)
                 for name in ("", "negative_")}  # fmt: skip
    steps = 2 * case.evaluations
    guidance = case.settings["cfg_scale"]

    def run(frame: Frame) -> object:
        picture = torch.from_numpy(frame.rgb).permute(2, 0, 1)[None].to(device, dtype) / 255
        return pipeline(
            image=picture, strength=0.5, num_inference_steps=steps, guidance_scale=guidance, output_type="np", **text
        ).images  # fmt: skip

    return run


def place(model: Model, case: Case, **more: Any) -> Pipeline:
    """This engine, at the case's size."""
    settings = {**case.settings, "width": case.size[0], "height": case.size[1], "batch": case.batch,
                "device": model.device.type, "prompt": "a photo", **more}  # fmt: skip
    look = open_look("sd:tiny", settings)
    dtype = next(model.network.parameters()).dtype
    return Pipeline(look.spec(), model, case.size, dtype)


def seconds(work: Callable[[], object], device: torch.device, again: int = 1) -> float:
    """Wall seconds on a GPU, the process's on a CPU; the best of some runs after one to warm up."""
    work()
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    best = float("inf")
    for _ in range(again):
        if device.type == "cuda":
            torch.cuda.synchronize()
        begun = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, clock() - begun)
    return best


def flops(model: Model, case: Case) -> float:
    """Floating point operations of one frame, counted on the networks themselves."""
    rows = 2 if case.settings["cfg_scale"] != 1 else 1
    unet, vae, factor = model.network, model.vae, model.latents.factor
    like = next(unet.parameters())
    height, width = case.size[1] // factor, case.size[0] // factor

    def empty(*shape: int) -> torch.Tensor:
        return torch.zeros(*shape, device=like.device, dtype=like.dtype)

    more: dict[str, Any] = {}
    if model.family.sized:
        more["added_cond_kwargs"] = {"text_embeds": empty(rows, 1280), "time_ids": empty(rows, 6)}
    with FlopCounterMode(display=False) as counted, torch.inference_mode():
        unet(empty(rows, 4, height, width), 500, empty(rows, 77, unet.config.cross_attention_dim), **more)
    once = counted.get_total_flops()
    with FlopCounterMode(display=False) as counted, torch.inference_mode():
        dtype = next(vae.parameters()).dtype
        vae.encode(empty(1, 3, case.size[1], case.size[0]).to(dtype))
        vae.decode(empty(1, 4, height, width).to(dtype))
    return float(case.evaluations * once + counted.get_total_flops())


def ceiling(device: torch.device) -> float:
    """Operations a second of a large matrix product in bfloat16."""
    n = 256 if rehearsing else 8192
    a, b = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * n**3 / (seconds(lambda: [a @ b for _ in range(20)], device, 3) / 20)


def on_gpu(options: argparse.Namespace) -> None:
    device = torch.device("cpu" if rehearsing else "cuda")
    most = ceiling(device)
    machine = "rehearsal" if rehearsing else f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    print(f"{machine}, {most / 1e12:.1f} TFLOP/s in a large bfloat16 product")
    print(f"{'':40s} stock   engine  compiled   of stock  of ceiling  goal   (frames/s)")
    for case in CASES:
        if rehearsing:
            case = replace(case, size=(128, 128), batch=2)
        if options.only and options.only not in case.name:
            continue
        model = full_size(case, device)
        limit = most / flops(model, case)
        one = frames(1, case.size)[0]
        run = stock(model, case)
        before = 1 / seconds(lambda run=run, one=one: run(one), device, 3)
        count = 2 if rehearsing else case.batch * 4
        tasks = [Task(frame, Key(n)) for n, frame in enumerate(frames(count, case.size))]
        rates = []
        for compiling in ("off", "off" if rehearsing else "on"):
            at = place(model, case, compile=compiling)
            rates.append(count / seconds(lambda at=at, tasks=tasks: at.stylize(tasks, silent, Round()), device, 2))
        best = max(rates)
        print(
            f"{case.name:40s} {before:6.2f} {rates[0]:8.2f} {rates[1]:9.2f} {best / before:9.1f} x "
            f"{best / limit:10.0%} {case.goal:6.1f}",
            flush=True,
        )
        del model, run, at
        if device.type == "cuda":
            print(f"{'':40s} {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB at most", flush=True)
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def on_cpu() -> None:
    torch.set_num_threads(1)
    device = torch.device("cpu")
    model = open_model(find_checkpoint("tiny"))
    one = frames(1, TINY_CASE.size)[0]
    run = stock(model, TINY_CASE)
    case = replace(TINY_CASE, batch=1)
    at = place(model, case)
    # In turns, so that another program's noise hits both.
    theirs, mine = [], []
    for n in range(4):
        theirs.append(seconds(lambda: run(one), device) if n == 0 else timed(lambda: run(one)))
        other = frames(n + 2, case.size)[-1]  # a new frame, so that nothing of it is known
        mine.append(timed(lambda other=other: at.stylize([Task(other, Key(0))], silent, Round())))
    a, b = float(np.median(theirs)), float(np.median(mine[1:]))
    print(f"{case.name}: stock {a:.2f} s a frame, engine {b:.2f} s (CPU time), {a / b:.2f} times as fast")


def timed(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


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
    torch.nn.functional.scaled_dot_product_attention = lambda q, k, v, **more: torch.empty_like(q)
    for family, side in (("sd15", 512), ("sdxl", 1024)):
        print(f"{family}: {memory_of(family, side)}")


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rehearse", action="store_true", help="see whether the GPU's run works")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--real", action="store_true", help="with --memory: run them on the CPU (Linux)")
    parser.add_argument("--only", help="part of a case's name")
    options = parser.parse_args()
    diffusers.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    if options.memory:
        (memory_for_real if options.real else memory)()
    elif options.device == "cuda" or options.rehearse:
        global rehearsing
        rehearsing = options.rehearse
        on_gpu(options)
    else:
        on_cpu()


if __name__ == "__main__":
    main()
