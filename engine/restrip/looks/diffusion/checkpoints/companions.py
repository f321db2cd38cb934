"""The files that belong to a transformer in a file of its own: text encoder, its tokenizer, VAE. Without torch.

    ComfyUI/models/diffusion_models/z_image_turbo_bf16.safetensors      the transformer
    ComfyUI/models/text_encoders/qwen_3_4b.safetensors                  found by the width of its embeddings
    ComfyUI/models/vae/ae.safetensors                                   found by its latents' channels
    ComfyUI/comfy/text_encoders/qwen25_tokenizer/                       ComfyUI brings the tokenizer along

They are looked for beside the file, in the folders beside its own, and under RESTRIP_MODELS.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints.weights.gguf_header import read_gguf_header
from restrip.looks.diffusion.checkpoints.weights.headers import Shapes, read_shapes

ENDINGS = (".safetensors", ".gguf")
TEXT_FOLDERS = ("text_encoders", "clip", "text_encoder")
VAE_FOLDERS = ("vae", "VAE")
TOKENIZER_FOLDERS = (
    "tokenizer",
    "tokenizers",
    "text_encoders",
    "clip",
    "comfy/text_encoders",
    "../comfy/text_encoders",
)
TOKENIZER_FILES = ("tokenizer.json", "vocab.json")
MOST_FILES = 400

# The usual names of Qwen3's text encoders by the width of their embeddings.
QWENS = {2560: "qwen_3_4b", 4096: "qwen_3_8b"}


class MissingTextEncoder(BadInput):
    """A transformer's file, and its text encoder is nowhere."""

    code = "missing-text-encoder"

    def __init__(self, path: Path, width: int, places: Sequence[Path]) -> None:
        super().__init__(
            f"{path.name} is the transformer alone: its text encoder, a Qwen3 of width {width}, isn't in "
            f"{_listed(places)}.",
            f"Put it ({QWENS.get(width, 'qwen_3_4b')}.safetensors, or a GGUF of it) into the folder text_encoders "
            "beside, or name its file in the setting Text encoder.",
            path=str(path),
            width=width,
        )


class MissingTokenizer(BadInput):
    """A Qwen3 text encoder without the files of its tokenizer."""

    code = "missing-tokenizer"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The text encoder's tokenizer is missing: {why}.",
            "Put Qwen's tokenizer.json (or vocab.json and merges.txt) beside the text encoder, in a folder tokenizer "
            "there, or name your ComfyUI folder in RESTRIP_MODELS: it brings the tokenizer along.",
            path=str(path),
        )


class MissingVae(BadInput):
    """A transformer's file, and its VAE is nowhere."""

    code = "missing-vae"

    def __init__(self, path: Path, name: str, places: Sequence[Path]) -> None:
        super().__init__(
            f"{path.name} is the transformer alone: its VAE ({name}) isn't in {_listed(places)}.",
            f"Put {name} into the folder vae beside, or name its file in the setting VAE.",
            path=str(path),
        )


@dataclass(frozen=True)
class Wanted:
    """What a transformer's file needs beside it: a text encoder of this width, a VAE that `fits`, known as `vae_name`.

    `text_inside`, `vae_inside`: the file has its own.
    """

    text_width: int
    fits: Callable[[Shapes], bool]
    vae_name: str
    text_inside: bool = False
    vae_inside: bool = False


@dataclass(frozen=True)
class Companions:
    """The files or folders found; None where the checkpoint has its own, or a setting names another."""

    text_encoder: Path | None = None
    tokenizer: Path | None = None
    vae: Path | None = None

    def files(self) -> list[Path]:
        """Those whose content decides a picture: text encoder and VAE, a folder's one by one."""
        found = [path for path in (self.text_encoder, self.vae) if path is not None]
        return [file for path in found for file in (sorted(path.glob("*")) if path.is_dir() else [path])]


def companions_of(
    path: Path, wanted: Wanted, roots: Sequence[Path], *, text_encoder: Path | None = None, vae_given: bool = False
) -> Companions:
    """What belongs to the transformer in a file; `text_encoder` is a file or folder that a setting names, `roots` are
    models folders. Raises MissingTextEncoder, MissingTokenizer, MissingVae.
    """
    text = text_encoder
    if text is None and not wanted.text_inside:
        places = _places(path, roots, TEXT_FOLDERS)
        text = next((file for file in _files(places) if text_width(file) == wanted.text_width), None)
        if text is None:
            raise MissingTextEncoder(path, wanted.text_width, places)
    vae = None
    if not wanted.vae_inside and not vae_given:
        places = _places(path, roots, VAE_FOLDERS)
        fitting = [file for file in _files(places) if wanted.fits(_shapes(file))]
        # Other families' VAEs have the same shapes: the usual name comes first.
        vae = min(fitting, key=lambda file: (file.name != wanted.vae_name, _foreign(file.name)), default=None)
        if vae is None:
            raise MissingVae(path, wanted.vae_name, places)
    return Companions(text, tokenizer_of(text or path, roots), vae)


def tokenizer_of(path: Path, roots: Sequence[Path]) -> Path:
    """The folder of Qwen's tokenizer for a text encoder's file or folder; a GGUF file that holds its words is its own.

    Raises MissingTokenizer.
    """
    if path.suffix == ".gguf" and _holds_words(path):
        return path.absolute()
    own = path if path.is_dir() else path.parent
    near = [own, own / "tokenizer", own.parent / "tokenizer", path.with_suffix("")]
    for folder in near:
        if _has_tokenizer(folder):
            return folder.absolute()
    looked = [own.parent, *roots]
    for root in looked:
        for place in TOKENIZER_FOLDERS:
            folder = root / place
            for one in (folder, *_folders(folder)):
                if _has_tokenizer(one) and _is_qwen(one):
                    return Path(os.path.normpath(one.absolute()))
    raise MissingTokenizer(path, f"it isn't beside {path.name}, nor in {_listed(looked)}")


def text_width(path: Path) -> int | None:
    """The width of a Qwen3 text encoder's embeddings; None for other files."""
    shapes = _shapes(path)
    for name, shape in shapes.items():
        if name.endswith(("layers.0.self_attn.q_norm.weight", "blk.0.attn_q_norm.weight")):
            embedding = next(
                (s for n, s in shapes.items() if n.endswith(("embed_tokens.weight", "token_embd.weight"))), ()
            )
            return embedding[1] if len(embedding) == 2 and len(shape) == 1 else None
    return None


def vae_channels(shapes: Shapes) -> int | None:
    """The latents' channels of a VAE of the original or diffusers' names; None for other files."""
    for name in ("decoder.conv_in.weight", "first_stage_model.decoder.conv_in.weight", "vae.decoder.conv_in.weight"):
        if name in shapes and len(shapes[name]) == 4:
            return shapes[name][1]
    return None


def _foreign(name: str) -> bool:
    return any(word in name.lower() for word in ("sd3", "sd_3", "wan", "qwen"))


def _shapes(path: Path) -> Shapes:
    with suppress(BadInput, OSError):
        return read_shapes(path)
    return {}


def _places(path: Path, roots: Sequence[Path], folders: Sequence[str]) -> list[Path]:
    """The file's own folder, the folders beside it and one level up, and those of the models folders."""
    near = [path.parent, path.parent.parent, path.parent.parent.parent]
    found = [path.parent, *(root / folder for root in (*near, *roots) for folder in folders)]
    return [place for place in dict.fromkeys(found) if place.is_dir()]


def _files(places: Sequence[Path]) -> Iterator[Path]:
    """The weights' files in these folders and one level below, those of one folder by their names."""
    for place in places:
        inside = [place, *_folders(place)] if place.name in (*TEXT_FOLDERS, *VAE_FOLDERS) else [place]
        for folder in inside:
            with suppress(OSError):
                files = sorted(file for file in folder.iterdir() if file.suffix in ENDINGS and file.is_file())
                yield from (file.absolute() for file in files[:MOST_FILES])


def _folders(place: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder for folder in place.iterdir() if folder.is_dir())[:MOST_FILES]
    return []


def _holds_words(path: Path) -> bool:
    with suppress(BadInput, OSError):
        values = read_gguf_header(path).values
        return values.get("tokenizer.ggml.model") == "gpt2" and "tokenizer.ggml.merges" in values
    return False


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in TOKENIZER_FILES)


def _is_qwen(folder: Path) -> bool:
    """Whether a tokenizer's settings name Qwen's; without settings, whether its folder does."""
    with suppress(OSError, ValueError):
        told = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        return str(told.get("tokenizer_class", "")).startswith("Qwen2")
    return "qwen" in folder.name.lower()


def _listed(places: Sequence[Path]) -> str:
    return ", ".join(str(place) for place in places) or "its folder"
