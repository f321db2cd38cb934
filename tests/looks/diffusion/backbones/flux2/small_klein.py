"""A small random FLUX.2 klein: its networks as diffusers has them, its files in every layout, and a text conditioning
that needs no tokenizer.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.conditioning.text_encoders import Cond

sys.path.insert(0, str(Path(__file__).parents[1] / "z_image"))
from small_z_image import save, save_tokenizer

WORDS, WIDTH = 16, 96


def transformer(**more: Any) -> Any:
    torch.manual_seed(7)
    made = diffusers.Flux2Transformer2DModel(
        **{
            "in_channels": 16,
            "num_layers": 1,
            "num_single_layers": 2,
            "attention_head_dim": 16,
            "num_attention_heads": 2,
            "joint_attention_dim": WIDTH,
            "timestep_guidance_channels": 32,
            "axes_dims_rope": (4, 4, 4, 4),
            "guidance_embeds": False,
            **more,
        }
    )
    for name, parameter in made.named_parameters():  # so that positions, words and references count
        if "norm_" in name and parameter.dim() == 1:
            parameter.data.mul_(2.5)
        elif "to_out" in name:
            parameter.data.mul_(3)
    return made.eval().requires_grad_(False)


def vae(**more: Any) -> Any:
    torch.manual_seed(8)
    made = diffusers.AutoencoderKLFlux2(
        block_out_channels=(8, 8, 8, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
        **more,
    )
    made.bn.running_mean.copy_(torch.linspace(-0.3, 0.4, 16))
    made.bn.running_var.copy_(torch.linspace(0.2, 1.5, 16))
    return made.eval().requires_grad_(False)


def embeddings(prompt: str) -> torch.Tensor:
    """[WORDS, WIDTH]: other numbers for another prompt."""
    generator = torch.Generator().manual_seed(sum(prompt.encode()) + len(prompt))
    return torch.randn(WORDS, WIDTH, generator=generator)


@dataclass(frozen=True)
class Spoken:
    """Prompts as `embeddings` has them."""

    @property
    def parts(self) -> dict[str, Any]:
        return {}

    @contextmanager
    def at_work(self, turns: Any) -> Iterator[None]:
        yield

    def encode(self, prompt: str, clip_skip: int = 1, *, negative: bool = False) -> Cond:
        return Cond(embeddings(prompt))


def original(weights: dict[str, torch.Tensor], prefix: str = "") -> dict[str, torch.Tensor]:
    """A transformer's weights as the authors' code, and so ComfyUI's files, name them."""
    made: dict[str, torch.Tensor] = {}
    for name, value in weights.items():
        if name == "norm_out.linear.weight":
            scale, shift = value.chunk(2)
            made["final_layer.adaLN_modulation.1.weight"] = torch.cat([shift, scale])
            continue
        for new, old in SINGLE if name.startswith("single_") else JOINT:
            name = name.replace(new, old)
        made[name.replace("_norm.weight", "_norm.scale")] = value
    for number in range(sum(name.endswith("img_attn.proj.weight") for name in made)):
        for stream, parts in (("img", "to_q to_k to_v"), ("txt", "add_q_proj add_k_proj add_v_proj")):
            three = [made.pop(f"double_blocks.{number}.attn.{part}.weight") for part in parts.split()]
            made[f"double_blocks.{number}.{stream}_attn.qkv.weight"] = torch.cat(three)
    return {prefix + name: value.clone().contiguous() for name, value in made.items()}


SINGLE = (
    ("single_transformer_blocks.", "single_blocks."), ("attn.to_qkv_mlp_proj", "linear1"), ("attn.to_out", "linear2"),
    ("attn.norm_q", "norm.query_norm"), ("attn.norm_k", "norm.key_norm"),
    ("stream_modulation.linear", "stream_modulation.lin"),
)  # fmt: skip
JOINT = (
    ("transformer_blocks.", "double_blocks."), ("attn.to_out.0", "img_attn.proj"), ("attn.to_add_out", "txt_attn.proj"),
    ("attn.norm_q", "img_attn.norm.query_norm"), ("attn.norm_k", "img_attn.norm.key_norm"),
    ("attn.norm_added_q", "txt_attn.norm.query_norm"), ("attn.norm_added_k", "txt_attn.norm.key_norm"),
    ("ff_context.linear_in", "txt_mlp.0"), ("ff_context.linear_out", "txt_mlp.2"),
    ("ff.linear_in", "img_mlp.0"), ("ff.linear_out", "img_mlp.2"),
    ("time_guidance_embed.timestep_embedder.linear_1", "time_in.in_layer"),
    ("time_guidance_embed.timestep_embedder.linear_2", "time_in.out_layer"), ("x_embedder", "img_in"),
    ("context_embedder", "txt_in"), ("modulation_img.linear", "modulation_img.lin"), ("proj_out", "final_layer.linear"),
    ("modulation_txt.linear", "modulation_txt.lin"),
)  # fmt: skip


def original_vae(made: Any, *, inside: bool = True) -> dict[str, torch.Tensor]:
    """A VAE's weights as the authors' code names them; the convolutions beside the latents lie `inside` its halves."""
    blocks = len(made.config.block_out_channels)
    weights: dict[str, torch.Tensor] = {}
    for name, value in made.state_dict().items():
        if ".attentions.0.to_" in name and value.dim() == 2:
            value = value[..., None, None]
        for number in range(blocks):
            up = blocks - 1 - number
            name = name.replace(f"encoder.down_blocks.{number}.resnets.", f"encoder.down.{number}.block.")
            name = name.replace(f"encoder.down_blocks.{number}.downsamplers.0.", f"encoder.down.{number}.downsample.")
            name = name.replace(f"decoder.up_blocks.{number}.resnets.", f"decoder.up.{up}.block.")
            name = name.replace(f"decoder.up_blocks.{number}.upsamplers.0.", f"decoder.up.{up}.upsample.")
        for new, old in VAE_PARTS:
            name = name.replace(new, old)
        if inside and name.startswith(("quant_conv.", "post_quant_conv.")):
            name = f"{'decoder' if name.startswith('post_') else 'encoder'}.{name}"
        weights[name] = value.clone().contiguous()
    return weights


VAE_PARTS = (
    ("mid_block.resnets.0", "mid.block_1"), ("mid_block.resnets.1", "mid.block_2"),
    ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"), ("mid_block.attentions.0.to_q", "mid.attn_1.q"),
    ("mid_block.attentions.0.to_k", "mid.attn_1.k"), ("mid_block.attentions.0.to_v", "mid.attn_1.v"),
    ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"), ("conv_norm_out", "norm_out"),
    ("conv_shortcut", "nin_shortcut"),
)  # fmt: skip


def qwen() -> Any:
    """A Qwen3 as deep as klein looks into it, with embeddings of a third of WIDTH."""
    torch.manual_seed(9)
    config = transformers.Qwen3Config(
        vocab_size=282, hidden_size=WIDTH // 3, intermediate_size=48, num_hidden_layers=28, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, max_position_embeddings=1024,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
    )  # fmt: skip
    return transformers.Qwen3ForCausalLM(config).eval().requires_grad_(False)


def save_folder(folder: Path, networks: Any, *, distilled: bool = True) -> Path:
    """As diffusers saves the pipeline."""
    networks.transformer.save_pretrained(folder / "transformer", max_shard_size="60KB")
    networks.vae.save_pretrained(folder / "vae")
    networks.text.save_pretrained(folder / "text_encoder")
    save_tokenizer(folder / "tokenizer")
    diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True).save_pretrained(folder / "scheduler")
    index = {"_class_name": "Flux2KleinPipeline", "is_distilled": distilled, **PARTS}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


PARTS = {
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"], "text_encoder": ["transformers", "Qwen3ForCausalLM"],
    "tokenizer": ["transformers", "Qwen2TokenizerFast"], "transformer": ["diffusers", "Flux2Transformer2DModel"],
    "vae": ["diffusers", "AutoencoderKLFlux2"],
}  # fmt: skip


def save_comfy(root: Path, networks: Any, name: str = "flux-2-klein-4b") -> Path:
    """ComfyUI's folders; the transformer's file is returned."""
    models = root / "models"
    text = {name: value for name, value in networks.text.state_dict().items() if name != "lm_head.weight"}
    save(text, models / "text_encoders" / "qwen_3_4b.safetensors")
    save(original_vae(networks.vae), models / "vae" / "flux2-vae.safetensors")
    save_tokenizer(root / "comfy" / "text_encoders" / "qwen25_tokenizer")
    path = models / "diffusion_models" / f"{name}.safetensors"
    return save(original(networks.transformer.state_dict(), "model.diffusion_model."), path)


def save_configs(folder: Path) -> Path:
    """Configs that say what no shape does: how many groups norms have."""
    shutil.copytree(loader.CONFIGS / "flux2", folder / "flux2")
    file = folder / "flux2" / "vae" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "norm_num_groups": 4}))
    return folder
