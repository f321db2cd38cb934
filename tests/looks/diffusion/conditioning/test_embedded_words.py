"""Embeddings in prompts, in each layout that people have, against the text model fed with their rows."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.conditioning.embedded_words import read_embedding
from restrip.looks.diffusion.conditioning.text_encoders import encode_prompt
from restrip.timeline import Key

WIDTH = 32


def rows(count: int, width: int = WIDTH, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def save(tmp_path, monkeypatch):
    folder = tmp_path / "models" / "embeddings"
    folder.mkdir(parents=True)
    monkeypatch.setenv("RESTRIP_MODELS", str(tmp_path))

    def write(name, content):
        path = folder / name
        (safetensors.torch.save_file if path.suffix == ".safetensors" else torch.save)(content, path)
        return path

    return write


@pytest.fixture
def encoders(small, tmp_path):
    def get(family: str = "sd15"):
        folder = small(family).save_folder(tmp_path / family)
        return open_model(Checkpoint(folder, family, "m")).text.encoders

    return get


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pt", {"string_to_token": {"*": 265}, "string_to_param": {"*": rows(3)}, "name": "a", "step": 10}),
        ("a.safetensors", {"emb_params": rows(3)}),
        ("a.bin", {"<a>": rows(3)}),
        ("a.safetensors", {"clip_l": rows(3).half(), "clip_g": rows(3, 48)}),
    ],
)
def test_every_layout(name, content, save) -> None:
    found = read_embedding(save(name, content), "clip_l", WIDTH)
    assert found is not None and torch.allclose(found, rows(3), atol=2e-3)


def test_one_vector_and_other_widths(save) -> None:
    assert torch.equal(read_embedding(save("a.bin", {"<a>": rows(1)[0]}), "clip_l", WIDTH), rows(1))
    assert read_embedding(save("b.bin", {"<b>": rows(2, 48)}), "clip_l", WIDTH) is None
    assert read_embedding(save("c.safetensors", {"clip_g": rows(2)}), "clip_l", WIDTH) is None


def test_the_rows_stand_where_the_word_stood(save, encoders) -> None:
    """Vectors that are those of known words give what these words give, weights and the rest of the prompt too."""
    (encoder,) = encoders()
    table = encoder.module.get_input_embeddings().weight.detach()
    tokens = encoder.tokenizer.encode("starry blue")
    save("muse.pt", {"string_to_param": {"*": table[tokens].clone()}})
    for text in ("a {} painting", "{}", "a (painting of {}:1.3), {}"):
        named, plain = (encode_prompt([encoder], text.format(word, word), 1) for word in ("Muse", "starry blue"))
        assert torch.allclose(named.tokens, plain.tokens, atol=1e-6)
    assert not torch.allclose(encode_prompt([encoder], "a", 1).tokens, encode_prompt([encoder], "muse", 1).tokens)
    assert torch.equal(table, encoder.module.get_input_embeddings().weight), "the model itself is as it was"


def test_one_that_doesnt_fit_into_the_chunk_begins_another(save, encoders) -> None:
    (encoder,) = encoders()
    save("long.pt", {"string_to_param": {"*": rows(20)}})
    words = "blue " * 15
    one, two = encoder.chunks(words), encoder.chunks(f"{words}long blue")
    assert two[0].tokens == one[0].tokens and two[1].tokens[:20] == tuple(range(-1, -21, -1))
    assert len(two[1].tokens) == 20 + len(encoder.tokenizer.encode("blue"))
    save("longer.pt", {"string_to_param": {"*": rows(40)}})
    assert [len(chunk.tokens) for chunk in encoder.chunks("longer")] == [30, 10]


def test_both_parts_of_sdxl(save, encoders) -> None:
    two = encoders("sdxl")
    save("muse.safetensors", {"clip_l": rows(2), "clip_g": rows(2, seed=2)})
    named = encode_prompt(two, "muse", 1)
    with two[0].words.spoken(two[0].module, [0, -1, -2]) as ids:
        assert ids == [0, 0, 0]
        shown = two[0].module.get_input_embeddings()(torch.tensor([ids]))[0]
    assert torch.equal(shown[1:], rows(2)) and named.notes == ()


def test_another_models_is_a_word_and_a_note(save, encoders) -> None:
    """Stable Diffusion 1.5's embedding in SDXL fits one of the two: it is left out of both."""
    two = encoders("sdxl")
    plain = encode_prompt(two, "muse", 1)
    save("muse.pt", {"string_to_param": {"*": rows(2)}})
    cond = encode_prompt(two, "muse", 1)
    assert torch.equal(cond.tokens, plain.tokens)
    assert cond.notes == ("The embedding muse.pt doesn't fit this model: its name was read as a word.",)


def test_in_the_look_its_hash_and_its_note(small_file, picture, silent, save) -> None:
    path = small_file()
    fast = {"steps": 2, "width": 64, "height": 48, "anchor": False, "prompt": "a photo"}

    def made(prompt=None, **settings):
        look = open_look(f"sd:{path}", {**fast, **settings})
        styled = look.stylize([picture], [Key(0, prompt=prompt)], silent.report)[0]
        return styled.picture.rgb.astype(np.int16), look.identity(), styled.notes

    plain, before, _ = made(negative_prompt="muse")
    file = save("muse.pt", {"string_to_param": {"*": rows(4) * 3}})
    named, after, notes = made(negative_prompt="muse")
    assert abs(named - plain).max() > 0 and len(after["embeddings"]) == 1 and "embeddings" not in before
    own, identity, _ = made("a muse", negative_prompt="")
    assert "embeddings" not in identity and abs(own - made("a photo", negative_prompt="")[0]).max() > 0
    look = open_look(f"sd:{path}", fast)
    assert look.prompt_facts("a muse") == after["embeddings"] and look.prompt_facts("a photo") == []
    save(file.name, {"string_to_param": {"*": rows(4, 5)}})
    assert made(negative_prompt="muse")[2] == (
        "The embedding muse.pt doesn't fit this model: its name was read as a word.",)  # fmt: skip
    assert notes == ()
