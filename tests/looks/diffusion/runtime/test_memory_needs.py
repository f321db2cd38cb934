from __future__ import annotations

from pathlib import Path

import safetensors.torch
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.runtime.memory_needs import fits, largest_size, needs_mib, rows_a_call, weights_mib


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
