from __future__ import annotations

import pytest
import torch
import transformers

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.finding import TINY, Checkpoint, find_checkpoint
from restrip.looks.diffusion.conditioning.text_encoders import stress


@pytest.fixture(scope="module")
def tiny():
    return open_model(find_checkpoint("tiny"))


def test_the_same_embeddings_as_transformers(tiny) -> None:
    text = transformers.CLIPTextModel.from_pretrained(TINY / "text_encoder", dtype=torch.float32)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(TINY / "tokenizer")
    ids = tokenizer(["a warm pastel painting"], padding="max_length", return_tensors="pt").input_ids
    with torch.inference_mode():
        out = text(ids, output_hidden_states=True)
        assert torch.allclose(tiny.text.encode("a warm pastel painting", 1).tokens, out[0][0], atol=1e-6)
        skipped = text.final_layer_norm(out.hidden_states[-2])[0]
    assert torch.allclose(tiny.text.encode("a warm pastel painting", 2).tokens, skipped, atol=1e-6)


def test_emphasis_scales_and_keeps_the_mean(tiny) -> None:
    plain = tiny.text.encode("a warm painting", 1).tokens
    stressed = tiny.text.encode("a (warm:1.5) painting", 1).tokens
    assert float(stressed.mean()) == pytest.approx(float(plain.mean()), rel=1e-4)
    ratio = (stressed / plain).median(dim=1).values
    assert float(ratio[2] / ratio[1]) == pytest.approx(1.5, rel=1e-4)


def test_weights_of_one_change_nothing() -> None:
    hidden = torch.randn(4, 3)
    assert stress(hidden, (1.0,) * 4) is hidden


def test_chunks_lie_behind_each_other(tiny) -> None:
    both = tiny.text.encode("a photo BREAK a mosaic", 1).tokens
    assert both.shape == (64, 96)
    assert torch.equal(both[32:], tiny.text.encode("a mosaic", 1).tokens)


def test_sdxl_reads_the_last_layer_but_one_of_both(small, tmp_path) -> None:
    made = small("sdxl")
    folder = made.save_folder(tmp_path / "xl")
    model = open_model(Checkpoint(folder, "sdxl", "xl"))
    cond = model.text.encode("a photo", 1)
    assert cond.tokens.shape == (32, 64) and cond.pooled is not None and cond.pooled.shape == (32,)
    first, second = (encoder.tokenizer for encoder in model.text.encoders)
    assert (first.pad, second.pad) == (first.end, second.vocabulary["!"])
    tokens = [second.start, *second.encode("a photo"), second.end]
    ids = torch.tensor([tokens + [second.pad] * (32 - len(tokens))])
    with torch.inference_mode():
        out = made.texts[1](ids, output_hidden_states=True)
    assert torch.allclose(cond.tokens[:, 32:], out.hidden_states[-2][0], atol=1e-6)
    assert torch.allclose(cond.pooled, out.text_embeds[0], atol=1e-6)
    # Clip skip means nothing to SDXL, and its empty negative prompt is zeros.
    assert torch.equal(model.text.encode("a photo", 2).tokens, cond.tokens)
    empty = model.text.encode("", 1, negative=True)
    assert not empty.tokens.any() and empty.pooled is not None and not empty.pooled.any()
    assert model.text.encode("", 1).tokens.any()
