from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from restrip.looks.diffusion.checkpoints.companions import MissingTokenizer, tokenizer_of
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily
from restrip.looks.diffusion.conditioning.qwen_text import (
    NO_THOUGHT,
    QwenText,
    Reading,
    open_qwen,
    placed,
    read_tokenizer,
)
from restrip.looks.diffusion.runtime.offload import Offload

sys.path.insert(0, str(Path(__file__).parents[1] / "backbones" / "z_image"))
import small_z_image as small

PROMPT = "a red fox, {quick} ä 狐"
LAST_BUT_ONE = Reading(layers=(-2,), thinking=True)
THREE = Reading(layers=(1, 2, 3), thinking=False, padded=True, most=128)


@pytest.fixture(scope="module")
def model() -> SimpleNamespace:
    return small.made()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("qwen")
    model.text.save_pretrained(place / "text_encoder")
    small.save_tokenizer(place / "tokenizer")
    return place


def by_hand(model, text: QwenText) -> torch.Tensor:
    ids, mask = text.words.tokens(PROMPT)
    with torch.inference_mode():
        out = model.text(input_ids=torch.tensor([ids]), attention_mask=torch.tensor([mask]), output_hidden_states=True)
    return torch.cat([out.hidden_states[layer][0] for layer in text.reading.layers], dim=-1)


@pytest.mark.parametrize("reading", [LAST_BUT_ONE, THREE, Reading((4,), True), Reading((-1, 0), False)])
def test_it_is_the_models_own_inner_layers(reading: Reading, model, folder: Path) -> None:
    text = QwenText(folder / "text_encoder", folder / "tokenizer", reading)
    tokens = text.encode(PROMPT).tokens
    assert torch.allclose(tokens, by_hand(model, text), atol=1e-6)
    assert tokens.shape[-1] == 64 * len(reading.layers)


def test_the_chats_form_and_the_padding_are_the_tokenizers_own(folder: Path) -> None:
    """As diffusers asks it: apply_chat_template, then truncation and padding."""
    tokenizer = read_tokenizer(folder / "tokenizer")
    for reading in (LAST_BUT_ONE, THREE, Reading((1,), True, most=24)):
        ids, mask = QwenText(folder, folder / "tokenizer", reading).words.tokens(PROMPT)
        form = f"<|im_start|>user\n{PROMPT}<|im_end|>\n<|im_start|>assistant\n{'' if reading.thinking else NO_THOUGHT}"
        padding = "max_length" if reading.padded else False
        expected = tokenizer(form, truncation=True, max_length=reading.most, padding=padding)
        assert ids == expected.input_ids and mask == expected.attention_mask
    assert tokenizer.decode(tokenizer(PROMPT).input_ids) == PROMPT


def test_special_tokens_have_qwens_numbers_without_settings(tmp_path: Path) -> None:
    tokenizer = read_tokenizer(small.save_tokenizer(tmp_path, named=False))
    first = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    numbers = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>", "<think>", "</think>"])
    assert [number - first for number in numbers] == [1, 2, 24, 25]


def test_a_gguf_files_own_words_are_its_tokenizer(model, folder: Path, tmp_path: Path) -> None:
    right = read_tokenizer(folder / "tokenizer")
    words = sorted(right.get_vocab().items(), key=lambda word: word[1])
    told = {"tokenizer.ggml.tokens": [*(word for word, _ in words), "ab"], "tokenizer.ggml.merges": ["a b"]}
    path = small.save_gguf(small.llama(model.text.state_dict()), tmp_path / "q.gguf", "qwen3", told=told)
    assert tokenizer_of(path, []) == path
    text = QwenText(path, path, THREE)
    ids, mask = text.words.tokens("xyz")
    assert (ids, mask) == QwenText(folder, folder / "tokenizer", THREE).words.tokens("xyz")
    assert read_tokenizer(path)("<|im_start|>").input_ids == right("<|im_start|>").input_ids
    assert len(read_tokenizer(path)("ab").input_ids) == 1
    without = small.save_gguf(small.llama(model.text.state_dict()), tmp_path / "x" / "q.gguf", "qwen3")
    with pytest.raises(MissingTokenizer):
        tokenizer_of(without, [])
    told["tokenizer.ggml.merges"] = ["a zz"]
    with pytest.raises(MissingTokenizer, match="can be read"):
        read_tokenizer(small.save_gguf({}, tmp_path / "y" / "q.gguf", "qwen3", told=told))


@pytest.mark.parametrize("layout", ["file", "inside", "fp8", "gguf"])
def test_every_layout_is_read(layout: str, model, folder: Path, tmp_path: Path) -> None:
    weights = model.text.state_dict()
    if layout == "gguf":
        path, off = small.save_gguf(small.llama(weights), tmp_path / "q.gguf", "qwen3"), 0.2
    else:
        prefix = "text_encoders.qwen3_4b.transformer.model." if layout == "inside" else "model."
        named = {prefix + name: value for name, value in weights.items()}
        path = small.save(small.eights(named, scaled=True) if layout == "fp8" else named, tmp_path / "q.safetensors")
        off = 0.3 if layout == "fp8" else 1e-6
    text = QwenText(path, folder / "tokenizer", LAST_BUT_ONE)
    expected = by_hand(model, text)
    assert float((text.encode(PROMPT).tokens - expected).abs().mean() / expected.abs().mean()) < off


def test_it_is_loaded_for_all_prompts_at_once_and_freed(folder: Path) -> None:
    text = QwenText(folder / "text_encoder", folder / "tokenizer", LAST_BUT_ONE)
    with text.at_work(Offload(torch.device("cpu"))):
        assert text.loads == 0  # until a prompt is new
        made = [text.encode(prompt).tokens for prompt in ("a", "b", "a")]
        assert text._module is not None
    assert text.loads == 1 and text._module is None and torch.equal(made[0], made[2])
    text.encode("c")
    assert text.loads == 2 and text._module is None and text.parts == {}


def test_without_room_for_it_the_networks_leave_and_then_it_works_on_the_cpu(folder, monkeypatch) -> None:
    text = QwenText(folder / "text_encoder", folder / "tokenizer", LAST_BUT_ONE)
    expected, asked, away = text.encode("a").tokens, [], []
    network = SimpleNamespace(to=lambda device: away.append(str(device)))
    right = QwenText._asked

    def full(self, ids, mask, device):
        asked.append(device.type)
        if device.type != "cpu":
            raise torch.OutOfMemoryError
        return right(self, ids, mask, device)

    monkeypatch.setattr(QwenText, "_asked", full)
    with text.at_work(Offload(torch.device("meta"), networks={"network": network})):
        assert torch.equal(text.encode("a").tokens, expected)
    assert asked == ["meta", "meta", "cpu"] and away == ["cpu", "meta"]


def test_in_bfloat16_places_stay_in_full_precision(folder: Path) -> None:
    whole = QwenText(folder / "text_encoder", folder / "tokenizer", LAST_BUT_ONE).encode(PROMPT * 9).tokens
    module = placed(open_qwen(folder / "text_encoder", (-2,)), torch.device("cpu"), torch.bfloat16)
    assert {value.dtype for value in module.parameters()} == {torch.bfloat16}
    assert {value.dtype for value in module.buffers() if value.is_floating_point()} == {torch.float32}
    ids, _ = QwenText(folder, folder / "tokenizer", LAST_BUT_ONE).words.tokens(PROMPT * 9)
    with torch.inference_mode():
        half = module(input_ids=torch.tensor([ids]), use_cache=False).last_hidden_state[0].float()
    assert float((half - whole).abs().mean() / whole.abs().mean()) < 0.02


def test_layers_above_the_last_one_looked_at_are_not_loaded(folder: Path) -> None:
    assert len(open_qwen(folder / "text_encoder", (1, 2)).layers) == 2
    assert len(open_qwen(folder / "text_encoder", (-2,)).layers) == 3


def test_what_cannot_be_read_is_named(model, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownFamily, match="no Qwen3 text encoder with 9 layers"):
        open_qwen(folder / "text_encoder", (9,))
    weights = {name: value for name, value in model.text.state_dict().items() if "layers.1.mlp" not in name}
    with pytest.raises(MissingPart, match="complete text encoder"):
        open_qwen(small.save(weights, tmp_path / "q.safetensors"), (-2,))
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(MissingTokenizer, match="none that can be read"):
        QwenText(folder / "text_encoder", tmp_path, LAST_BUT_ONE).encode("a")


def test_emphasis_is_said_to_mean_nothing(folder: Path) -> None:
    text = QwenText(folder / "text_encoder", folder / "tokenizer", LAST_BUT_ONE)
    assert "emphasis" in text.encode("a (fox:1.3)").notes[0] and text.encode("a (fox)").notes == ()
