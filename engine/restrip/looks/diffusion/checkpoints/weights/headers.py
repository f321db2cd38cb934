"""What a weights file holds, by name and shape, without reading the weights and without torch."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints.weights.gguf_header import MAGIC, read_gguf_header
from restrip.media.files import MediaUnreadable, open_regular

Shapes = dict[str, tuple[int, ...]]

# The header of a file with thousands of tensors is about a megabyte; more than this is no header.
LARGEST_HEADER = 100 * 2**20

# What bitsandbytes writes beside a weight x.weight in 4 bits: x.weight.absmax, and how it is packed, as JSON.
FOUR_BITS = (".quant_state.bitsandbytes__nf4", ".quant_state.bitsandbytes__fp4")
FOUR_BIT_PARTS = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", *FOUR_BITS)

# Where pickled files keep their weights, if not at the top; the last one is that of A1111's embeddings.
INNER = ("state_dict", "model", "params_ema", "string_to_param")


class UnreadableCheckpoint(BadInput):
    """A weights file that is cut off, or is something else."""

    code = "unreadable-checkpoint"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path.name} can't be read as a checkpoint: {why}.",
            "Download or copy the file again, and compare its size with the original's.",
            path=str(path),
        )


class ForeignPickle(BadInput):
    """A pickled file that would run code of its own when it is opened."""

    code = "foreign-pickle"

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(
            f"{path.name} holds something else than weights ({name}); opening it could run code of its author.",
            "Use a .safetensors version of the model, which can't hold code.",
            path=str(path),
            object=name,
        )


def read_shapes(path: Path) -> Shapes:
    """The names and shapes of the tensors in a .safetensors, .gguf, .ckpt, .pt, .pth or .bin file.

    Weights that bitsandbytes packed in 4 bits have the shape of their numbers, and what belongs to them isn't told.
    Raises UnreadableCheckpoint, ForeignPickle, BadGguf.
    """
    try:
        with _opened(path) as file:
            start = file.read(16)
        if zipfile.is_zipfile(path):
            return _zip_shapes(path)
        if path.suffix == ".safetensors":
            return _safetensors_shapes(path)
        if start[:4] == MAGIC:
            return {name: tensor.shape for name, tensor in read_gguf_header(path).tensors.items()}
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableCheckpoint(path, str(error)) from error
    if start[:1] == b"\x80":
        raise UnreadableCheckpoint(path, "it was saved by a PyTorch before 1.6; convert it to .safetensors")
    raise UnreadableCheckpoint(path, "it is neither safetensors nor a PyTorch file")


def read_metadata(path: Path) -> dict[str, str]:
    """What a .safetensors file says about itself, in its author's words; nothing for other files.

    Raises UnreadableCheckpoint.
    """
    if path.suffix != ".safetensors":
        return {}
    try:
        told = _safetensors_header(path)[0].get("__metadata__")
    except OSError as error:
        raise UnreadableCheckpoint(path, str(error)) from error
    return {str(name): str(value) for name, value in told.items()} if isinstance(told, dict) else {}


def _safetensors_shapes(path: Path) -> Shapes:
    header, begins, size = _safetensors_header(path)
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    end = max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
    if begins + end > size:
        raise UnreadableCheckpoint(path, f"it is cut off, {begins + end - size} bytes are missing")
    shapes = {name: tuple(entry["shape"]) for name, entry in tensors.items()}
    for state in [name for name in shapes if name.endswith(FOUR_BITS)]:
        name = state.partition(".quant_state.")[0]
        try:
            told = read_quant_state(_bytes(path, begins, tensors[state]["data_offsets"]))
        except (KeyError, ValueError, TypeError) as error:
            raise UnreadableCheckpoint(path, f"how {name} is packed in 4 bits can't be read") from error
        for part in FOUR_BIT_PARTS:
            shapes.pop(name + part, None)
        shapes[name] = told["shape"]
    return shapes


def read_quant_state(told: bytes) -> dict[str, Any]:
    """How a weight is packed in 4 bits, its `shape` a tuple. Raises ValueError, TypeError, KeyError."""
    state = json.loads(told)
    state["shape"] = tuple(int(side) for side in state["shape"])
    state["blocksize"] = int(state["blocksize"])
    if not state["shape"] or min(*state["shape"], state["blocksize"]) < 1:
        raise ValueError(state["shape"])
    return dict(state)


def _opened(path: Path) -> BinaryIO:
    """A file that lies on a disk: a pipe would keep its reader waiting. Raises UnreadableCheckpoint, OSError."""
    try:
        return open_regular(path)
    except MediaUnreadable as error:
        raise UnreadableCheckpoint(path, str(error.detail["why"])) from error


def _bytes(path: Path, begins: int, offsets: list[int]) -> bytes:
    with path.open("rb") as file:
        file.seek(begins + offsets[0])
        return file.read(min(offsets[1] - offsets[0], LARGEST_HEADER))


def _safetensors_header(path: Path) -> tuple[dict[str, Any], int, int]:
    """A file's header, where the weights begin, and the file's size."""
    size = path.stat().st_size
    with _opened(path) as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise UnreadableCheckpoint(path, "its header is cut off")
        try:
            header = json.loads(file.read(length))
        except ValueError as error:
            raise UnreadableCheckpoint(path, "its header is damaged") from error
    return header, 8 + length, size


class _Stub:
    """Stands for anything that may be pickled beside the weights and isn't needed."""

    def __init__(self, *args: object) -> None:
        self.args = args

    def __setstate__(self, state: object) -> None:
        """Drop it."""


def _shape_of_tensor(storage: object, offset: int, size: tuple[int, ...], *rest: object) -> tuple[int, ...]:
    return tuple(size)


def _inner_parameter(data: Any, *rest: object) -> Any:
    return data


ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _shape_of_tensor,
    ("torch._utils", "_rebuild_parameter"): _inner_parameter,
    ("_codecs", "encode"): _Stub,
    ("torch", "Size"): tuple,
    ("torch", "device"): _Stub,
    ("numpy", "dtype"): _Stub,
    ("numpy", "ndarray"): _Stub,
    ("numpy.core.multiarray", "scalar"): _Stub,
    ("numpy._core.multiarray", "scalar"): _Stub,
    # Training scripts of the first Stable Diffusion models left this beside the weights.
    ("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"): _Stub,
}


class _Shapes(pickle.Unpickler):
    """Builds shapes where tensors are, and refuses everything that isn't part of a weights file."""

    def __init__(self, file: Any, path: Path) -> None:
        super().__init__(file)
        self.path = path

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ALLOWED:
            return ALLOWED[module, name]
        if module in ("torch", "torch.storage") and (
            name.endswith("Storage") or name.startswith(("float", "int", "bf"))
        ):
            return _Stub
        raise ForeignPickle(self.path, f"{module}.{name}")

    def persistent_load(self, pid: object) -> Any:
        return pid


def _zip_shapes(path: Path) -> Shapes:
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if not pickles:
            raise UnreadableCheckpoint(path, "it is an archive without weights")
        with archive.open(pickles[0]) as file:
            try:
                content = _Shapes(file, path).load()
            except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, KeyError) as error:
                raise UnreadableCheckpoint(path, f"its list of weights is damaged ({error})") from error
    return {name: shape for name, shape in _flat(content).items() if isinstance(shape, tuple)}


def _flat(content: Any) -> dict[str, Any]:
    """The state dict, which may lie one level deeper."""
    for inner in INNER:
        if isinstance(content, dict) and isinstance(content.get(inner), dict):
            return _flat(content[inner])
    return {str(name): value for name, value in content.items()} if isinstance(content, dict) else {}
