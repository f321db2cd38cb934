from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.checkpoints.companions import Companions
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.runtime.memory_needs import (
    FIXED_MIB,
    fits,
    in_turns_mib,
    largest_size,
    needs_mib,
    rows_a_call,
    stored_share,
    text_encoder_mib,
    weights_mib,
)


def test_needs_grow_with_size_and_batch_and_guidance() -> None:
    assert needs_mib("sd15", (512, 512), 1) < needs_mib("sd15", (512, 512), 8)
    assert needs_mib("sd15", (512, 512), 16) < needs_mib("sd15", (1024, 1024), 16)
    assert needs_mib("sd15", (512, 512), 32, guided=False) < needs_mib("sd15", (512, 512), 32)
    assert needs_mib("sdxl", (1024, 1024), 1) > needs_mib("sd15", (1024, 1024), 1)


def test_what_people_know_to_fit() -> None:
    """SD 1.5 at 512 runs on 4 GiB, SDXL at 1024 on 12 but not on 6 without taking turns."""
    assert fits("sd15", (512, 512), 4000)
    assert fits("sdxl", (1024, 1024), 12_000) and not fits("sdxl", (1024, 1024), 6000)


def test_the_largest_size_fits_and_keeps_the_shape() -> None:
    width, height = largest_size("sd15", (4096, 2304), 8000)
    assert needs_mib("sd15", (width, height), 1) <= 8000
    assert width % 64 == 0 and height % 64 == 0 and 1.5 < width / height < 2.1


def test_controlnets_count_with_their_weights(small, tmp_path: Path) -> None:
    """In float16, whatever the file has; a folder is its weights."""
    net = {"a": torch.zeros(512, 1024), "b": torch.zeros(2, 512, 512)}
    folder = tmp_path / "net"
    folder.mkdir()
    safetensors.torch.save_file(net, folder / "diffusion_pytorch_model.safetensors")
    assert weights_mib(folder) == weights_mib(folder / "diffusion_pytorch_model.safetensors") == 2
    plain, controlled = (
        open_look("sd:tiny", {"width": 64, "height": 64, "controlnet": controls}).estimate((640, 480)).needs_mib
        for controls in ("", f"tile={folder}, canny={folder}:0.5")
    )
    assert controlled == plain + 4


def test_the_vae_takes_few_large_pictures_at_once() -> None:
    assert (rows_a_call((512, 512)), rows_a_call((1024, 1024)), rows_a_call((4096, 4096))) == (8, 2, 1)


def test_z_images_weights_are_counted_on_shapes_alone() -> None:
    """12.3 GB in bfloat16, and the VAE in full precision."""
    parts = {"transformer": ("ZImageTransformer2DModel", 2), "vae": ("AutoencoderKL", 4)}
    counted = 0.0
    for name, (kind, size) in parts.items():
        config = json.loads((loader.CONFIGS / "z-image" / name / "config.json").read_text("utf-8"))
        counted += sum(value.numel() for value in loader.empty(kind, config).parameters()) * size / 2**20
    assert abs(counted - FAMILIES["z-image"].memory.weights_mib) < 10


def test_files_of_several_parts_count_as_they_lie_on_the_disk(tmp_path: Path) -> None:
    """8-bit weights are half of halves; numbers in full precision become halves."""
    paths = {}
    for name, dtype in (("net8", torch.float8_e4m3fn), ("net16", torch.bfloat16), ("net32", torch.float32)):
        paths[name] = tmp_path / f"{name}.safetensors"
        safetensors.torch.save_file({"a": torch.zeros(16, 2**20).to(dtype)}, paths[name])

    def needs(net: str) -> tuple[int, int]:
        checkpoint = Checkpoint(paths[net], "z-image", net, Companions(paths["net16"], tmp_path, paths["net16"]))
        text, share = text_encoder_mib(checkpoint), stored_share(paths[net])
        assert text == 32 and round(share, 2) == {"net8": 0.5, "net16": 1, "net32": 1}[net]
        return (
            needs_mib("z-image", (1024, 1024), 1, guided=False, share=share),
            in_turns_mib("z-image", (1024, 1024), guided=False, share=share, text=text),
        )

    assert needs("net8")[0] < needs("net16")[0] - 5000 and needs("net32") == needs("net16")
    assert FIXED_MIB < needs("net8")[1] < needs("net8")[0] and needs("net8")[1] < needs("net16")[1]
    assert in_turns_mib("z-image", (64, 64), guided=False, share=0.1, text=7000) == FIXED_MIB + 7000
