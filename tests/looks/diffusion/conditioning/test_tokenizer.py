from __future__ import annotations

from pathlib import Path

import pytest
import transformers

from restrip.looks.diffusion.checkpoints.finding import TINY
from restrip.looks.diffusion.conditioning import tokenizer
from restrip.looks.diffusion.conditioning.tokenizer import clip_tokenizer, read_tokenizer

TEXTS = [
    "a photo of an astronaut riding a horse on mars",
    "A photo of  (a) cat's 12 ears, it'll; \"quoted\" _x_ é ü 日本 &amp; #42!!",
    "don't 3.5mm f/1.8 🎉 naïve o'clock 1girl, ½ x² a_b\n\ttab",
    "",
]


def test_golden_tokens() -> None:
    clip = clip_tokenizer()
    assert clip.encode(TEXTS[0]) == [320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496]
    assert (clip.start, clip.end, clip.pad, len(clip.vocabulary)) == (49406, 49407, 49407, 49408)
    assert clip_tokenizer("!").pad == 0


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_tokens_as_transformers(text: str) -> None:
    vocabulary, merges = tokenizer._clip_tables()
    theirs = transformers.CLIPTokenizer(vocab=vocabulary, merges=list(merges))
    assert clip_tokenizer().encode(text) == theirs(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("text", ["a warm pastel painting", TEXTS[1][:20]])
def test_a_folders_own_tokenizer(text: str, tmp_path: Path) -> None:
    theirs = transformers.CLIPTokenizer.from_pretrained(TINY / "tokenizer")
    expected = theirs(text, add_special_tokens=False)["input_ids"]
    assert read_tokenizer(TINY / "tokenizer").encode(text) == expected
    (tmp_path / "tokenizer.json").write_bytes((TINY / "tokenizer" / "tokenizer.json").read_bytes())
    assert read_tokenizer(tmp_path).encode(text) == expected
