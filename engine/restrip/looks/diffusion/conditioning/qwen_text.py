"""Prompts as Qwen3 reads them, for families whose text encoder is a language model (Z-Image, FLUX.2 klein).

    <|im_start|>user {prompt} <|im_end|> <|im_start|>assistant        a chat's form; inner layers' states are kept

The encoder is as large as the network itself. It is loaded when a prompt is to be read and freed behind it, and the
layers above the last one that is looked at are never loaded.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from restrip.looks.diffusion.checkpoints.assembling import assembled
from restrip.looks.diffusion.checkpoints.companions import MissingTokenizer
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily
from restrip.looks.diffusion.checkpoints.loader import quiet, qwen_tokenizer
from restrip.looks.diffusion.checkpoints.weights.weight_files import Stored, read_stored
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.runtime.offload import Offload

# Qwen's special tokens in the order of their numbers; the first follows the vocabulary's last word.
SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>", "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>",
    "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>",
    "<think>", "</think>",
)  # fmt: skip

CHAT = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
NO_THOUGHT = "<think>\n\n</think>\n\n"

# llama.cpp's names of Qwen3's layers, and transformers'.
GGUF_NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip

# Prefixes of the model's names in files of several parts.
PREFIX = re.compile(r"^(?:text_encoders?\.(?:[\w-]+\.)?(?:transformer\.)?)?(?:model\.)?(?:language_model\.)?")

EMPHASIS = re.compile(r"\([^()]*:\s*\d+(\.\d+)?\)")


@dataclass(frozen=True)
class Reading:
    """What of Qwen3's inner layers a family takes. `layers` count from the embeddings (0), or from the end as hidden
    states do; several lie side by side. `thinking` leaves the answer open to a thought. At most `most` tokens are read;
    `padded` fills up to them and keeps what the padding becomes.
    """

    layers: tuple[int, ...]
    thinking: bool
    padded: bool = False
    most: int = 512


class QwenText:
    """Reads prompts with a Qwen3 text encoder: `weights` is its file or folder, `tokenizer` its tokenizer's folder."""

    def __init__(self, weights: Path, tokenizer: Path, reading: Reading) -> None:
        self.weights, self.folder, self.reading = weights, tokenizer, reading
        self.words = Words(tokenizer, reading)
        self._module: Any = None
        self._keep = False
        self._turns = Offload(torch.device("cpu"))
        self.loads = 0

    @property
    def parts(self) -> dict[str, Any]:
        """None: no LoRA changes the text encoder."""
        return {}

    @contextmanager
    def at_work(self, turns: Offload) -> Iterator[None]:
        """While this holds the encoder stays, once it is loaded; it works on the device of `turns`."""
        self._turns, self._keep = turns, True
        try:
            yield
        finally:
            self._keep = False
            self._free()

    def encode(self, prompt: str, clip_skip: int = 1, *, negative: bool = False) -> Cond:
        """See TextConditioning: [tokens, width * layers] float32 on the CPU. Emphasis and clip skip mean nothing here.

        Raises MissingTokenizer, MissingPart, UnknownFamily and the errors of reading.
        """
        ids, mask = self.words.tokens(prompt)
        try:
            hidden = self._hidden(ids, mask)
        finally:
            if not self._keep:
                self._free()
        notes: tuple[str, ...] = ()
        if EMPHASIS.search(prompt):
            notes = ("This model reads (word:1.2) as it stands: emphasis by numbers is Stable Diffusion's.",)
        return Cond(hidden.float().cpu(), notes=notes)

    def _hidden(self, ids: list[int], mask: list[int]) -> torch.Tensor:
        """On the device, where it fits; else with the other networks sent away, or on the CPU."""
        try:
            return self._asked(ids, mask, self._turns.device)
        except torch.OutOfMemoryError as error:
            error.__traceback__ = None
        self._free()
        try:
            with self._turns.away():
                return self._asked(ids, mask, self._turns.device)
        except torch.OutOfMemoryError as error:
            error.__traceback__ = None
        self._free()
        return self._asked(ids, mask, torch.device("cpu"))

    @torch.inference_mode()
    def _asked(self, ids: list[int], mask: list[int], device: torch.device) -> torch.Tensor:
        if self._module is None:
            self._module = open_qwen(self.weights, self.reading.layers)
            self.loads += 1
        dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        module = placed(self._module, device, dtype)
        out = module(
            input_ids=torch.tensor([ids], device=device),
            attention_mask=torch.tensor([mask], device=device),
            output_hidden_states=True,
            use_cache=False,
        )
        states = [out.hidden_states[layer][0] for layer in module.looked_at]
        return torch.cat(states, dim=-1).clone()

    def _free(self) -> None:
        if self._module is not None:
            self._module = None
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


class Words:
    """A prompt's tokens."""

    def __init__(self, folder: Path, reading: Reading) -> None:
        self.folder, self.reading = folder, reading
        self._tokenizer: Any = None

    def tokens(self, prompt: str) -> tuple[list[int], list[int]]:
        """The numbers of a prompt in the chat's form, and 1 where they are no padding. Raises MissingTokenizer."""
        if self._tokenizer is None:
            self._tokenizer = read_tokenizer(self.folder)
        text = CHAT.replace("{}", prompt)
        text += "" if self.reading.thinking else NO_THOUGHT
        ids = list(self._tokenizer(text, truncation=True, max_length=self.reading.most).input_ids)
        mask = [1] * len(ids)
        if self.reading.padded:
            filling = self.reading.most - len(ids)
            ids += [int(self._tokenizer.convert_tokens_to_ids(SPECIAL[0]))] * filling
            mask += [0] * filling
        return ids, mask


def read_tokenizer(folder: Path) -> Any:
    """Qwen's tokenizer with its special tokens, which files without settings don't name. Raises MissingTokenizer."""
    try:
        with quiet():
            tokenizer = qwen_tokenizer(folder)
            special = set(tokenizer.all_special_tokens) | set(tokenizer.get_added_vocab())
            lacking = [token for token in SPECIAL if token not in special]
            if lacking:  # those that are words already keep their numbers
                tokenizer.add_special_tokens({"additional_special_tokens": lacking})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingTokenizer(folder, f"{folder} holds none that can be read") from error
    return tokenizer


def open_qwen(path: Path, layers: tuple[int, ...]) -> Any:
    """A Qwen3 model up to the last of `layers`, its weights as they are stored, on the CPU.

    `looked_at` are the layers as numbers of its hidden states. Raises MissingPart, UnknownFamily, errors of reading.
    """
    weights = {_own_name(name): value for name, value in read_stored(path).items()}
    count = 1 + max((int(found[1]) for name in weights if (found := re.match(r"layers\.(\d+)\.", name))), default=-1)
    wanted = tuple(layer if layer >= 0 else count + 1 + layer for layer in layers)
    if not count or max(wanted) > count:
        raise UnknownFamily(path, f"it is no Qwen3 text encoder with {max(max(wanted), 1)} layers")
    config = _config(path, weights, max(wanted))
    # The last layer is looked at without the norm behind it, unless it is the model's own last one.
    top = max(wanted) == count
    if not top:
        weights["norm.weight"] = torch.ones(config["hidden_size"])
    with quiet():
        module = assembled("Qwen3Model", config, weights, path, "text encoder", ("layers.",))
    if not top:
        module.norm = torch.nn.Identity()
    module.looked_at = wanted
    return module


def placed(module: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """The module on a device, its weights of that type. The frequencies of its places stay in full precision: rounded
    to bfloat16, the words of a long prompt would change places.
    """
    torch.nn.Module.to(module, device)
    for parameter in module.parameters():
        parameter.data = parameter.data.to(dtype)
    return module


def _own_name(name: str) -> str:
    """A weight's name as transformers' Qwen3Model has it."""
    if name.startswith("blk."):
        _, number, layer, end = name.split(".", 3)
        return f"layers.{number}.{GGUF_NAMES.get(layer, layer)}.{end}"
    if name in ("token_embd.weight", "output_norm.weight"):
        return {"token_embd.weight": "embed_tokens.weight", "output_norm.weight": "norm.weight"}[name]
    return PREFIX.sub("", name)


def _config(path: Path, weights: Stored, layers: int) -> dict[str, Any]:
    """Qwen3's config by the shapes of its weights; a folder's own says what no shape does."""
    told: dict[str, Any] = {}
    if path.is_dir() and (path / "config.json").is_file():
        told = json.loads((path / "config.json").read_text("utf-8"))

    def shape(name: str) -> tuple[int, ...]:
        if name not in weights:
            raise MissingPart(path, f"complete text encoder ({name} is missing)")
        return tuple(weights[name].shape)

    head = shape("layers.0.self_attn.q_norm.weight")[0]
    vocabulary, width = shape("embed_tokens.weight")
    theta = told.get("rope_theta") or (told.get("rope_parameters") or {}).get("rope_theta") or 1_000_000.0
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "head_dim": head,
        "num_attention_heads": shape("layers.0.self_attn.q_proj.weight")[0] // head,
        "num_key_value_heads": shape("layers.0.self_attn.k_proj.weight")[0] // head,
        "intermediate_size": shape("layers.0.mlp.gate_proj.weight")[0],
        "rms_norm_eps": told.get("rms_norm_eps", 1e-6),
        "max_position_embeddings": told.get("max_position_embeddings", 40960),
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "use_cache": False,
    }
