"""The fast ways of one pipeline's networks: which of them a batch goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from restrip.cuda.graph_recorder import GraphRecorder
from restrip.looks.diffusion.runtime.speed.break_even import BreakEven
from restrip.looks.diffusion.runtime.speed.nests import Places
from restrip.looks.diffusion.runtime.speed.norms import ChannelsLastNorm
from restrip.looks.diffusion.runtime.speed.regions import Regions
from restrip.looks.diffusion.runtime.speed.replay import Replayed

if TYPE_CHECKING:
    from restrip.looks.diffusion.runtime.model_session import Session
    from restrip.looks.diffusion.runtime.vae import Vae

# The blocks of VAEs that are compiled each by itself.
VAE_BLOCKS = ("ResnetBlock2D", "AutoencoderTinyBlock")


@dataclass(frozen=True)
class BatchKind:
    """What batches have in common that take equally long: how they see an anchor, and how many rows they have."""

    anchor: str
    rows: int


@dataclass
class Compiled:
    """Whether a pipeline's networks are compiled, as `asked` for and kept in `folder`, and their evaluations recorded
    (`replay`).
    """

    # What compiles, and what records where it isn't a GPU's graphs: others in tests.
    backend: ClassVar[Any] = "inductor"
    recorder: ClassVar[Any] = None

    session: Session
    vae: Vae
    size: tuple[int, int]
    folder: Path
    on: bool = False
    # Whether a recording, which keeps the memory that it works in, fits beside all else.
    room: bool = True
    network: Regions | None = None
    replayed: Replayed | None = None
    break_even: BreakEven = field(init=False)

    def __post_init__(self) -> None:
        self.break_even = BreakEven(self.folder / "measured.json")

    @property
    def device(self) -> torch.device:
        """Where the networks work."""
        return self.session.model.device

    def choose(self, kind: BatchKind, keys: int) -> None:
        """Go the way that is best for a batch, with so many keys of its kind to come, itself among them."""
        on = self.pays(kind, keys)
        if on and self.network is None:
            backbone = self.session.model.backbone
            self.network = Regions(backbone.network, backbone.blocks, self.folder, self._beside, self.backend)
            self.vae.regions = Regions(self.vae.module, VAE_BLOCKS, self.folder, backend=self.backend)
        self.vae.compiled = on
        network: Any = self.network if on else None
        if self.replays():
            if self.replayed is None or on != self.on:
                inner = self.session.model.network if network is None else network
                self.replayed = Replayed(
                    inner, self.recorder or GraphRecorder(make_room=True), self._beside, self._moves
                )
            network = self.replayed
        else:
            self.replayed = None
        self.session.fast, self.on = network, on

    def pays(self, kind: BatchKind, keys: int) -> bool:
        """Whether to compile: as asked for ("on", "off"), or on a GPU where so many keys to come are worth it."""
        asked = self.session.recipe.compile
        if asked != "auto":
            return asked == "on"
        return self.device.type == "cuda" and self.break_even.pays(self._name(kind), keys * self.session.ticks)

    def replays(self) -> bool:
        """Whether evaluations are recorded: where asked for, on a GPU whose networks stay where they are.

        The words that an IP-Adapter reads off a picture lie elsewhere in each batch.
        """
        model = self.session.model
        if self.session.words is not None:
            return False
        there = self.room and (self.device.type == "cuda" or self.recorder is not None)
        return self.session.recipe.replay and there and model.backbone.replayable and not model.turns.active

    def took(self, kind: BatchKind, seconds: float) -> None:
        """Remember what a whole batch took, none of whose rows was made again."""
        if self.device.type == "cuda":
            self.break_even.took(self._name(kind), seconds, kind.rows * self.session.ticks, compiled=self.on)

    def forget(self) -> None:
        """Give back what recordings hold."""
        if self.replayed is not None:
            self.replayed.forget()

    def notes(self) -> tuple[str, ...]:
        """What the user should know of ways that could not be gone."""
        parts = (("compiled", self.network), ("compiled", self.vae.regions), ("recorded", self.replayed))
        failed = {(what, part.failed) for what, part in parts if part is not None and part.failed}
        own = ChannelsLastNorm.failed
        recipe = self.session.recipe
        idle = recipe.guided_every != 1 and self.session.words is not None
        return (
            *(['"Guidance every" isn\'t used beside an IP-Adapter.'] if idle else ()),
            *(
                f"The networks couldn't be {what} ({why}): keys are made as without that."
                for what, why in sorted(failed)
            ),
            *([f"Kernels for normalizing couldn't be used ({own}): keys are made as without them."] if own else ()),
        )

    def _moves(self) -> int:
        return self.session.model.turns.moves

    def _beside(self) -> Places | None:
        return self.session.beside

    def _name(self, kind: BatchKind) -> str:
        """What a batch's time hangs on, as the file of times names it."""
        where = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"
        recipe = self.session.recipe
        guided = "" if recipe.cfg_scale == 1 else f", guided every {recipe.guided_every}"
        width, height = self.size
        return (
            f"{where}, torch {torch.__version__}, {self.session.model.family.name} {width}x{height}, "
            f"{kind.rows} rows {kind.anchor}{guided}"
        )
