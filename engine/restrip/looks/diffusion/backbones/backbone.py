"""What the shared pipeline asks of a loaded network, whatever its family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch

from restrip.looks.diffusion.backbones.family import Family, UnsupportedByFamily
from restrip.looks.diffusion.backbones.latents import Latents
from restrip.looks.diffusion.backbones.prediction import Prediction

if TYPE_CHECKING:
    from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile
    from restrip.looks.diffusion.conditioning.text_encoders import Cond
    from restrip.looks.diffusion.consistency.anchor_attention import AnchorAttention
    from restrip.looks.diffusion.runtime.offload import Offload
    from restrip.looks.diffusion.sampling.schedules import NoiseSchedule

# What ControlNets add to one evaluation, as their backbone takes it.
Control = Callable[..., Any]
# Makes a Control of hints [rows, 3, h, w] in 0..1, one a ControlNet, in a precision.
Controls = Callable[[Sequence[torch.Tensor], torch.dtype], Control]

# Makes latents of pictures [rows, 3, h, w] in -1..1.
Encode = Callable[[torch.Tensor], torch.Tensor]


class TextConditioning(Protocol):
    """Turns prompts into what a family's network is told. `parts` are its networks, by diffusers' names."""

    @property
    def parts(self) -> dict[str, Any]:
        """Its networks by the names of their folders, as LoRA files name them too."""

    def encode(self, prompt: str, clip_skip: int = 1, *, negative: bool = False) -> Cond:
        """A prompt's embeddings; `negative` is what the network is told in place of a prompt that must not come."""

    def at_work(self, turns: Offload) -> AbstractContextManager[None]:
        """While this holds, several prompts are read: an encoder that is freed behind each one stays, on the device of
        `turns`.
        """


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture that an edit model looks at: clean latents [rows or 1, channels, h, w] of any size.

    `weight` is how much it is looked at: 1 as much as at the picture that is made, 0 not at all.
    """

    latents: torch.Tensor
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Call:
    """One evaluation: the state x = z + sigma * noise of all rows, [rows, channels, h, w] float32.

    The network sees the rows `groups` times, each group with its own part of `inputs` (without and with the prompt).
    `extra` [rows, channels, h, w] is what an inpainting network sees beside the latents, `control` what ControlNets
    add, `done` the share of the steps that is behind. `snapped`: at a step that consistency models know, where the
    family has such. `references` are what an edit model looks at, in its order.
    """

    x: torch.Tensor
    sigma: float
    groups: int
    inputs: dict[str, Any]
    extra: torch.Tensor | None = None
    control: Control | None = None
    done: float = 0.0
    snapped: bool = False
    references: tuple[Reference, ...] = ()


class Backbone(ABC):
    """A family's network with what belongs to it. Subclasses are dataclasses of these fields and their own."""

    family: Family
    network: Any
    schedule: NoiseSchedule
    prediction: Prediction

    # How its weights lie in a GPU's memory; None leaves them.
    memory_format: torch.memory_format | None = None

    # Whether an evaluation can be recorded on a GPU and replayed: nothing in it asks the processor or waits for it.
    replayable = False

    @property
    def blocks(self) -> tuple[str, ...]:
        """Class names of the blocks that the network repeats, which are compiled each by itself; diffusers' networks
        say theirs. Without any the network is compiled as a whole.
        """
        return tuple(getattr(self.network, "_repeated_blocks", None) or ())

    @abstractmethod
    def inputs(self, conds: Sequence[Cond], size: tuple[int, int], like: torch.Tensor) -> dict[str, Any]:
        """The prompts of all rows of a batch as the network takes them, the same for every step.

        `size` is (width, height) of the pictures; the tensors are on `like`'s device and of its type.
        """

    @abstractmethod
    def output(self, network: Any, call: Call) -> torch.Tensor:
        """What `network` (this one, or its copy in another precision) gives: [groups * rows, channels, h, w] float32,
        to be read by `prediction`."""

    def settle(self, device: torch.device) -> None:
        """Move the network to a GPU, its weights as that likes them; what it gives stays the same."""
        self.network.to(device, **({"memory_format": self.memory_format} if self.memory_format else {}))

    @property
    def inpainting(self) -> bool:
        """Whether the network sees a mask and the masked picture beside the latents."""
        return False

    def schedule_at(self, size: tuple[int, int]) -> NoiseSchedule:
        """The schedule of pictures of that size (width, height) in pixels."""
        return self.schedule

    def latents(self, vae: Any) -> Latents:
        """Shape and scaling of the latents of a VAE."""
        return Latents.of(vae)

    def anchor_attention(self, network: Any, strength: float, adain: bool) -> AnchorAttention:
        """The self-attentions of `network`, to be made to see an anchor's. Raises UnsupportedByFamily."""
        raise self.lacks("anchor attention")

    def controls(
        self, files: Sequence[ControlFile], dtype: torch.dtype, device: torch.device, encode: Encode | None = None
    ) -> Controls:
        """The ControlNets of these files, loaded; `encode` makes latents of pictures, for those that see such.

        Raises UnsupportedByFamily, and the errors of loading.
        """
        raise self.lacks("ControlNet")

    def layer_of(self, flat: str) -> str:
        """A layer that LoRA files name as the original code does, by diffusers' name; both with "_" for "."."""
        return flat

    def fused_layers(self, flat: str) -> tuple[str, ...]:
        """The layers, one below the other, that the original code has in one of this name; all with "_" for "."."""
        return ()

    def lacks(self, what: str) -> UnsupportedByFamily:
        """The error for what this family doesn't have."""
        return UnsupportedByFamily(self.family.label, what, f"Leave {what} out, or use a model of another family.")
