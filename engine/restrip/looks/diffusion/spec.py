"""What a diffusion look was opened with, for those who make its pictures. Without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from restrip.looks.diffusion.backbones.family import Family
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile, Weighted
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.checkpoints.ip_adapter_files import AdapterFiles
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.style_picture import StylePicture
from restrip.looks.look_file.given_anchor import GivenAnchor


@dataclass(frozen=True)
class LookSpec:
    """The files, the recipe that fits them, and what they say of themselves.

    `model_hash` is the checkpoint's sha256; `content` covers everything that is merged into the loaded model.
    `spared` is how many steps of memory to begin with less: see MemoryPlan. `given` is the anchor that a look file
    brought. `draft`: see draft.py. `style` is the picture whose style keys take on, `adapter` the
    IP-Adapter that shows it.
    """

    checkpoint: Checkpoint
    family: Family
    recipe: Recipe
    native_px: int
    model_hash: str
    content: str
    vae: Path | None = None
    loras: tuple[Weighted, ...] = ()
    controls: tuple[ControlFile, ...] = ()
    control_pictures: Path | None = None
    notes: tuple[str, ...] = ()
    spared: int = 0
    given: GivenAnchor | None = None
    draft: bool = False
    style: StylePicture | None = None
    adapter: AdapterFiles | None = None
