"""From rows to pictures: encode, denoise, decode, check, and again where it came out broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from restrip.errors import RestripError
from restrip.looks.diffusion.runtime import precision
from restrip.looks.diffusion.runtime.batch_row import AnchorRelation, Row
from restrip.looks.diffusion.runtime.lru import LruCache
from restrip.looks.diffusion.runtime.model_session import Session, Tick


class BrokenPicture(RestripError):
    """The network gives no numbers even in full precision."""

    code = "broken-picture"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"{model} gives no picture with these settings, in full precision neither.",
            "Lower the CFG scale or the denoising strength, or use another VAE or checkpoint.",
            model=model,
        )


@dataclass(frozen=True, eq=False)
class Made:
    """A finished row: its picture [3, h, w] in -1..1, on its device, and the precision that held.

    `retries` counts higher steps of the ladders; `doubtful` is whether it stayed black or constant all the same.
    """

    picture: torch.Tensor
    unet_dtype: torch.dtype
    vae_dtype: torch.dtype
    retries: int
    doubtful: bool = False


class Maker:
    """Makes rows with one session, each on the lowest step of precision that holds for it."""

    def __init__(self, session: Session, first: torch.dtype) -> None:
        self.session = session
        self.encoded = LruCache()
        self.ladder = precision.network_ladder(session.model.family, first)

    def follow(self, row: Row, picture: torch.Tensor, relation: AnchorRelation, tick: Tick) -> Made:
        """An anchor whose picture [3, h, w] in -1..1 is there: the network sees it as if it had made it.

        Raises BrokenPicture.
        """
        session = self.session
        finished = session.vae.encode(picture[None].to(session.model.device))

        def attempt(which: list[int], dtype: torch.dtype) -> torch.Tensor:
            return session.follow([row], finished, dtype, relation, tick)

        seen, dtypes, _ = precision.climb(1, self.ladder, attempt, lambda made, which: ~precision.finite_rows(made))
        session.casts.drop()
        if not bool(precision.finite_rows(seen).all()):
            raise BrokenPicture(session.model.name)
        return Made(picture, dtypes[0], session.vae.ladder[0], self.ladder.index(dtypes[0]))

    def make(self, rows: Sequence[Row], relation: AnchorRelation, tick: Tick) -> list[Made]:
        """Pictures of all rows. Raises BrokenPicture."""
        session = self.session
        sources = torch.stack([row.picture for row in rows]).to(session.model.device)
        clean = self.encoded.get([row.digest for row in rows], lambda which: session.vae.encode(sources[which]))
        vae_dtypes = [session.vae.ladder[0]] * len(rows)

        def attempt(which: list[int], dtype: torch.dtype) -> torch.Tensor:
            latents = session.latents([rows[i] for i in which], clean[which], dtype, relation, tick)
            pictures = torch.full_like(sources[which], torch.nan)
            whole = precision.finite_rows(latents).nonzero().flatten().tolist()
            if whole:
                places = [which[i] for i in whole]
                pictures[whole], dtypes, _ = session.vae.decode(latents[whole], sources[places])
                for place, used in zip(places, dtypes, strict=True):
                    vae_dtypes[place] = used
            return pictures

        def wrong(pictures: torch.Tensor, which: list[int]) -> torch.Tensor:
            return ~precision.finite_rows(pictures) | precision.suspicious_rows(pictures, sources[which])

        pictures, dtypes, left = precision.climb(len(rows), self.ladder, attempt, wrong)
        session.casts.drop()
        if not bool(precision.finite_rows(pictures).all()):
            raise BrokenPicture(session.model.name)
        return [
            Made(
                picture,
                unet,
                vae,
                self.ladder.index(unet) + session.vae.ladder.index(vae),
                doubtful=number in left,
            )
            for number, (picture, unet, vae) in enumerate(zip(pictures, dtypes, vae_dtypes, strict=True))
        ]
