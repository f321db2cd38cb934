"""What an edit model looks at while it makes a key: its frame, the style picture, the anchor's finished picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from restrip.looks.diffusion.backbones.backbone import Reference
from restrip.looks.diffusion.runtime.batch_row import AnchorRelation
from restrip.looks.diffusion.runtime.image_tensors import to_picture
from restrip.looks.diffusion.runtime.vae import Vae
from restrip.looks.diffusion.size import fit
from restrip.looks.diffusion.style_picture import StylePicture
from restrip.media.frame_colours import AS_SRGB, FrameColours

MOST_PX, MULTIPLE = 2**20, 16
"""Of a style picture: what such models are trained to see, whole, with no edge cut off."""


@dataclass
class SeenPictures:
    """The references of one recipe's keys, encoded once each; none unless the model is an edit model (`edits`).

    `anchor_weight` is how much that is looked at; a style picture says it itself.
    """

    edits: bool
    vae: Vae
    anchor_weight: float = 1.0
    style: StylePicture | None = None
    _colours: FrameColours = AS_SRGB
    _style: torch.Tensor | None = None

    def show(self, style: StylePicture, colours: FrameColours) -> None:
        """Have keys see a style picture in the colours of their frames."""
        if (self.style, self._colours) != (style, colours):
            self.style, self._colours, self._style = style, colours, None

    def of(self, clean: torch.Tensor, relation: AnchorRelation) -> tuple[Reference, ...]:
        """For rows with these clean latents [rows, channels, h, w], in the order in which a model is told them."""
        if not self.edits:
            return ()
        seen = list(self.of_frames(clean))
        if self.style is not None:
            if self._style is None:
                frame = self.style.frame(self._colours)
                size = fit(frame.size, min(MOST_PX, frame.size[0] * frame.size[1]), MULTIPLE)
                self._style = self._encoded(to_picture(frame, size), clean)
            seen.append(Reference(self._style, self.style.strength))
        anchor = relation.anchor
        if anchor is not None and relation.row is None and anchor.picture is not None and self.anchor_weight > 0:
            if anchor.latents is None:
                anchor.latents = self._encoded(anchor.picture, clean)
            seen.append(Reference(anchor.latents, self.anchor_weight))
        return tuple(seen)

    def of_frames(self, clean: torch.Tensor) -> tuple[Reference, ...]:
        """The frames alone."""
        return (Reference(clean),) if self.edits else ()

    def _encoded(self, picture: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        return self.vae.encode_whole(picture[None].to(like.device))
