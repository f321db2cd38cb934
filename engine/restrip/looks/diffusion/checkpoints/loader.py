"""The one file that knows diffusers' and transformers' networks: builds them of files, without any network call."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Before the first import of either: nothing here ever asks a hub, and nothing phones home.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import accelerate  # Without it diffusers fills weights that a file lacks with noise, and says nothing.
import diffusers
import torch
import transformers
from diffusers.models.modeling_utils import no_init_weights

from restrip.looks.diffusion.backbones.flux2 import vae_layout
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily, read_json
from restrip.looks.diffusion.checkpoints.weights.gguf_header import read_gguf_header
from restrip.looks.diffusion.checkpoints.weights.headers import UnreadableCheckpoint
from restrip.looks.diffusion.checkpoints.weights.safe_weights import Weights, part, read_weights

CONFIGS = Path(__file__).parents[1] / "configs"

FLUX2_VAE = "AutoencoderKLFlux2"

OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}

VAE_CLASSES = ("AutoencoderKL", "AutoencoderTiny", FLUX2_VAE)


def _kind(name: str) -> Any:
    return getattr(diffusers, name, None) or getattr(transformers, name)


def saved(kind_name: str, folder: Path, name: str) -> Any:
    """A network of that class of diffusers or transformers as it was saved in a folder, by any of the usual file names.

    Raises MissingPart, UnreadableCheckpoint.
    """
    kind = _kind(kind_name)
    options: dict[str, Any] = {"local_files_only": True, "torch_dtype": torch.float32}
    if issubclass(kind, transformers.PreTrainedModel):
        options["dtype"] = options.pop("torch_dtype")
    files = [path.name for path in (folder / name).glob("*") if path.suffix in (".safetensors", ".bin")]
    if not files:
        raise MissingPart(folder, f"weights in {name}")
    if all(".fp16." in file for file in files):
        options["variant"] = "fp16"
    options["use_safetensors"] = any(file.endswith(".safetensors") for file in files)
    try:
        return kind.from_pretrained(str(folder / name), **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise UnreadableCheckpoint(folder / name, str(error).split("\n")[0][:200]) from error


def empty(kind_name: str, config: Mapping[str, Any]) -> Any:
    """A network of that class of diffusers or transformers, its parameters without memory, to be filled.

    Raises what its class raises for a config that doesn't fit: TypeError, ValueError, AssertionError.
    """
    kind = _kind(kind_name)
    values = {name: value for name, value in config.items() if not name.startswith("_")}
    with no_init_weights(), accelerate.init_empty_weights(include_buffers=False):
        if issubclass(kind, transformers.PreTrainedModel):
            return kind(kind.config_class(**values))
        return kind.from_config(values)


def qwen_tokenizer(place: Path) -> Any:
    """Qwen's tokenizer from a folder with tokenizer.json, or vocab.json and merges.txt, or out of a GGUF file.

    Raises OSError, ValueError, KeyError, BadGguf.
    """
    if place.is_dir():
        return transformers.Qwen2Tokenizer.from_pretrained(str(place), local_files_only=True)
    told = read_gguf_header(place, lists=True).values
    words = {word: number for number, word in enumerate(told["tokenizer.ggml.tokens"])}
    merges = [(first, second) for first, _, second in (pair.partition(" ") for pair in told["tokenizer.ggml.merges"])]
    unknown = next((pair for pair in merges if not {*pair, "".join(pair)} <= words.keys()), None)
    if unknown is not None:
        raise ValueError(f"its words lack {unknown}")
    return transformers.Qwen2Tokenizer(vocab=words, merges=merges)


def clip_text(path: Path, weights: Weights, config: Path, *, projected: bool) -> Any:
    """A CLIP text model from weights named as transformers before 5 does; `path` is named in errors.

    Raises MissingPart, UnknownFamily.
    """
    if not weights:
        raise MissingPart(path, "text encoder")
    values = json.loads((config / "config.json").read_text("utf-8"))
    kind = transformers.CLIPTextModelWithProjection if projected else transformers.CLIPTextModel
    module = kind(transformers.CLIPTextConfig(**values))
    wanted = module.state_dict()
    if not any(name.startswith("text_model.") for name in wanted):
        weights = {name.removeprefix("text_model."): value for name, value in weights.items()}
    _check(path, "text encoder", wanted, weights)
    module.load_state_dict({name: weights[name].float() for name in wanted if name in weights}, strict=False)
    return module.float()


def converted(kind_name: str, path: Path, weights: Weights, config: Path) -> Any:
    """A network of that class of diffusers from the original layout, by diffusers' tables of names.

    Raises MissingPart, UnknownFamily.
    """
    try:
        module = _kind(kind_name).from_single_file(dict(weights), config=str(config), local_files_only=True)
    except NotImplementedError as error:  # weights that no file filled have no data to move
        raise MissingPart(path, f"complete {config.name}") from error
    except (RuntimeError, ValueError, KeyError, IndexError, AttributeError, OSError) as error:
        raise UnknownFamily(path, f"its {config.name} doesn't fit ({str(error).splitlines()[0][:160]})") from error
    if any(parameter.is_meta for parameter in module.parameters()):
        raise MissingPart(path, f"complete {config.name}")
    return module.float()


def _check(path: Path, what: str, wanted: Weights, given: Weights) -> None:
    """Raises MissingPart when weights are missing, UnknownFamily when they have other shapes."""
    missing = [name for name in wanted if name not in given and not name.endswith("position_ids")]
    if missing:
        raise MissingPart(path, f"complete {what} ({missing[0]} and {len(missing) - 1} more are missing)")
    for name, value in wanted.items():
        if name in given and given[name].shape != value.shape:
            raise UnknownFamily(path, f"its {what} has another shape")


def open_vae(path: Path, family_configs: Path) -> Any:
    """A VAE from a folder (AutoencoderKL or AutoencoderTiny) or a single file of a checkpoint's or a VAE's weights."""
    if path.is_dir():
        config = read_json(path / "config.json", path)
        kind = config.get("_class_name")
        if kind not in VAE_CLASSES:
            raise UnknownFamily(path, f"it is a {kind}, no VAE")
        return saved(kind, path.parent, path.name)
    weights = read_weights(path)
    if vae_layout.is_vae({name: tuple(value.shape) for name, value in weights.items()}):
        return _flux2_vae(path, weights)
    own = part(weights, "first_stage_model.") or weights
    if any(name.startswith(("encoder.down_blocks.", "decoder.up_blocks.")) for name in own):
        return _vae_of_diffusers(path, own, family_configs / "vae")
    return converted("AutoencoderKL", path, {f"first_stage_model.{n}": v for n, v in own.items()},
                      family_configs / "vae")  # fmt: skip


def _vae_of_diffusers(path: Path, weights: Weights, config: Path) -> Any:
    """A VAE from one file whose weights are named as in a diffusers folder, today or before version 0.17."""
    for name in list(weights):
        for old, new in OLD_ATTENTION.items():
            if f".attentions.0.{old}." in name:
                weights[name.replace(f".{old}.", f".{new}.")] = weights.pop(name)
    module = diffusers.AutoencoderKL.from_config(diffusers.AutoencoderKL.load_config(str(config)))
    wanted = module.state_dict()
    weights = {
        name: value.reshape(wanted[name].shape)
        if name in wanted and value.numel() == wanted[name].numel() and ".attentions." in name
        else value
        for name, value in weights.items()
    }
    _check(path, "VAE", wanted, weights)
    module.load_state_dict({name: weights[name].float() for name in wanted})
    return module.float()


def _flux2_vae(path: Path, weights: Weights) -> Any:
    """FLUX.2's VAE from one file, as the original code or diffusers names its weights."""
    prefix, blocks = vae_layout.prefix_of(weights) or "", vae_layout.blocks_of(weights)
    own = {vae_layout.diffusers_name(name, blocks): value for name, value in part(weights, prefix).items()}
    for name, value in own.items():
        if ".attentions.0." in name and value.dim() == 4:  # a convolution of one pixel in the original code
            own[name] = value[..., 0, 0]
    usual = read_json(CONFIGS / "flux2" / "vae" / "config.json", CONFIGS)
    try:
        values = vae_layout.config_of({name: tuple(value.shape) for name, value in own.items()}, usual)
    except KeyError as error:
        raise MissingPart(path, f"complete VAE ({error.args[0]} is missing)") from error
    module = _kind(FLUX2_VAE).from_config(values)
    wanted = module.state_dict()
    _check(path, "VAE", {name: value for name, value in wanted.items() if not name.endswith("_tracked")}, own)
    module.load_state_dict({name: own[name] if name.endswith("_tracked") else own[name].float() for name in wanted
                            if name in own}, strict=False)  # fmt: skip
    return module.float()


@contextmanager
def with_config(name: str, config: dict[str, Any]) -> Iterator[Path]:
    """A folder `name` with a network's config, while this holds."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / name
        place.mkdir()
        (place / "config.json").write_text(json.dumps(config), "utf-8")
        yield place


@contextmanager
def quiet() -> Iterator[None]:
    """Loading without progress bars and advice on the terminal: the engine's log is for its own words."""
    levels = diffusers.logging.get_verbosity(), transformers.logging.get_verbosity()
    diffusers.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    diffusers.logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        diffusers.logging.set_verbosity(levels[0])
        transformers.logging.set_verbosity(levels[1])
