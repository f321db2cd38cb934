"""What is known of a family of models before one of them is loaded: a row of the table. Without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints.companions import Wanted
from restrip.looks.diffusion.checkpoints.weights.headers import Shapes
from restrip.looks.diffusion.sampling.distillation import Distillation

# Where the noise of a key may come from; see the setting "noise".
NOISES = frozenset({"seeded", "exact", "adjusted", "plain", "warped"})


class UnsupportedByFamily(BadInput):
    """A setting that asks for something which the model's family doesn't have."""

    code = "unsupported-by-family"

    def __init__(self, family: str, what: str, remedy: str) -> None:
        super().__init__(f"{family} has no {what} here.", remedy, family=family, what=what)


@dataclass(frozen=True)
class MemoryCoefficients:
    """In the network's first precision: MiB of weights, and live MiB per million (2^20) pixels.

    `network_mib_a_mpx` is for one row of the network's batch (guidance makes two of each frame), `vae_mib_a_mpx` for
    one picture in the VAE's own precision.
    """

    weights_mib: int
    network_mib_a_mpx: float
    vae_mib_a_mpx: float


@dataclass(frozen=True)
class Supports:
    """What the shared pipeline may do with a family's network.

    `style_picture` is how keys take on a picture's style: "attention", by what the network sees in it, "reference", as
    one more picture that the family's network is given, or "" where they can't.
    `negative_prompt`: whether its network is asked without the prompt too, and told what must not come.
    `ignores` are settings that change nothing with it, beside those that follow from the rest.
    `samplers`, `schedules` and `predictions` are the values of these settings that it takes, None for all.
    `references`: it edits pictures, and looks at the frame, a style picture and the finished anchor while it does.
    """

    anchor_attention: bool = True
    references: bool = False
    lora: bool = True
    controlnet: bool = True
    style_picture: Literal["", "attention", "reference"] = ""
    ip_adapter: bool = False
    negative_prompt: bool = True
    ignores: frozenset[str] = frozenset()
    noises: frozenset[str] = NOISES
    samplers: frozenset[str] | None = None
    schedules: frozenset[str] | None = None
    predictions: frozenset[str] | None = frozenset({"auto"})


class Recognizer(Protocol):
    """Tells families by their files. Several rows may share one."""

    def in_file(self, shapes: Shapes) -> str | None:
        """The family of a file with weights of these names and shapes: a row's name, "unknown (its name)", or None."""

    def in_folder(self, index: Mapping[str, Any], network: Mapping[str, Any]) -> str | None:
        """The family of a diffusers folder by its index and its network's config: a row's name, why it can't be used
        ("it is ..."), or None when the network is of another kind."""


def counted_from_the_whole(steps: int, strength: float) -> int:
    """Evaluations of the network as A1111 counts them: steps are the whole schedule's, img2img enters on its way."""
    return int(min(strength, 0.999) * steps) + 1


def counted_as_ddim(steps: int, strength: float) -> int:
    """Evaluations of A1111's DDIM: the step at which noise is added and the one after the last aren't asked at.

    Where that would leave none, as at very little strength, there is one.
    """
    return max(int(min(strength, 0.999) * steps) - 1, 1)


def counted_below_the_start(steps: int, strength: float) -> int:
    """Evaluations where all steps lie below the sigma that the strength begins at."""
    return steps


@dataclass(frozen=True)
class Family:
    """A kind of model. What isn't `runnable` is an add-on of other models.

    `native_px` is the square side in pixels that it was trained on, `multiple_px` what its sides are multiples of.
    `opener` is the module with its `open_model`; `part` is its network's folder in diffusers' layout.
    `ladder` are the precisions to try on a GPU, the first one first; `full_vae` is whether its VAE overflows in half
    precision. `inpainting`: the network is told what a matte hides. `speed` is "fast" for about as much work an
    evaluation as Stable Diffusion 1.5 at its size, "medium" for up to ten times as much, else "slow".
    `evaluations(steps, strength)` is how often one picture asks the network. `wanted(shapes)` says what its single
    files need beside them, `few_steps` how it runs unless the model's name says that it isn't distilled.
    `license` is that of its authors' weights, "" where they differ.
    """

    name: str
    label: str
    native_px: int = 512
    runnable: bool = True
    multiple_px: int = 8
    opener: str = ""
    part: str = "unet"
    recognizer: Recognizer | None = None
    memory: MemoryCoefficients = MemoryCoefficients(0, 0, 0)
    supports: Supports = field(default_factory=Supports)
    ladder: tuple[str, ...] = ("float16", "bfloat16", "float32")
    full_vae: bool = False
    inpainting: bool = False
    speed: Literal["fast", "medium", "slow"] = "medium"
    evaluations: Callable[[int, float], int] = counted_from_the_whole
    wanted: Callable[[Shapes], Wanted] | None = None
    few_steps: Distillation | None = None
    license: str = ""

    def native_px_of(self, network: Mapping[str, Any], vae: Mapping[str, Any]) -> int:
        """The side that a model in a folder was trained on, by its configs."""
        return self.native_px
