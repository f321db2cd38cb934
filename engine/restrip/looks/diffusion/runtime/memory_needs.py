"""How much GPU memory a job needs, before anything is loaded. Without torch.

The numbers come from the networks themselves: their weights, and the most bytes that are alive at once during a
forward pass of the full-size networks (counted on shapes alone by tests/benchmarks/img2img.py --memory, attention by
SDPA), with a margin for what libraries keep.
"""

from __future__ import annotations

import math
from pathlib import Path

from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.checkpoints.weights.headers import read_shapes

# CUDA itself, cuDNN's work space, fragments.
FIXED_MIB = 900
MARGIN = 1.3

# A VAE call takes as many rows as make up so many pixels.
VAE_CALL_PX = 2 * 2**20


def needs_mib(family: str, size: tuple[int, int], batch: int, *, guided: bool = True, share: float = 1.0) -> int:
    """GPU memory for `batch` frames at once at the working size (width, height); batch 0 is the networks alone.

    `share` is what `stored_share` says of the model's file.
    """
    numbers = FAMILIES[family].memory
    mpx = size[0] * size[1] / 2**20
    network = numbers.network_mib_a_mpx * mpx * batch * (2 if guided else 1)
    vae = numbers.vae_mib_a_mpx * mpx * min(batch, rows_a_call(size))
    return round(FIXED_MIB + numbers.weights_mib * share + MARGIN * max(network, vae))


def in_turns_mib(family: str, size: tuple[int, int], *, guided: bool, share: float, text: int) -> int:
    """The least for one frame: one network at a time, the VAE in tiles of a quarter, before them a text encoder of so
    many MiB alone.
    """
    numbers = FAMILIES[family].memory
    mpx = size[0] * size[1] / 2**20
    network = numbers.weights_mib * share + MARGIN * numbers.network_mib_a_mpx * mpx * (2 if guided else 1)
    return round(FIXED_MIB + max(network, MARGIN * numbers.vae_mib_a_mpx * mpx / 4, text))


def text_encoder_mib(checkpoint: Checkpoint) -> int:
    """What a text encoder that is a model of its own takes as it is stored. Raises the errors of read_shapes."""
    path = checkpoint.path / "text_encoder" if checkpoint.is_folder else checkpoint.beside.text_encoder
    return 0 if path is None or not path.exists() else round(weights_mib(path) * stored_share(path))


def weights_mib(path: Path) -> int:
    """What the weights of a file, or of a network's folder, take in float16. Raises the errors of read_shapes."""
    files = [path] if path.is_file() else [*path.glob("*.safetensors")] or [*path.glob("*.bin")]
    return round(sum(math.prod(shape) for file in files for shape in read_shapes(file).values()) * 2 / 2**20)


def stored_share(path: Path) -> float:
    """What the weights of a file, or of a network's folder, take as they are stored, as a share of half precision:
    .5 for 8-bit floats, less for NF4 and GGUF. For families whose weights stay so. Raises the errors of read_shapes.
    """
    files = [path] if path.is_file() else [*path.glob("*.safetensors")] or [*path.glob("*.bin")]
    halves = weights_mib(path)
    return min(1.0, sum(file.stat().st_size for file in files) / 2**20 / halves) if halves else 1.0


def rows_a_call(size: tuple[int, int]) -> int:
    """Rows that the VAE takes at once: enough to fill a GPU, few enough for its memory."""
    return max(1, VAE_CALL_PX // (size[0] * size[1]))


def largest_size(family: str, size: tuple[int, int], have_mib: int, share: float = 1.0) -> tuple[int, int]:
    """The largest size of this shape, in multiples of 64, that fits one frame at a time."""
    for part in range(100, 0, -1):
        smaller = tuple(max(64, int(side * part / 100) // 64 * 64) for side in size)
        if needs_mib(family, (smaller[0], smaller[1]), 1, share=share) <= have_mib:
            return smaller[0], smaller[1]
    return 64, 64


def fits(family: str, size: tuple[int, int], have_mib: int) -> bool:
    """Whether one frame at a time fits; what is tight is made to fit with tiles and by taking turns."""
    return needs_mib(family, size, 1) <= have_mib if family in FAMILIES and FAMILIES[family].runnable else True
