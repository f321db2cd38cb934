"""Small models with random weights, as folders and in the original single-file layout, and frames to try them on."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import diffusers
import numpy as np
import pytest
import safetensors.torch
import torch
import transformers

from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.checkpoints.finding import TINY
from restrip.looks.diffusion.runtime import model_cache
from restrip.media.frame import Frame

sys.path.insert(0, str(Path(__file__).parent))
from original_vae import original_vae, vae_weights

torch.set_num_threads(1)
cv2.setNumThreads(1)
transformers.logging.disable_progress_bar()

WIDTH = 32  # of prompts' embeddings


@dataclass(frozen=True)
class Small:
    """A small random model: its networks, and a folder of configs for single files of its family."""

    family: str
    unet: Any
    vae: Any
    texts: tuple[Any, ...]
    configs: Path

    def save_folder(self, folder: Path) -> Path:
        """As diffusers saves a pipeline."""
        parts: dict[str, Any] = {"unet": self.unet, "vae": self.vae}
        for number, text in zip(("", "_2"), self.texts, strict=False):
            parts[f"text_encoder{number}"] = text
            shutil.copytree(self.configs / self.family / f"tokenizer{number}", folder / f"tokenizer{number}")
        for name, module in parts.items():
            module.save_pretrained(folder / name)
        shutil.copytree(self.configs / self.family / "scheduler", folder / "scheduler")
        index = {"_class_name": "StableDiffusionPipeline", **{name: ["diffusers", "X"] for name in parts}}
        (folder / "model_index.json").write_text(json.dumps(index))
        return folder

    def original(self) -> dict[str, torch.Tensor]:
        """The weights by the names of the original code."""
        names = {f"model.diffusion_model.{original_unet(k, self.unet)}": v for k, v in self.unet.state_dict().items()}
        names |= {f"first_stage_model.{original_vae(k, self.vae)}": v for k, v in vae_weights(self.vae).items()}
        first = {f"text_model.{k.removeprefix('text_model.')}": v for k, v in self.texts[0].state_dict().items()}
        if self.family.startswith("sd2"):
            return names | {f"cond_stage_model.model.{k}": v for k, v in open_clip(self.texts[0], more=1).items()}
        if len(self.texts) == 1:
            return names | {f"cond_stage_model.transformer.{k}": v for k, v in first.items()}
        names |= {f"conditioner.embedders.0.transformer.{k}": v for k, v in first.items()}
        return names | {f"conditioner.embedders.1.model.{k}": v for k, v in open_clip(self.texts[1]).items()}

    def save_file(self, path: Path) -> Path:
        """As a single .safetensors or .ckpt file."""
        weights = {name: value.clone().contiguous() for name, value in self.original().items()}
        if path.suffix == ".safetensors":
            safetensors.torch.save_file(weights, path)
        else:
            torch.save({"state_dict": weights, "global_step": 7}, path)
        return path


def original_unet(name: str, unet: Any) -> str:
    """down_blocks.0.resnets.0.conv1.weight -> input_blocks.1.0.in_layers.2.weight, and so on."""
    per_block = unet.config.layers_per_block + 1
    for new, old in {
        "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
        "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
        "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
        "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
        "mid_block.resnets.1": "middle_block.2",
    }.items():  # fmt: skip
        if name.startswith(new + "."):
            return old + resnet(name.removeprefix(new))
    side, block, kind, layer, rest = name.split(".", 4)
    first = int(block) * per_block
    if side == "down_blocks":
        if kind == "downsamplers":
            return f"input_blocks.{first + per_block}.0.op.{rest.removeprefix('conv.')}"
        return f"input_blocks.{first + 1 + int(layer)}.{0 if kind == 'resnets' else 1}" + resnet("." + rest)
    if kind == "upsamplers":
        attentive = hasattr(unet.up_blocks[int(block)], "attentions")
        return f"output_blocks.{first + per_block - 1}.{2 if attentive else 1}.{rest}"
    return f"output_blocks.{first + int(layer)}.{0 if kind == 'resnets' else 1}" + resnet("." + rest)


def resnet(rest: str) -> str:
    for new, old in {
        ".norm1.": ".in_layers.0.", ".conv1.": ".in_layers.2.", ".time_emb_proj.": ".emb_layers.1.",
        ".norm2.": ".out_layers.0.", ".conv2.": ".out_layers.3.", ".conv_shortcut.": ".skip_connection.",
    }.items():  # fmt: skip
        if rest.startswith(new):
            return old + rest.removeprefix(new)
    return rest


def open_clip(text: Any, more: int = 0) -> dict[str, torch.Tensor]:
    """A CLIP text model by OpenCLIP's names, with queries, keys and values in one, and `more` layers that go unused."""
    weights = {k.removeprefix("text_model."): v for k, v in text.state_dict().items()}
    out = {
        "token_embedding.weight": weights["embeddings.token_embedding.weight"],
        "positional_embedding": weights["embeddings.position_embedding.weight"],
        "ln_final.weight": weights["final_layer_norm.weight"],
        "ln_final.bias": weights["final_layer_norm.bias"],
        "text_projection": text.text_projection.weight.T if hasattr(text, "text_projection") else torch.ones(2, 2),
        "logit_scale": torch.ones(()),
    }
    for m in range(text.config.num_hidden_layers + more):
        n = min(m, text.config.num_hidden_layers - 1)
        layer, block = f"encoder.layers.{n}.", f"transformer.resblocks.{m}."
        for end in ("weight", "bias"):
            out[f"{block}attn.in_proj_{end}"] = torch.cat([weights[f"{layer}self_attn.{x}_proj.{end}"] for x in "qkv"])
            for new, old in (
                ("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"),
                ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
            ):  # fmt: skip
                out[f"{block}{old}.{end}"] = weights[f"{layer}{new}.{end}"]
    return out


def build(family: str, configs: Path) -> Small:
    """A random model of a family, and its configs below `configs`."""
    xl, channels = family.startswith("sdxl"), 9 if family.endswith("inpaint") else 4
    torch.manual_seed(3)
    more: dict[str, Any] = {}
    if xl:
        more = {
            "addition_embed_type": "text_time", "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": WIDTH + 6 * 8, "use_linear_projection": True,
            "transformer_layers_per_block": [1, 2],
        }  # fmt: skip
    if family.startswith("sd2"):
        more = {"use_linear_projection": True}
    unet = diffusers.UNet2DConditionModel(
        sample_size=16, in_channels=channels, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D" if xl else "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D" if xl else "CrossAttnUpBlock2D"),
        cross_attention_dim=2 * WIDTH if xl else WIDTH, attention_head_dim=4, **more,
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 16), down_block_types=("DownEncoderBlock2D",) * 3, norm_num_groups=4,
        up_block_types=("UpDecoderBlock2D",) * 3, latent_channels=4, layers_per_block=1, sample_size=64,
        scaling_factor=0.5,
    )  # fmt: skip
    values = {
        "vocab_size": 642, "hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 32, "projection_dim": WIDTH,
        "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1,
    }  # fmt: skip
    config = transformers.CLIPTextConfig(**values)
    texts: tuple[Any, ...] = (transformers.CLIPTextModel(config),)
    if xl:
        texts += (transformers.CLIPTextModelWithProjection(config),)
    folder = configs / family
    for name, module in {"unet": unet, "vae": vae, "text_encoder": texts[0], "text_encoder_2": texts[-1]}.items():
        module.eval().requires_grad_(False)
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(
            json.dumps(values if name.startswith("text") else {**module.config, "_class_name": type(module).__name__})
        )
    shutil.copytree(loader.CONFIGS / family / "scheduler", folder / "scheduler")
    for number in ("", "_2"):
        shutil.copytree(TINY / "tokenizer", folder / f"tokenizer{number}")
    (folder / "tokenizer_2" / "tokenizer_config.json").write_text('{"pad_token": "!"}')
    return Small(family, unet, vae, texts, configs)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """small("sdxl") builds a random model of that family, once."""
    made: dict[str, Small] = {}

    def get(family: str) -> Small:
        if family not in made:
            made[family] = build(family, tmp_path_factory.mktemp("configs"))
        return made[family]

    return get


@pytest.fixture
def small_file(small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """small_file("sdxl") is the path of a single file of a small model, which the look can open."""

    def get(family: str = "sd15", name: str = "model.safetensors") -> Path:
        model = small(family)
        monkeypatch.setattr(loader, "CONFIGS", model.configs)
        return model.save_file(tmp_path / name)

    yield get
    model_cache.unload()


@pytest.fixture
def picture() -> Frame:
    """A lively frame of 64x48."""
    y, x = np.mgrid[0:48, 0:64]
    rgb = np.stack([x * 4, y * 5, 128 + 100 * np.sin(x / 5) * np.cos(y / 4)], axis=-1)
    rgb[10:30, 20:40] = (230, 60, 40)
    return Frame(rgb.clip(0, 255).astype(np.uint8))


@pytest.fixture
def moved(picture: Frame) -> Any:
    """moved(n) is the lively frame, n pixels further right."""
    return lambda n: Frame(np.ascontiguousarray(np.roll(picture.rgb, n, axis=1)))


@pytest.fixture
def silent() -> Any:
    """A report that keeps what it is told."""
    told: list[tuple[int, int]] = []

    def report(done: int, total: int, note: str = "") -> None:
        told.append((done, total))

    return SimpleNamespace(report=report, told=told)
