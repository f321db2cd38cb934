"""Checkpoints on disk: finding them by name, listing a models folder, and their hashes. Without torch."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from restrip.client.discovery import state_dir
from restrip.errors import BadInput
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints import hub
from restrip.looks.diffusion.checkpoints.companions import Companions, companions_of
from restrip.looks.diffusion.checkpoints.family_detection import (
    LoneUnet,
    UnknownFamily,
    family_of_folder,
    family_of_shapes,
)
from restrip.looks.diffusion.checkpoints.folder_walk import FolderUnsearchable, walk
from restrip.looks.diffusion.checkpoints.lora_kinds import check_kinds
from restrip.looks.diffusion.checkpoints.weights.headers import (
    ForeignPickle,
    UnreadableCheckpoint,
    read_metadata,
    read_shapes,
)
from restrip.media.content import HashBook
from restrip.media.files import open_regular

SUFFIXES = (".safetensors", ".gguf", ".ckpt", ".pt", ".pth", ".bin")
TINY = Path(__file__).parents[3] / "data" / "tiny-sd"

# Folders under an A1111 or a ComfyUI folder (or its "models") in which a bare name is looked for.
MODEL_FOLDERS = (
    "",
    "Stable-diffusion",
    "checkpoints",
    "diffusers",
    "diffusion_models",
    "unet",
    "text_encoders",
    "clip",
    "Lora",
    "loras",
    "VAE",
    "vae",
    "vae_approx",
    "ControlNet",
    "controlnet",
)


LORA_FOLDERS = ("Lora", "loras")
NO_MODELS = frozenset(
    {"venv", "env", "node_modules", "repositories", "extensions", "custom_nodes", "outputs", "output"}
)
MOST_DEEP = 5
LONE_UNET = re.compile(r"unknown \((the UNet of .* alone)\)")


class MissingCheckpoint(BadInput):
    """A model that isn't where its name says."""

    code = "missing-checkpoint"

    def __init__(self, name: str, places: Sequence[Path]) -> None:
        where = f" in {', '.join(map(str, places))}" if places else ""
        super().__init__(
            f"There is no model {name!r}{where}.",
            "Give the whole path of the file or diffusers folder, or set RESTRIP_MODELS to your models folder.",
            name=name,
        )


@dataclass(frozen=True)
class Checkpoint:
    """A model on disk: a weights file, or a diffusers folder. `family` is one of FAMILIES, or "unknown ...".

    `beside` are the files that a transformer's file needs, see companions.py.
    """

    path: Path
    family: str
    name: str
    beside: Companions = field(default_factory=Companions)

    @property
    def is_folder(self) -> bool:
        """Whether this is a diffusers folder."""
        return self.path.is_dir()

    def files(self) -> list[Path]:
        """The files that decide the model: one, or a folder's weights and configs."""
        if not self.is_folder:
            return [self.path]
        parts = [path for path in sorted(self.path.rglob("*")) if path.suffix in (*SUFFIXES, ".json")]
        return [path for path in parts if path.is_file()]


def models_folders() -> list[Path]:
    """Where bare names are looked for: RESTRIP_MODELS, as PATH is written, with the usual folders under each."""
    return [root / folder for root in models_roots() for folder in MODEL_FOLDERS if (root / folder).is_dir()]


def models_roots() -> list[Path]:
    """The folders of RESTRIP_MODELS, and the "models" in them."""
    roots = [Path(os.path.expanduser(root)) for root in os.environ.get("RESTRIP_MODELS", "").split(os.pathsep) if root]
    return [*roots, *(root / "models" for root in roots if (root / "models").is_dir())]


def find_file(name: str) -> Path:
    """The file or folder that `name` means: a path, or a name (with or without its ending) in a models folder.

    Raises MissingCheckpoint, MediaUnreadable for a device or a pipe.
    """
    path = _path(name)
    if _exists(path):
        return _readable(path)
    places = [] if path.is_absolute() else models_folders()
    for place in places:
        for candidate in (place / name, *(place / f"{name}{suffix}" for suffix in SUFFIXES)):
            if _exists(candidate):
                return _readable(candidate)
    if places and name.strip() and not re.search(r"[/\\]", name):
        found = _in_subfolders(name, places) or _by_alias(name, places)
        if found is not None:
            return _readable(found)
    raise MissingCheckpoint(name, places)


def _in_subfolders(name: str, places: Sequence[Path]) -> Path | None:
    """A file of this name, with or without its ending, anywhere below; of several the least deep, then the first."""
    wanted = {name, *(f"{name}{suffix}" for suffix in SUFFIXES)}
    found = {path.resolve(): path for path in below(places) if path.name in wanted}
    return min(found.values(), key=lambda path: (len(path.parts), str(path)), default=None)


def _by_alias(name: str, places: Sequence[Path]) -> Path | None:
    """The LoRA whose training gave it this name, which A1111 writes into prompts whatever the file is called."""
    for path in sorted(below([place for place in places if place.name in LORA_FOLDERS])):
        if path.suffix == ".safetensors":
            with suppress(UnreadableCheckpoint):
                if read_metadata(path).get("ss_output_name") == name:
                    return path
    return None


def below(places: Sequence[Path]) -> Iterator[Path]:
    """The models' files in these folders and, a few folders deep, below them."""
    for place in places:
        with suppress(FolderUnsearchable):  # Another of them may have what is looked for.
            for here, folders, files in walk(place):
                deep = len(Path(here).relative_to(place).parts) < MOST_DEEP
                folders[:] = sorted(f for f in folders if deep and not f.startswith(".") and f not in NO_MODELS)
                yield from (Path(here) / file for file in files if Path(file).suffix in SUFFIXES)


def _path(name: str) -> Path:
    return Path(os.path.expanduser(name))


def _readable(path: Path) -> Path:
    """The whole path of a folder, or of a file that doesn't keep its reader waiting. Raises MediaUnreadable."""
    if not path.is_dir():
        with suppress(OSError):  # Reading it says what is wrong.
            open_regular(path).close()
    return path.absolute()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def find_checkpoint(name: str) -> Checkpoint:
    """The checkpoint that follows "sd:" in a look's name: a path, a name in a models folder, "hub:owner/name" for one
    that was fetched before, or "tiny", the one that ships with Restrip.

    Raises MissingCheckpoint, NotDownloaded, NoHubName, UnknownFamily, LoneUnet, MissingPart, UnreadableCheckpoint,
    ForeignPickle, BadGguf.
    """
    if name.startswith(hub.PREFIX):
        path = hub.find(name.removeprefix(hub.PREFIX), hub_folder())
    else:
        path = TINY if name == "tiny" else find_file(name)
    checkpoint = Checkpoint(path, family_of(path), "tiny" if name == "tiny" else path.stem)
    known = FAMILIES.get(checkpoint.family)
    if known is None and (alone := LONE_UNET.fullmatch(checkpoint.family)):
        raise LoneUnet(path, alone[1])
    if known is None or not known.runnable:
        raise UnknownFamily(path, f"it is {known.label if known else checkpoint.family}")
    return checkpoint


def with_companions(checkpoint: Checkpoint, text_encoder: Path | None, vae: Path | None) -> Checkpoint:
    """The checkpoint with the files that belong to it; `text_encoder` and `vae` are those that settings name.

    Raises MissingTextEncoder, MissingTokenizer, MissingVae.
    """
    family = FAMILIES[checkpoint.family]
    if checkpoint.is_folder or family.wanted is None:
        return checkpoint
    wanted = family.wanted(read_shapes(checkpoint.path))
    roots = [*models_roots(), *([hub_folder()] if hub_folder().is_dir() else [])]
    found = companions_of(checkpoint.path, wanted, roots, text_encoder=text_encoder, vae_given=vae is not None)
    return replace(checkpoint, beside=found)


def family_of(path: Path) -> str:
    """The family of a file or folder. Raises UnknownFamily, MissingPart, UnreadableCheckpoint, ForeignPickle."""
    return family_of_folder(path) if path.is_dir() else family_of_shapes(read_shapes(path))


def list_models(folder: str | os.PathLike[str], on_file: Callable[[Path], None] | None = None) -> list[dict[str, str]]:
    """What a models folder holds: {name, family, hash, path} for each file and diffusers folder below it.

    Families that can't be used are listed with the reason in place of the family, files that can't be read too.
    `on_file` is told each file before its hash is made, which reads all of it once. Raises FolderUnsearchable.
    """
    book = CheckpointHashes()
    found = []
    for path in _candidates(Path(folder)):
        try:
            family = family_of(path)
            if family == "lora":
                check_kinds(path, read_shapes(path))
        except (UnreadableCheckpoint, ForeignPickle, UnknownFamily, BadInput) as error:
            found.append({"name": path.name, "family": error.code, "hash": "", "path": str(path)})
            continue
        if family == "unknown" and path.suffix not in (".safetensors", ".ckpt"):
            continue  # some other tool's file
        if on_file is not None:
            on_file(path)
        sha256 = book.of_checkpoint(Checkpoint(path, family, path.stem))
        found.append({"name": path.name, "family": family, "hash": sha256, "path": str(path)})
    return found


def _candidates(folder: Path) -> Iterator[Path]:
    for here, folders, files in walk(folder):
        folders.sort()
        if "model_index.json" in files:
            folders.clear()
            yield Path(here)
            continue
        yield from (Path(here) / name for name in sorted(files) if Path(name).suffix in SUFFIXES[:-1])


class CheckpointHashes(HashBook):
    """The hashes that tell checkpoints from each other; A1111 shows the first 10 digits of a file's."""

    def of_checkpoint(self, checkpoint: Checkpoint) -> str:
        """A file's sha256, or for a folder one that covers the hashes of its files: 64 hexadecimal digits."""
        files = checkpoint.files()
        if not checkpoint.is_folder:
            return self.of_file(files[0])
        lines = [f"{path.relative_to(checkpoint.path).as_posix()} {self.of_file(path)}\n" for path in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def hub_folder() -> Path:
    """Where models from the hub are kept."""
    return state_dir() / "models"
