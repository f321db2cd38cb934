"""The style networks that come with Restrip (data/networks): the one file that knows onnxruntime.

They run with float pictures. Up to ROOMY_PX onnxruntime keeps the memory between a network's layers (its arena) and
gives it back after each picture: else fetching it anew for each layer takes a third of the time. Larger pictures do
without, for there the arena doubles the peak.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from restrip.client.origin import install_line
from restrip.looks.look import LookUnavailable
from restrip.looks.style_transfer.brush_strokes import Floats

FOLDER = Path(__file__).parents[2] / "data" / "networks"
RELEASE = "0.1.0"
"""The release that these networks are of: a part of their identity, so that the cache knows keys made earlier."""
TILE_PX = 384
STYLE_PX = 256
LEAST_PX = 32
ROOMY_PX = 1024 * 768
"""Of pictures whose peak is no larger with an arena (MiB more, without and with: 640x272 235 and 54, 960x720 324 and
211, 1024x576 218 and 174, but 1024x1024 358 and 695)."""


class Network:
    """One of the networks in FOLDER, loaded when first run. Raises LookUnavailable."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = FOLDER / f"{name}.onnx"
        if not self.path.is_file():
            raise LookUnavailable(
                f"The network {self.path} is missing.",
                f"Install Restrip again: {install_line('engine')} --force-reinstall",
                path=str(self.path),
            )

    def identity(self) -> dict[str, str]:
        """Which network this is, to the byte."""
        return {
            "network": self.name,
            "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
            "package": RELEASE,
        }

    @property
    def device(self) -> str:
        """Where it runs: "cpu", or the name of the accelerator as onnxruntime has it."""
        provider = str(self._roomy.get_providers()[0])
        return "cpu" if provider == "CPUExecutionProvider" else provider.removesuffix("ExecutionProvider").lower()

    def run(self, *inputs: Any) -> Any:
        """The network's output for its inputs, in their order."""
        roomy = max(given.size for given in inputs) <= 3 * ROOMY_PX
        session = self._roomy if roomy else self._sparing
        names = [given.name for given in session.get_inputs()]
        return session.run(None, dict(zip(names, inputs, strict=True)), _giving_back() if roomy else None)[0]

    @cached_property
    def _roomy(self) -> Any:
        return self._session(arena=True)

    @cached_property
    def _sparing(self) -> Any:
        return self._session(arena=False)

    def _session(self, arena: bool) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise LookUnavailable(
                f"The built-in looks need onnxruntime, which can't be loaded: {error}.",
                f"Install it with: {install_line('engine')}",
            ) from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = arena
        options.enable_mem_pattern = False
        # Threads that wait would keep their cores busy, which other work needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        usable = set(onnxruntime.get_available_providers())
        wanted = [p for p in ("CUDAExecutionProvider", "DmlExecutionProvider", "CPUExecutionProvider") if p in usable]
        return onnxruntime.InferenceSession(str(self.path), options, providers=wanted)


def _giving_back() -> Any:
    """Of a run after which the arena gives its memory back."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


class ManyLooks:
    """26 looks in one network (Dumoulin et al. 2017, "A Learned Representation for Artistic Style")."""

    def __init__(self) -> None:
        self.network = Network("multistyle26")

    def paint(self, rgb: Floats, weights: Floats) -> Floats:
        """`rgb` [H, W, 3] in 0..1, both sides at least LEAST_PX, in the mix of looks `weights` [26] (sum 1)."""
        height, width = rgb.shape[:2]
        padded = np.pad(rgb, ((0, -height % 4), (0, -width % 4), (0, 0)), mode="reflect")
        painted = self.network.run(np.ascontiguousarray(padded.transpose(2, 0, 1)[None]), weights)
        return np.ascontiguousarray(np.clip(painted[0].transpose(1, 2, 0)[:height, :width], 0, 1))


class AnyStyle:
    """Any picture as a style (Ghiasi et al. 2017); both networks have a fixed size."""

    def __init__(self) -> None:
        self.predict = Network("arbitrary_predict")
        self.network = Network("arbitrary_transform")

    def style(self, square: Floats) -> Floats:
        """The 100 numbers that stand for the style of `square` [STYLE_PX, STYLE_PX, 3] in 0..1."""
        return self.predict.run(np.ascontiguousarray(square[None]))

    def paint(self, rgb: Floats, style: Floats) -> Floats:
        """`rgb` [H, W, 3] in 0..1, both sides at most TILE_PX, in a style."""
        height, width = rgb.shape[:2]
        padded = np.pad(rgb, ((0, TILE_PX - height), (0, TILE_PX - width), (0, 0)), mode="reflect")
        painted = self.network.run(np.ascontiguousarray(padded[None]), style)
        return np.ascontiguousarray(np.clip(painted[0][:height, :width], 0, 1))
