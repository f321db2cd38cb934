"""What a GGUF file holds, by name, kind and shape, without reading the weights. Standard library only.

"GGUF" version  tensors  values  | name type value ... | name dimensions kind offset ... | padding | weights
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from restrip.errors import BadInput

MAGIC = b"GGUF"
VERSIONS = (2, 3)

# What a value's type number means to struct; 8 is a text, 9 a list.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, LIST = 8, 9

# More of any of these is no header of a model.
MOST_TENSORS, MOST_VALUES, MOST_BYTES, MOST_DIMENSIONS = 100_000, 100_000, 1 << 24, 8


class BadGguf(BadInput):
    """A GGUF file whose header is cut off or damaged."""

    code = "bad-gguf"


@dataclass(frozen=True)
class GgufTensor:
    """A weight: its shape, its kind's number (0 float32, 1 float16, 12 Q4_K ...) and where its bytes begin."""

    shape: tuple[int, ...]
    kind: int
    begins: int


@dataclass(frozen=True)
class GgufHeader:
    """The weights by their names, and what the file says of itself: numbers, texts, lists of them."""

    tensors: dict[str, GgufTensor]
    values: dict[str, Any]


def read_gguf_header(path: Path, *, lists: bool = False) -> GgufHeader:
    """The header; long lists (a tokenizer's words) are skipped unless `lists`. Raises BadGguf, OSError."""
    with path.open("rb") as file:
        try:
            return _header(file, path.stat().st_size, lists)
        except (struct.error, ValueError, UnicodeDecodeError, KeyError, OverflowError, MemoryError) as error:
            raise BadGguf(
                f"{path.name} is no whole GGUF file: {error or 'its header is damaged'}.",
                "Download or copy the file again, and compare its size with the original's.",
                path=str(path),
            ) from error


def _header(file: BinaryIO, size: int, lists: bool) -> GgufHeader:
    magic, version = file.read(4), _number(file, "I")
    if magic != MAGIC or version not in VERSIONS:
        raise ValueError(f"its version {version} isn't known")
    tensors, values = _number(file, "Q"), _number(file, "Q")
    if tensors > MOST_TENSORS or values > MOST_VALUES:
        raise ValueError("its header is damaged")
    told: dict[str, Any] = {}
    for _ in range(values):
        name = _text(file)
        told[name] = _value(file, _number(file, "I"), lists)
    found = []
    for _ in range(tensors):
        name, dimensions = _text(file), _number(file, "I")
        if dimensions > MOST_DIMENSIONS:
            raise ValueError("its header is damaged")
        shape = tuple(_number(file, "Q") for _ in range(dimensions))[::-1]
        found.append((name, shape, _number(file, "I"), _number(file, "Q")))
    align = int(told.get("general.alignment") or 32)
    begins = -(-file.tell() // align) * align
    if any(begins + offset >= size for *_, offset in found):
        raise ValueError("it is cut off")
    tensors_found = {}
    for name, shape, kind, offset in found:
        # ComfyUI's files say here which shape a weight had before sides of 1 were left out.
        own = told.get(f"comfy.gguf.orig_shape.{name}") or shape
        if min(own, default=1) < 0 or math.prod(own) != math.prod(shape):
            raise ValueError(f"it tells another size of {name} than it has")
        tensors_found[name] = GgufTensor(tuple(own), kind, begins + offset)
    return GgufHeader(tensors_found, told)


def _number(file: BinaryIO, form: str) -> Any:
    length = struct.calcsize("<" + form)
    return struct.unpack("<" + form, file.read(length))[0]


def _text(file: BinaryIO) -> str:
    length = _number(file, "Q")
    if length > MOST_BYTES:
        raise ValueError("its header is damaged")
    raw = file.read(length)
    if len(raw) < length:
        raise ValueError("its header is cut off")
    return raw.decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int, lists: bool) -> Any:
    if kind == TEXT:
        return _text(file)
    if kind != LIST:
        return _number(file, SCALARS[kind])
    inner, count = _number(file, "I"), _number(file, "Q")
    if count > MOST_BYTES:
        raise ValueError("its header is damaged")
    if inner == TEXT:
        if lists:
            return [_text(file) for _ in range(count)]
        for _ in range(count):
            file.seek(_number(file, "Q"), 1)
        return None
    raw = file.read(count * struct.calcsize("<" + SCALARS[inner]))
    return list(struct.unpack(f"<{count}{SCALARS[inner]}", raw)) if lists or count < 16 else None
