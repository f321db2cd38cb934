"""IP-Adapter's files: the adapter, and the CLIP vision network that looks at the picture for it. Without torch.

ipadapter/ip-adapter_sd15.safetensors         what is added to the cross-attentions of one family
clip_vision/CLIP-ViT-H-14....safetensors      told by its width, whatever its name; or a folder image_encoder
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints.finding import find_file, models_roots
from restrip.looks.diffusion.checkpoints.weights.headers import Shapes, read_shapes

PROJECTION = "image_proj.proj.weight"
SEEN_AS = "visual_projection.weight"
ENCODER_FOLDERS = ("image_encoder", "clip_vision", "CLIPVision")
ENDINGS = (".safetensors", ".bin")


class UnusableAdapter(BadInput):
    """A file that is no IP-Adapter, or one of a kind that isn't read, or of another family of models."""

    code = "unusable-ip-adapter"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path.name} can't be used as an IP-Adapter: {why}.",
            "Use ip-adapter_sd15 with Stable Diffusion 1.5, ip-adapter_sdxl_vit-h with SDXL, or empty the setting "
            "IP-Adapter: the style picture is seen without one, too.",
            path=str(path),
        )


class MissingImageEncoder(BadInput):
    """An IP-Adapter whose CLIP vision network is nowhere."""

    code = "missing-image-encoder"

    def __init__(self, path: Path, width: int, places: Sequence[Path]) -> None:
        where = ", ".join(map(str, places)) or "any folder beside it"
        super().__init__(
            f"The image encoder of {path.name}, a CLIP vision network of width {width}, isn't in {where}.",
            "Put it (for the usual adapters CLIP-ViT-H-14) into the folder clip_vision or image_encoder, or name its "
            "file in the setting Image encoder.",
            path=str(path),
            width=width,
        )


@dataclass(frozen=True)
class AdapterFiles:
    """An adapter's file, and its image encoder's: a file, or a folder with config.json."""

    adapter: Path
    encoder: Path


def adapter_files(name: str, encoder: str = "") -> AdapterFiles:
    """The adapter of this name or path, and the image encoder that is named or found.

    Raises MissingCheckpoint, UnusableAdapter, MissingImageEncoder, UnreadableCheckpoint, ForeignPickle.
    """
    path = find_file(name)
    shapes = read_shapes(path) if path.is_file() else {}
    if PROJECTION not in shapes or "ip_adapter.1.to_k_ip.weight" not in shapes:
        kin = any(part.startswith(("image_proj.", "ip_adapter.")) for part in shapes)
        raise UnusableAdapter(path, "it is a Plus, face or full-face one" if kin else "it holds something else")
    width = shapes[PROJECTION][1]
    if encoder:
        given = find_file(encoder)
        if _width(given) != width:
            raise UnusableAdapter(path, f"{given.name} is no CLIP vision network of width {width}")
        return AdapterFiles(path, given)
    places = [place for place in _places(path) if place.is_dir()]
    for place in places:
        for one in _candidates(place):
            with suppress(BadInput, OSError):
                if _width(one) == width:
                    return AdapterFiles(path, one)
    raise MissingImageEncoder(path, width, places)


def _places(adapter: Path) -> Iterator[Path]:
    for above in (adapter.parent, adapter.parent.parent, *models_roots()):
        yield from (above / folder for folder in ENCODER_FOLDERS)


def _candidates(place: Path) -> Iterator[Path]:
    if (place / "config.json").is_file():
        yield place
    for path in sorted(place.iterdir()):
        if (path.suffix in ENDINGS and not (place / "config.json").is_file()) or (path / "config.json").is_file():
            yield path


def _width(encoder: Path) -> int:
    """What width of embeddings a CLIP vision network makes; 0 for something else."""
    shapes: Shapes = {}
    for file in sorted(encoder.iterdir()) if encoder.is_dir() else [encoder]:
        if file.suffix in ENDINGS:
            shapes |= read_shapes(file)
    return shapes[SEEN_AS][0] if SEEN_AS in shapes and "vision_model.embeddings.class_embedding" in shapes else 0
