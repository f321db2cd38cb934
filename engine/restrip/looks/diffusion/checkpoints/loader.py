"""The one file that knows diffusers and transformers: builds the networks of a checkpoint, without any network call."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Before the first import of either: nothing here ever asks a hub, and nothing phones home.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import accelerate  # noqa: F401  Without it diffusers fills weights that a file lacks with noise, and says nothing.
import diffusers
import torch
import transformers

from restrip.looks.diffusion.checkpoints.family_detection import FAMILIES, MissingPart, UnknownFamily, read_json
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.checkpoints.headers import UnreadableCheckpoint
from restrip.looks.diffusion.checkpoints.safe_weights import Weights, from_open_clip, part, read_weights, tidied
from restrip.looks.diffusion.conditioning.text_encoders import TextEncoder
from restrip.looks.diffusion.conditioning.tokenizer import Tokenizer, clip_tokenizer, read_tokenizer
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.precision import cast
from restrip.looks.diffusion.sampling.schedules import Schedule

CONFIGS = Path(__file__).parents[1] / "configs"

OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}

VAE_CLASSES = ("AutoencoderKL", "AutoencoderTiny")


def open_model(
    checkpoint: Checkpoint, *, vae: Path | None = None, dtype: torch.dtype = torch.float32, configs: Path | None = None
) -> Model:
    """The networks of a checkpoint on the CPU: the UNet in `dtype`, the others in float32.

    `vae` is a file or folder to use instead of the checkpoint's own, `configs` a folder like CONFIGS.

    Raises UnreadableCheckpoint, ForeignPickle, MissingPart, UnknownFamily.
    """
    configs = configs or CONFIGS
    with _quiet():
        model = _from_folder(checkpoint) if checkpoint.is_folder else _from_file(checkpoint, configs)
        cast(model.unet, dtype)
        if vae is not None:
            model.vae = open_vae(vae, configs / checkpoint.family)
    if model.vae is None:
        raise MissingPart(checkpoint.path, "VAE")
    for module in (model.unet, model.vae, *(encoder.module for encoder in model.encoders)):
        module.eval().requires_grad_(False)
    return model


def open_controlnet(path: Path, unet_config: Any, dtype: torch.dtype) -> Any:
    """A ControlNet from a diffusers folder, or a single file for a UNet of that configuration.

    Raises UnknownFamily, MissingPart, UnreadableCheckpoint, ForeignPickle.
    """
    with _quiet():
        if path.is_dir():
            config = read_json(path / "config.json", path)
            if config.get("_class_name") != "ControlNetModel":
                raise UnknownFamily(path, f"it is a {config.get('_class_name')}, no ControlNet")
            module = _saved(diffusers.ControlNetModel, path.parent, path.name)
        else:
            with tempfile.TemporaryDirectory() as folder:
                config_file = Path(folder) / "controlnet" / "config.json"
                config_file.parent.mkdir()
                config_file.write_text(json.dumps(_control_config(unet_config)), "utf-8")
                module = _converted(diffusers.ControlNetModel, path, read_weights(path), config_file.parent)
    return cast(module, dtype).eval().requires_grad_(False)


def _control_config(unet: Any) -> dict[str, Any]:
    """The ControlNet of a UNet, as its authors made them (Zhang et al. 2023): a copy of its first half."""
    names = (
        "act_fn", "attention_head_dim", "block_out_channels", "cross_attention_dim", "down_block_types",
        "downsample_padding", "flip_sin_to_cos", "freq_shift", "layers_per_block", "mid_block_scale_factor", "norm_eps",
        "norm_num_groups", "transformer_layers_per_block", "use_linear_projection", "addition_embed_type",
        "addition_time_embed_dim", "projection_class_embeddings_input_dim", "num_attention_heads",
    )  # fmt: skip
    config = {name: unet[name] for name in names if name in unet}
    return {"_class_name": "ControlNetModel", "in_channels": 4, **config}


def _from_folder(checkpoint: Checkpoint) -> Model:
    folder = checkpoint.path
    schedule = read_json(folder / "scheduler" / "scheduler_config.json", folder)
    numbers = [""] + ["_2"] * (folder / "text_encoder_2").is_dir()
    return Model(
        name=checkpoint.name,
        family=FAMILIES[checkpoint.family],
        unet=_saved(diffusers.UNet2DConditionModel, folder, "unet"),
        vae=open_vae(folder / "vae", folder) if (folder / "vae").is_dir() else None,
        encoders=tuple(_folder_encoder(folder, number, checkpoint.family) for number in numbers),
        schedule=Schedule(schedule.get("beta_start", 0.00085), schedule.get("beta_end", 0.012)),
        prediction=schedule.get("prediction_type", "epsilon"),
    )


def _folder_encoder(folder: Path, number: str, family: str) -> TextEncoder:
    xl = family.startswith("sdxl")
    kind = transformers.CLIPTextModelWithProjection if number else transformers.CLIPTextModel
    try:
        tokenizer = read_tokenizer(folder / f"tokenizer{number}")
    except (OSError, ValueError, KeyError) as error:
        raise MissingPart(folder, f"readable tokenizer{number}") from error
    return TextEncoder(_saved(kind, folder, f"text_encoder{number}"), tokenizer, penultimate=xl, projected=bool(number))


def _saved(kind: Any, folder: Path, name: str) -> Any:
    """A network saved by diffusers or transformers, in any of the usual file names."""
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


def _from_file(checkpoint: Checkpoint, configs: Path) -> Model:
    folder = configs / checkpoint.family
    weights = tidied(read_weights(checkpoint.path))
    has_vae = any(name.startswith("first_stage_model.") for name in weights)
    schedule = read_json(folder / "scheduler" / "scheduler_config.json", folder)
    return Model(
        name=checkpoint.name,
        family=FAMILIES[checkpoint.family],
        unet=_converted(diffusers.UNet2DConditionModel, checkpoint.path, weights, folder / "unet"),
        vae=_converted(diffusers.AutoencoderKL, checkpoint.path, weights, folder / "vae") if has_vae else None,
        encoders=_file_encoders(checkpoint, weights, folder),
        schedule=Schedule(schedule["beta_start"], schedule["beta_end"]),
        # Files say so by an empty tensor of this name.
        prediction="v_prediction" if "v_pred" in weights else "epsilon",
    )


def _file_encoders(checkpoint: Checkpoint, weights: Weights, folder: Path) -> tuple[TextEncoder, ...]:
    path = checkpoint.path
    if not checkpoint.family.startswith("sdxl"):
        clip = part(weights, "cond_stage_model.transformer.")
        return (TextEncoder(_clip(path, clip, folder / "text_encoder", False), _tokenizer(folder)),)
    first = part(weights, "conditioner.embedders.0.transformer.")
    second = from_open_clip(part(weights, "conditioner.embedders.1.model."))
    return (
        TextEncoder(_clip(path, first, folder / "text_encoder", False), _tokenizer(folder), penultimate=True),
        TextEncoder(
            _clip(path, second, folder / "text_encoder_2", True),
            _tokenizer(folder, "_2"),
            penultimate=True,
            projected=True,
        ),
    )


def _tokenizer(folder: Path, number: str = "") -> Tokenizer:
    """CLIP's, unless the configs bring another one."""
    own = folder / f"tokenizer{number}"
    return read_tokenizer(own) if own.is_dir() else clip_tokenizer(*["!"] * bool(number))


def _clip(path: Path, weights: Weights, config: Path, projected: bool) -> Any:
    """A CLIP text model from weights named as transformers before 5 does."""
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


def _converted(kind: Any, path: Path, weights: Weights, config: Path) -> Any:
    """A UNet, VAE or ControlNet from the original layout, by diffusers' tables of names."""
    try:
        module = kind.from_single_file(dict(weights), config=str(config), local_files_only=True)
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
        return _saved(getattr(diffusers, kind), path.parent, path.name)
    weights = read_weights(path)
    own = part(weights, "first_stage_model.") or weights
    if any(name.startswith(("encoder.down_blocks.", "decoder.up_blocks.")) for name in own):
        return _vae_of_diffusers(path, own, family_configs / "vae")
    return _converted(diffusers.AutoencoderKL, path, {f"first_stage_model.{n}": v for n, v in own.items()},
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


@contextmanager
def _quiet() -> Iterator[None]:
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
