"""Z-Image at full size with random weights, from files as people have them: seconds a key, and the GPU's memory.

    python tests/benchmarks/z_image.py --folder FOLDER            26 GB of files are written there
    python tests/benchmarks/z_image.py --folder FOLDER --small    the same on a few channels, to rehearse on a CPU

The pictures mean nothing; times and memory don't depend on the weights.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[1] / "looks" / "diffusion" / "backbones" / "z_image"))
import small_z_image as small
from img2img_networks import lively

from restrip.looks import open_look
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.runtime import model_cache
from restrip.media.frame import Frame
from restrip.timeline import Key

QWEN3_4B = {
    "vocab_size": 151936, "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "rms_norm_eps": 1e-6,
    "max_position_embeddings": 40960, "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
}  # fmt: skip


def random(kind: Any, config: dict[str, Any], device: torch.device, dtype: torch.dtype) -> Any:
    """A network with random weights, made where it runs."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            module = kind(kind.config_class(**config)) if hasattr(kind, "config_class") else kind.from_config(config)
    finally:
        torch.set_default_dtype(before)
    return module.eval().requires_grad_(False)


def files(root: Path, packings: list[str], device: torch.device, *, tiny: bool) -> dict[str, Path]:
    """The transformer in each packing, in ComfyUI's folders with what belongs to it."""
    if tiny:
        loader.CONFIGS = small.save_configs(root / "configs")
    configs = loader.CONFIGS / "z-image"
    models, half = root / "models", torch.float32 if tiny else torch.bfloat16
    network = random(
        diffusers.ZImageTransformer2DModel,
        json.loads((configs / "transformer" / "config.json").read_text()), device, half,
    )  # fmt: skip
    weights = small.original(network.state_dict())
    made = {}
    for packing in packings:
        packed = small.eights(weights, scaled=True) if packing == "fp8" else small.halves(weights)
        name = f"z_image_turbo_{packing}.safetensors"
        made[packing] = small.save({n: v.cpu() for n, v in packed.items()}, models / "diffusion_models" / name)
    del network, weights
    text = random(transformers.Qwen3Model, small.QWEN if tiny else QWEN3_4B, device, half)
    small.save(
        {f"model.{n}": v.cpu() for n, v in text.state_dict().items()}, models / "text_encoders" / "q.safetensors"
    )
    del text
    vae = random(
        diffusers.AutoencoderKL, json.loads((configs / "vae" / "config.json").read_text()), device, torch.float32
    )
    lively(vae.cpu())
    small.save(small.named_originally(vae), models / "vae" / "ae.safetensors")
    small.save_tokenizer(root / "comfy" / "text_encoders" / "qwen25_tokenizer")
    return made


def frames(size: tuple[int, int], count: int) -> list[Frame]:
    """Frames that move."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    picture = np.stack([x % 256, y % 256, (x // 9 + y // 7) % 2 * 200], axis=-1).astype(np.uint8)
    return [Frame(np.ascontiguousarray(np.roll(picture, 3 * n, axis=1))) for n in range(count)]


def measured(path: Path, size: tuple[int, int], device: torch.device, **settings: Any) -> dict[str, Any]:
    """Keys with an anchor: the first call loads and reads prompts, the second makes 4 more."""
    look = open_look(
        f"sd:{path}", {"steps": 8, "width": size[0], "height": size[1], "prompt": "an oil painting", **settings}
    )
    given, made = frames(size, 5), {}
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    for name, which in (("first", [0]), ("four more", [1, 2, 3, 4])):
        begun = time.perf_counter()
        styled = look.stylize(
            [given[n] for n in which], [Key(10 * n) for n in which], lambda *told: None, (given[0], Key(0))
        )
        made[f"{name}, s a key"] = round((time.perf_counter() - begun) / len(which), 2)
    estimate = look.estimate(size)
    facts = styled[-1].facts
    made |= {name: facts[name] for name in ("unet_dtype", "vae_dtype", "memory", "batch_reductions", "retries")}
    made |= {"needs_mib": estimate.needs_mib, "least_mib": estimate.least_mib}
    if device.type == "cuda":
        made["peak_mib"] = torch.cuda.max_memory_allocated() // 2**20
    model_cache.unload()
    return made


def main() -> None:
    """Measure and print, a line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--packing", nargs="+", default=["fp8", "bf16"])
    parser.add_argument("--side", type=int, default=1024)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() and not options.small else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)
    made = files(options.folder, options.packing, device, tiny=options.small)
    side = 64 if options.small else options.side
    for packing, path in made.items():
        for case, more in (("anchored", {}), ("alone", {"anchor": False}), ("matched", {"anchor_adain": True})):
            print(
                json.dumps({"packing": packing, "case": case, **measured(path, (side, side), device, **more)}),
                flush=True,
            )


if __name__ == "__main__":
    main()
