"""A small Z-Image with random weights, in every layout that people have its files in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import numpy as np
import safetensors.torch
import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[2]))
from original_vae import original_vae as original_name
from original_vae import vae_weights

from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.conditioning.tokenizer import _byte_letters

WIDTH, TEXT_WIDTH = 96, 64
TRANSFORMER = {
    "all_patch_size": [2], "all_f_patch_size": [1], "in_channels": 16, "dim": WIDTH, "n_layers": 3,
    "n_refiner_layers": 1, "n_heads": 6, "n_kv_heads": 6, "norm_eps": 1e-5, "qk_norm": True, "cap_feat_dim": TEXT_WIDTH,
    "rope_theta": 256.0, "t_scale": 1000.0, "axes_dims": [4, 6, 6], "axes_lens": [640, 64, 64],
}  # fmt: skip
VAE = {
    "block_out_channels": [8, 8, 16, 16], "down_block_types": ["DownEncoderBlock2D"] * 4, "norm_num_groups": 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4, "latent_channels": 16, "layers_per_block": 1, "sample_size": 64,
    "scaling_factor": 0.3611, "shift_factor": 0.1159, "use_quant_conv": False, "use_post_quant_conv": False,
}  # fmt: skip
QWEN = {
    "vocab_size": 282, "hidden_size": TEXT_WIDTH, "intermediate_size": 128, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "rms_norm_eps": 1e-6,
    "max_position_embeddings": 1024, "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
}  # fmt: skip

ORIGINAL = {
    "all_final_layer.2-1.": "final_layer.", "all_x_embedder.2-1.": "x_embedder.",
    ".attention.to_out.0.": ".attention.out.",
    ".attention.norm_k.": ".attention.k_norm.", ".attention.norm_q.": ".attention.q_norm.",
}  # fmt: skip
LLAMA = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip


def made() -> SimpleNamespace:
    """The networks, with weights that make lively pictures and a VAE without a spread of its own."""
    torch.manual_seed(11)
    transformer = diffusers.ZImageTransformer2DModel(**TRANSFORMER)
    for name, value in transformer.named_parameters():
        if name.endswith("pad_token"):
            torch.nn.init.normal_(value, std=0.5)
        if "adaLN_modulation" in name:
            torch.nn.init.normal_(value, std=0.05)
    vae = diffusers.AutoencoderKL(**VAE)
    torch.nn.init.zeros_(vae.encoder.conv_out.weight[16:])
    torch.nn.init.constant_(vae.encoder.conv_out.bias[16:], -30.0)
    text = transformers.Qwen3Model(transformers.Qwen3Config(**QWEN))
    for module in (transformer, vae, text):
        module.eval().requires_grad_(False)
    return SimpleNamespace(transformer=transformer, vae=vae, text=text)


COPIED = (
    "all_patch_size",
    "all_f_patch_size",
    "dim",
    "n_refiner_layers",
    "n_heads",
    "n_kv_heads",
    "norm_eps",
    "qk_norm",
)
RELEASES: dict[str, dict[str, Any]] = {
    "1": {"control_layers_places": [0], "control_in_dim": 16, "add_control_noise_refiner": None},
    "2.0": {"control_layers_places": [0, 1, 2], "control_in_dim": 33, "add_control_noise_refiner": "control_layers",
            "control_refiner_layers_places": [0]},
    "2.1": {"control_layers_places": [0, 1, 2], "control_in_dim": 33, "control_refiner_layers_places": [0],
            "add_control_noise_refiner": "control_noise_refiner"},
}  # fmt: skip


def controlnet(release: str) -> Any:
    """A ControlNet whose last layers don't begin at zero."""
    torch.manual_seed(21)
    net = diffusers.ZImageControlNetModel(**{name: TRANSFORMER[name] for name in COPIED}, **RELEASES[release])
    for value in net.parameters():
        if not value.any():
            torch.nn.init.normal_(value, std=0.1)
    return net.eval().requires_grad_(False)


def save_tokenizer(folder: Path, *, named: bool = True) -> Path:
    """Qwen's tokenizer with single bytes for words."""
    folder.mkdir(parents=True, exist_ok=True)
    words = {letter: byte for byte, letter in _byte_letters().items()}
    (folder / "vocab.json").write_text(json.dumps(words), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    if named:
        told = {"tokenizer_class": "Qwen2Tokenizer", "pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"}
        (folder / "tokenizer_config.json").write_text(json.dumps(told), "utf-8")
    return folder


def save_configs(folder: Path) -> Path:
    """The family's configs for single files."""
    for name, kind, config in (
        ("transformer", "ZImageTransformer2DModel", TRANSFORMER), ("vae", "AutoencoderKL", VAE),
    ):  # fmt: skip
        (folder / "z-image" / name).mkdir(parents=True)
        (folder / "z-image" / name / "config.json").write_text(json.dumps({"_class_name": kind, **config}))
    return folder


def save_folder(model: Any, folder: Path) -> Path:
    """As diffusers saves the pipeline, the transformer in shards."""
    model.transformer.save_pretrained(folder / "transformer", max_shard_size="200KB")
    model.vae.save_pretrained(folder / "vae")
    model.text.save_pretrained(folder / "text_encoder")
    save_tokenizer(folder / "tokenizer")
    diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0).save_pretrained(folder / "scheduler")
    index = {"_class_name": "ZImagePipeline", "transformer": ["diffusers", "ZImageTransformer2DModel"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def original(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The transformer's weights by the names of the original code, with queries, keys and values in one."""
    out = {}
    for name, value in weights.items():
        if ".attention.to_q." in name:
            fused = [weights[name.replace("to_q", f"to_{letter}")] for letter in "qkv"]
            out[name.replace("to_q", "qkv")] = torch.cat(fused)
        elif ".attention.to_k." not in name and ".attention.to_v." not in name:
            for new, old in ORIGINAL.items():
                name = name.replace(new, old)
            out[name] = value
    return out


def eights(weights: dict[str, torch.Tensor], *, scaled: bool) -> dict[str, torch.Tensor]:
    """Matrices as 8-bit floats, with a scale beside each where they are `scaled`."""
    out = {}
    for name, value in weights.items():
        if value.dim() != 2 or value.numel() < 1000:
            out[name] = value.to(torch.bfloat16)
            continue
        scale = value.abs().max() / 448 if scaled else torch.ones(())
        out[name] = (value / scale).to(torch.float8_e4m3fn)
        if scaled:
            out[name.removesuffix("weight") + "scale_weight"] = scale.reshape(1)
    return out | ({"scaled_fp8": torch.zeros(2).to(torch.float8_e4m3fn)} if scaled else {})


def save_gguf(
    weights: dict[str, torch.Tensor],
    path: Path,
    arch: str,
    kind: str = "Q8_0",
    told: dict[str, list[str]] | None = None,
) -> Path:
    """As llama.cpp's tools and ComfyUI-GGUF write them: matrices in blocks, the rest as numbers."""
    import gguf

    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(str(path), arch)
    for name, words in (told or {}).items():
        writer.add_tokenizer_model("gpt2") if name.endswith("tokens") else None
        writer.add_array(name, words)
    for name, value in weights.items():
        data = value.float().numpy()
        if data.ndim == 2 and data.shape[1] % 32 == 0 and data.shape[0] > 1:
            number = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(name, gguf.quants.quantize(data, number), raw_dtype=number)
        else:
            writer.add_tensor(name, np.ascontiguousarray(data.squeeze() if data.size > 1 else data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def llama(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Qwen3's weights by llama.cpp's names."""
    out = {"token_embd.weight": weights["embed_tokens.weight"], "output_norm.weight": weights["norm.weight"]}
    for name, value in weights.items():
        if name.startswith("layers."):
            _, number, rest = name.split(".", 2)
            layer, _, end = rest.rpartition(".")
            out[f"blk.{number}.{LLAMA[layer]}.{end}"] = value
    return out


def halves(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.to(torch.bfloat16) for name, value in weights.items()}


def save(weights: dict[str, torch.Tensor], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file({name: value.contiguous().clone() for name, value in weights.items()}, path)
    return path


def named_originally(vae: Any) -> dict[str, torch.Tensor]:
    """ae.safetensors: the VAE by the original names."""
    return {original_name(name, vae): value for name, value in vae_weights(vae).items()}


def save_comfy(model: Any, root: Path, *, tokenizer: str = "comfy/text_encoders/qwen25_tokenizer") -> Path:
    """ComfyUI's folders; the transformer's file is returned."""
    text = {f"model.{name}": value for name, value in model.text.state_dict().items()}
    save(text, root / "models" / "text_encoders" / "qwen_3_4b.safetensors")
    save(named_originally(model.vae), root / "models" / "vae" / "ae.safetensors")
    save_tokenizer(root / tokenizer)
    return save(
        original(model.transformer.state_dict()), root / "models" / "diffusion_models" / "z_image_turbo.safetensors"
    )


def use_configs(monkeypatch: Any, folder: Path) -> None:
    monkeypatch.setattr(loader, "CONFIGS", save_configs(folder))
