"""Full-size networks of img2img with random weights, made where they run, and what one picture of them costs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import diffusers
import numpy as np
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.stable_diffusion.unet import UnetBackbone
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints.loader import CONFIGS
from restrip.looks.diffusion.conditioning.text_encoders import ClipText, TextEncoder
from restrip.looks.diffusion.conditioning.tokenizer import clip_tokenizer
from restrip.looks.diffusion.consistency.anchor_attention import AnchorAttention
from restrip.looks.diffusion.consistency.anchor_features import AnchorBank
from restrip.looks.diffusion.runtime import model_cache
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.pipeline import Pipeline
from restrip.looks.diffusion.sampling.schedules import Schedule
from restrip.media.frame import Frame


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


FIFTEEN = {"steps": 30, "denoising_strength": 0.47, "cfg_scale": 7.0}
FOUR = {"steps": 8, "denoising_strength": 0.4, "cfg_scale": 1.0, "sampler": "lcm"}
CASES = (
    Case("SD 1.5 512, 15 evaluations, CFG", "sd15", (512, 512), FIFTEEN, 15, 8, goal=15),
    Case("SD 1.5 512, 4 evaluations, small VAE", "sd15", (512, 512), FOUR, 4, 16, small_vae=True, goal=140),
    Case("SDXL 1024, 15 evaluations, CFG", "sdxl", (1024, 1024), FIFTEEN, 15, 4, goal=1.9),
)
SIX = {"steps": 12, "denoising_strength": 0.45, "cfg_scale": 4.0}
TINY_CASE = Case("tiny-sd 256x192, 6 evaluations, CFG", "sd15", (256, 192), SIX, 6, 1)


def frames(count: int, size: tuple[int, int], first: int = 0) -> list[Frame]:
    """A picture that moves on, from frame `first`: there is motion to find, and every frame is new."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (size[1] // 16 + 1, size[0] // 16 + 1, 3), np.uint8)
    fine = rng.normal(0, 12, (size[1], size[0], 3))
    picture = np.clip(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC) + fine, 0, 255).astype(np.uint8)
    return [Frame(np.ascontiguousarray(np.roll(picture, 2 * n + 1, axis=1))) for n in range(first, first + count)]


REHEARSAL = {
    "unet": {"block_out_channels": [32, 32, 32, 32], "attention_head_dim": 4},
    "vae": {"block_out_channels": [32, 32, 32, 32]},
}
rehearsing = False


def lively(vae: Any) -> None:
    """Scale a VAE's last layer: random weights paint one colour, which is taken for broken and made again."""
    decoder = vae.decoder
    small = isinstance(vae, diffusers.AutoencoderTiny)
    last = decoder.layers[-1] if small else decoder.conv_out
    like, kept = last.weight, list[torch.Tensor]()
    hook = last.register_forward_hook(lambda module, args, out: kept.append(out.float()))
    latents = torch.randn(1, vae.config.latent_channels, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        vae.decode(latents.to(like) / (1.0 if small else vae.config.scaling_factor))
    hook.remove()
    # The small one is in 0..1 here, the full one in -1..1.
    mean, spread, middle = kept[0].mean((0, 2, 3)), kept[0].std(), 0.5 if small else 0.0
    with torch.no_grad():
        gain = (0.25 if small else 0.5) / spread
        last.weight.mul_(gain.to(like.dtype))
        bias = torch.zeros_like(mean) if last.bias is None else last.bias.float()
        shifted = (bias - mean) * gain + middle
        last.bias = torch.nn.Parameter(shifted.to(like.dtype), requires_grad=False)


def network(kind: Any, family: str, part: str, device: torch.device, dtype: torch.dtype) -> Any:
    """A full-size network with random weights; of a few channels while rehearsing."""
    config = json.loads((CONFIGS / family / part / "config.json").read_text())
    if rehearsing and part in REHEARSAL:
        config |= REHEARSAL[part]
        config["block_out_channels"] = config["block_out_channels"][: len(config.get("down_block_types", "1234"))]
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # made in it at once, not in float32 first
    try:
        with torch.device(device):
            if issubclass(kind, transformers.PreTrainedModel):
                made = kind(transformers.CLIPTextConfig(**config))
            else:
                made = kind.from_config(config)
    finally:
        torch.set_default_dtype(before)
    return torch.nn.Module.to(made, dtype).eval().requires_grad_(False)


def full_size(case: Case, device: torch.device, like: Model | None = None) -> Model:
    """The model of a case on its device; `like`'s UNet and what reads prompts, where that is given."""
    half = torch.float16 if device.type == "cuda" else torch.float32
    unet = like.network if like else network(diffusers.UNet2DConditionModel, case.family, "unet", device, half)
    if case.small_vae:
        with torch.device(device):
            vae = torch.nn.Module.to(diffusers.AutoencoderTiny().eval().requires_grad_(False), half)
    else:
        vae = network(diffusers.AutoencoderKL, case.family, "vae", device, half)
    if device.type != "meta":
        lively(vae)
    if like is not None:
        model = Model(case.name, UnetBackbone(FAMILIES[case.family], unet, Schedule()), vae, like.text)
        model_cache._place(model, device)
        return model
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
                "device": model.device.type, "prompt": "a photo", "anchor": False, **more}  # fmt: skip
    look = open_look("sd:tiny", settings)
    dtype = next(model.network.parameters()).dtype
    return Pipeline(look.spec(), model, case.size, dtype)


def clock(device: torch.device) -> float:
    """Seconds: of the wall once a GPU has done all, of the process on a CPU."""
    if device.type != "cuda":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def seconds(work: Callable[[], object], device: torch.device, again: int = 1) -> float:
    """The best of some runs after one to warm up."""
    work()
    best = float("inf")
    for _ in range(again):
        begun = clock(device)
        work()
        best = min(best, clock(device) - begun)
    return best


@dataclass(frozen=True)
class Cost:
    """Floating point operations of one key: of the UNet, of what its attention to an anchor adds, and of the VAE."""

    unet: float
    extra: float
    vae: float

    @property
    def plain(self) -> float:
        """Without an anchor."""
        return self.unet + self.vae

    @property
    def anchored(self) -> float:
        """Against an anchor that is known."""
        return self.unet + self.extra + self.vae


def cost(model: Model, case: Case, batch: int = 4) -> Cost:
    """Counted on the networks themselves, which may be on the meta device; a key beside others in a batch."""
    groups = 2 if case.settings["cfg_scale"] != 1 else 1
    unet, vae, factor = model.network, model.vae, model.latents.factor
    like = next(unet.parameters())
    height, width = case.size[1] // factor, case.size[0] // factor

    def empty(*shape: int) -> torch.Tensor:
        return torch.zeros(*shape, device=like.device, dtype=like.dtype)

    def asked(rows: int) -> float:
        more: dict[str, Any] = {}
        if model.family.sized:
            more["added_cond_kwargs"] = {"text_embeds": empty(rows, 1280), "time_ids": empty(rows, 6)}
        text = empty(rows, 77, unet.config.cross_attention_dim)
        return counted(lambda: unet(empty(rows, 4, height, width), empty(rows), text, **more))

    plain = asked(groups * batch)
    attention, bank = AnchorAttention(unet, 1.0, False), AnchorBank()
    with attention.among(unet, bank, 0, 1):
        asked(groups)
        attention.keep(bank)
    with attention.among(unet, bank):
        attention.load(unet, bank)
        anchored = asked(groups * batch)
    dtype = next(vae.parameters()).dtype
    coded = counted(lambda: vae.encode(empty(1, 3, case.size[1], case.size[0]).to(dtype)))
    coded += counted(lambda: vae.decode(empty(1, 4, height, width).to(dtype)))
    a_key = case.evaluations / batch
    return Cost(plain * a_key, (anchored - plain) * a_key, coded)


def counted(work: Callable[[], object]) -> float:
    """Floating point operations of some work."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        work()
    return float(counter.get_total_flops())


def ceiling(device: torch.device) -> float:
    """Operations a second of a large matrix product in bfloat16."""
    n = 256 if rehearsing else 8192
    a, b = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * n**3 / (seconds(lambda: [a @ b for _ in range(20)], device, 3) / 20)
