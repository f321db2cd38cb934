from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.checkpoints.companions import (
    Companions,
    MissingTextEncoder,
    MissingTokenizer,
    MissingVae,
    Wanted,
    companions_of,
    text_width,
    tokenizer_of,
    vae_channels,
)

WANTED = Wanted(64, lambda shapes: vae_channels(shapes) == 16, "ae.safetensors")


def save(path: Path, **shapes: tuple[int, ...]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name.replace("__", "."): torch.zeros(shape) for name, shape in shapes.items()}
    safetensors.torch.save_file(weights, path)
    return path


def qwen(path: Path, width: int = 64) -> Path:
    return save(path, model__embed_tokens__weight=(9, width), model__layers__0__self_attn__q_norm__weight=(16,))


def vae(path: Path, channels: int = 16) -> Path:
    return save(path, decoder__conv_in__weight=(8, channels, 3, 3))


def tokenizer(folder: Path, settings: str = '{"tokenizer_class": "Qwen2TokenizerFast"}') -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text("{}")
    if settings:
        (folder / "tokenizer_config.json").write_text(settings)
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "ComfyUI" / "models"


@pytest.fixture
def transformer(models: Path) -> Path:
    return save(models / "diffusion_models" / "z.safetensors", a=(1,))


def test_they_are_found_by_their_shapes_in_comfyuis_folders(models: Path, transformer: Path) -> None:
    qwen(models / "text_encoders" / "a_large_one.safetensors", 128)
    text = qwen(models / "text_encoders" / "qwen" / "small.safetensors")
    vae(models / "vae" / "four.safetensors", 4)
    vae(models / "vae" / "a_sd3.safetensors")
    ours = vae(models / "vae" / "flux.safetensors")
    words = tokenizer(models.parent / "comfy" / "text_encoders" / "qwen25_tokenizer", "")
    found = companions_of(transformer, WANTED, [models])
    assert found == Companions(text, words, ours) and found.files() == [text, ours]
    named = vae(models / "vae" / "x" / "ae.safetensors")
    assert companions_of(transformer, WANTED, [models]).vae == named


def test_a_models_folder_elsewhere_is_looked_in(models: Path, tmp_path: Path) -> None:
    alone = save(tmp_path / "downloads" / "z.safetensors", a=(1,))
    text, ours = qwen(models / "clip" / "q.safetensors"), vae(models / "VAE" / "ae.safetensors")
    words = tokenizer(models / "tokenizers" / "mine")
    assert companions_of(alone, WANTED, [models.parent, models]) == Companions(text, words, ours)


def test_what_settings_name_and_what_is_inside_is_not_looked_for(tmp_path: Path, transformer: Path) -> None:
    text = qwen(tmp_path / "elsewhere" / "q.safetensors")
    words = tokenizer(tmp_path / "elsewhere" / "tokenizer")
    assert companions_of(transformer, WANTED, [], text_encoder=text, vae_given=True) == Companions(text, words, None)
    inside = Wanted(64, WANTED.fits, "ae.safetensors", text_inside=True, vae_inside=True)
    beside = tokenizer(transformer.parent / "tokenizer")
    assert companions_of(transformer, inside, []) == Companions(None, beside, None)


def test_what_is_missing_is_named_with_a_remedy(models: Path, transformer: Path) -> None:
    with pytest.raises(MissingTextEncoder, match="Qwen3 of width 64") as error:
        companions_of(transformer, WANTED, [])
    assert "text_encoders" in error.value.remedy
    text = qwen(models / "text_encoders" / "q.safetensors")
    with pytest.raises(MissingVae, match=r"ae\.safetensors"):
        companions_of(transformer, WANTED, [])
    vae(models / "vae" / "ae.safetensors")
    with pytest.raises(MissingTokenizer) as lacking:
        companions_of(transformer, WANTED, [])
    assert "tokenizer.json" in lacking.value.remedy
    tokenizer(models / "tokenizers" / "clip", '{"tokenizer_class": "CLIPTokenizer"}')
    with pytest.raises(MissingTokenizer):
        tokenizer_of(text, [models])


def test_widths_and_channels_of_other_files_are_none(models: Path, tmp_path: Path) -> None:
    llama = save(tmp_path / "l.safetensors", token_embd__weight=(9, 32), blk__0__attn_q_norm__weight=(16,))
    assert text_width(llama) == 32
    assert text_width(vae(tmp_path / "v.safetensors")) is None
    assert text_width(tmp_path / "none.safetensors") is None and vae_channels({"x": (1,)}) is None
