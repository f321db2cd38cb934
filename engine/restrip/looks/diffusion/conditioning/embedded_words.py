"""Embeddings in prompts: words for which a file holds the vectors (Gal et al. 2023, section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from restrip.looks.diffusion.checkpoints.embedding_files import NamedEmbedding, embeddings_in
from restrip.looks.diffusion.checkpoints.weights.safe_weights import read_weights

CLIP_L, CLIP_G = "clip_l", "clip_g"

# A file as it was when it was read: models stay loaded from job to job, and files are replaced meanwhile.
Seen = tuple[Path, int, int]


def _seen(path: Path) -> Seen:
    stat = path.stat()
    return path, stat.st_mtime_ns, stat.st_size


def read_embedding(path: Path, part: str, width: int) -> torch.Tensor | None:
    """The vectors [n, width] float32 that a file holds for a text encoder; None when it has none of that width.

    Files for SDXL hold "clip_l" and "clip_g"; others have one entry: A1111 names it "*", diffusers by its word.
    Raises UnreadableCheckpoint, ForeignPickle.
    """
    weights = read_weights(path)
    if part == CLIP_G or {CLIP_L, CLIP_G} & weights.keys():
        weights = {part: weights[part]} if part in weights else {}
    entries = list(weights.values())
    rows = [value.float().reshape(-1, value.shape[-1]) for value in entries if value.dim() in (1, 2)]
    return next((vectors for vectors in rows if vectors.shape[-1] == width), None)


class EmbeddedWords:
    """The embeddings that the prompts of one text encoder name, each read once.

    A token below zero stands for a row: -1 for the first.
    """

    def __init__(self, part: str, width: int) -> None:
        self.part, self.width = part, width
        self._rows: list[torch.Tensor] = []
        self._tokens: dict[Seen, list[int]] = {}

    def split(self, text: str) -> list[str | list[int]]:
        """The text, with the tokens of an embedding where one is named. Raises the errors of reading it."""
        parts: list[str | list[int]] = []
        at = 0
        for one in embeddings_in(text):
            tokens = self._of(one)
            if tokens:
                parts += [text[at : one.start], tokens]
                at = one.end
        return [part for part in (*parts, text[at:]) if part]

    def unfitting_in(self, prompt: str) -> set[Path]:
        """The files that a prompt names and that have nothing for this text encoder."""
        return {one.path for one in embeddings_in(prompt) if not self._of(one)}

    def leave_out(self, paths: Iterable[Path]) -> None:
        """Read the names of these files as words: another text encoder of the model has no use for them."""
        self._tokens.update((_seen(path), []) for path in paths)

    def _of(self, one: NamedEmbedding) -> list[int]:
        seen = _seen(one.path)
        if seen not in self._tokens:
            vectors = read_embedding(one.path, self.part, self.width)
            new = [] if vectors is None else list(vectors)
            first = len(self._rows)
            self._rows += new
            self._tokens[seen] = [-1 - n for n in range(first, first + len(new))]
        return self._tokens[seen]

    @contextmanager
    def spoken(self, module: Any, ids: list[int]) -> Iterator[list[int]]:
        """`ids` as the text model takes them; while this holds it reads the embeddings' rows in their places."""
        rows = {place: self._rows[-1 - token] for place, token in enumerate(ids) if token < 0}
        if not rows:
            yield ids
            return

        def replaced(_: Any, __: Any, embedded: torch.Tensor) -> torch.Tensor:
            embedded = embedded.clone()
            for place, row in rows.items():
                embedded[:, place] = row.to(embedded)
            return embedded

        hook = module.get_input_embeddings().register_forward_hook(replaced)
        try:
            yield [max(token, 0) for token in ids]
        finally:
            hook.remove()
