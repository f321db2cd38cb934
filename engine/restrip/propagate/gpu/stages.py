"""Which kernels do the work: Triton's where they run, else torch operations. All of one signature."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from restrip.cuda.graph_recorder import GraphRecorder, Recorder
from restrip.propagate.gpu import decoded, descriptors, filters, mixing, motion, patchmatch, vote
from restrip.propagate.gpu.decoded import RgbOf
from restrip.propagate.gpu.graphs import Graphs
from restrip.propagate.gpu.motion import Shown
from restrip.propagate.gpu.strokes import blocks, coded, places, sewing, stillness


@dataclass(frozen=True)
class Stages:
    """The stages that have more than one implementation, and where they run."""

    name: str
    device: torch.device
    recorder: Callable[[], Recorder] | None
    rgb_of: RgbOf
    shown: Callable[[Tensor], Shown]
    flows_to: Callable[..., Tensor]
    led: Callable[..., Tensor]
    rebuilt: Callable[..., Tensor]
    relit_for: Callable[..., tuple[Tensor, Tensor, Tensor]]
    describe: Callable[..., Tensor]
    start: Callable[..., tuple[Tensor, Tensor]]
    sweep: Callable[..., None]
    read: Callable[..., tuple[Tensor, Tensor]]
    vote: Callable[..., tuple[Tensor, Tensor]]
    weighed: Callable[[list[tuple[Tensor, Tensor]]], Any]
    rendered: Callable[..., Tensor]
    filtered: Callable[..., Tensor]
    lay_blocks: Callable[..., None]
    sew: Callable[..., None]
    moved: Callable[..., Tensor]
    judge: Callable[..., Tensor]
    lay: Callable[..., Tensor]
    steepness: Callable[[Tensor], Tensor]
    off_by: Callable[[Tensor, Tensor, Tensor], Tensor]
    resting: Callable[[Tensor], Tensor]
    places: Callable[[Tensor], Tensor]
    flow_of: Callable[[Tensor], Tensor]
    taken_at: Callable[[Tensor, Tensor], Tensor]
    coded: Callable[[list[Tensor], bool], Tensor]
    graphs: Graphs = field(default_factory=Graphs)

    def recording(self, failed: Callable[[str], None]) -> Stages:
        """The same, where one segment's work is recorded, if it can be; `failed` is told why not."""
        return self if self.recorder is None else replace(self, graphs=Graphs(self.recorder(), failed))


def stages_on(device: torch.device) -> Stages:
    """Triton's kernels on NVIDIA's GPUs where Triton is installed (it comes with torch on Linux), else torch's."""
    if device.type == "cuda" and torch.version.hip is None and importlib.util.find_spec("triton") is not None:
        return triton_stages(device)
    return torch_stages(device)


def torch_stages(device: torch.device) -> Stages:
    """Torch operations, on any device."""
    return Stages(
        "torch",
        device,
        None,  # it asks for values
        decoded.rgb_of,
        motion.shown,
        motion.flows_to,
        motion.led,
        motion.rebuilt,
        motion.relit_for,
        descriptors.describe,
        patchmatch.start,
        patchmatch.sweep,
        vote.read,
        vote.vote,
        mixing.VoteTensors.of,
        mixing.rendered,
        filters.filtered,
        blocks.lay_blocks,
        sewing.sew,
        sewing.moved,
        sewing.judge,
        sewing.lay,
        filters.steepness,
        stillness.off_by,
        stillness.resting,
        places.places,
        places.flow_of,
        places.taken_at,
        coded.coded,
    )


def triton_stages(device: torch.device) -> Stages:
    """Triton's kernels; on the CPU only under TRITON_INTERPRET=1, for tests."""
    from restrip.propagate.gpu.kernels import (
        blocks_triton,
        coded_triton,
        decoded_triton,
        descriptors_triton,
        filter_triton,
        mixing_triton,
        motion_triton,
        patchmatch_triton,
        pieces_triton,
        places_triton,
        stillness_triton,
        vote_triton,
    )

    return Stages(
        "triton",
        device,
        GraphRecorder if device.type == "cuda" else None,
        decoded_triton.rgb_of,
        motion_triton.shown,
        motion_triton.flows_to,
        motion_triton.led,
        motion_triton.rebuilt,
        motion_triton.relit_for,
        descriptors_triton.describe,
        patchmatch_triton.start,
        patchmatch_triton.sweep,
        vote_triton.read,
        vote_triton.vote,
        mixing_triton.weighed,
        mixing_triton.rendered,
        filter_triton.filtered,
        blocks_triton.lay_blocks,
        pieces_triton.sew,
        pieces_triton.moved,
        pieces_triton.judge,
        pieces_triton.lay,
        filter_triton.steepness,
        stillness_triton.off_by,
        stillness_triton.resting,
        places_triton.places,
        places_triton.flow_of,
        places_triton.taken_at,
        coded_triton.coded,
    )
