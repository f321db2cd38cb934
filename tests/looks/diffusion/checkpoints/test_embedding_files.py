from __future__ import annotations

from pathlib import Path

import pytest

from restrip.looks.diffusion.checkpoints.embedding_files import embedding_files, embeddings_in, renamed_embeddings
from restrip.looks.diffusion.checkpoints.finding import MissingCheckpoint


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A1111's folder beside ComfyUI's, with names that lie in each other."""
    for name in ("embeddings/easynegative.safetensors", "models/embeddings/sub/Bad-Hands-5.pt", "embeddings/easy.pt",
                 "embeddings/readme.txt", "models/embeddings/easy.bin"):  # fmt: skip
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    monkeypatch.setenv("RESTRIP_MODELS", str(tmp_path))
    return tmp_path


def test_files_by_their_names(folder: Path) -> None:
    assert embedding_files() == {
        "easynegative": folder / "embeddings" / "easynegative.safetensors",
        "easy": folder / "embeddings" / "easy.pt",
        "bad-hands-5": folder / "models" / "embeddings" / "sub" / "Bad-Hands-5.pt",
    }


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("blurry, EasyNegative, (bad-hands-5:1.2)", ["easynegative", "bad-hands-5"]),
        ("easy, easynegative", ["easy", "easynegative"]),
        ("an uneasy fox, easygoing, easy_1, 2easy", []),
        ("embedding:easynegative.pt and embedding:easy", ["easynegative", "easy"]),
        ("<lora:easy:1> <lyco:easynegative>", []),
        ("nothing of the kind", []),
        ("", []),
    ],
)
def test_what_a_prompt_names(folder: Path, prompt: str, names: list[str]) -> None:
    assert [one.name for one in embeddings_in(prompt)] == names


def test_places_are_those_of_the_text(folder: Path) -> None:
    prompt = "a, <lora:x:1> embedding:Easy.pt, b"
    (one,) = embeddings_in(prompt)
    assert prompt[one.start : one.end] == "embedding:Easy.pt"


@pytest.mark.parametrize(
    "prompt", ["embedding:nowhere", "<embedding:/nowhere.pt>", "<embedding:{folder}/embeddings/readme.txt>"]
)
def test_one_that_is_asked_for_and_missing_is_an_error(folder: Path, prompt: str) -> None:
    with pytest.raises(MissingCheckpoint):
        embeddings_in(prompt.format(folder=folder))


def test_moved_to_another_computer(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The words around stay, a word that only looks like another file's name too; there no folder is needed."""
    there = tmp_path / "received.pt"
    there.write_bytes(b"")
    prompt = "easy, a grain of (easynegative:1.2), easynegative"
    moved = renamed_embeddings(prompt, {"embedding:easynegative": str(there), "grain": "/elsewhere"})
    assert moved == f"easy, a grain of (<embedding:{there}>:1.2), <embedding:{there}>"
    assert renamed_embeddings(prompt, {"easynegative": "/a/lora"}) == prompt
    monkeypatch.setenv("RESTRIP_MODELS", "")
    assert [one.path for one in embeddings_in(moved)] == [there, there]
