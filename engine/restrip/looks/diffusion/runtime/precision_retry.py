"""From rows to pictures: encode, denoise, decode, check, and again where it came out broken.

rows --encode--> --network, float16--> --decode, float16--> looked at, once a batch
                      |                     |
   not finite: float16 -> bfloat16 -> float32     dark or flat: decoded in float32, and that is the picture
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from restrip.errors import RestripError
from restrip.looks.diffusion.consistency.anchor_attention import AnchorBank
from restrip.looks.diffusion.consistency.style_statistics import StyleStatistics
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
    """A finished row: its picture [3, h, w] in -1..1, in the computer's memory, and the precision that held.

    `retries` counts higher steps of the ladders; `doubtful` is whether it is dark or flat where its source isn't, in
    the VAE's full precision too. `notes` say what was set right of it afterwards.
    """

    picture: torch.Tensor
    unet_dtype: torch.dtype
    vae_dtype: torch.dtype
    retries: int
    doubtful: bool = False
    notes: tuple[str, ...] = ()


class Maker:
    """Makes rows with one session, each on the lowest step of precision that holds for it."""

    def __init__(self, session: Session, first: torch.dtype) -> None:
        self.session = session
        self.encoded = LruCache()
        self.ladder = precision.network_ladder(session.model.family, first)

    @torch.inference_mode()
    def follow(self, row: Row, picture: torch.Tensor, relation: AnchorRelation, tick: Tick) -> Made:
        """An anchor whose picture [3, h, w] in -1..1 is there: the network sees it as if it had made it.

        Raises BrokenPicture.
        """
        session = self.session
        finished = session.vae.encode_whole(picture[None].to(session.model.device))

        def attempt(which: list[int], dtype: torch.dtype) -> torch.Tensor:
            return session.follow([row], finished, dtype, relation, tick)

        _, dtypes, left = precision.climb(1, self.ladder, attempt, lambda made, which: ~precision.finite_rows(made))
        session.casts.drop()
        if left:
            raise BrokenPicture(session.model.name)
        if relation.anchor is not None:
            relation.anchor.statistics = StyleStatistics.of(finished)
        return Made(picture, dtypes[0], session.vae.ladder[0], self.ladder.index(dtypes[0]))

    @torch.inference_mode()
    def see_style(self, picture: torch.Tensor, bank: AnchorBank, tick: Tick) -> StyleStatistics:
        """Have `bank` keep what the network sees in a style picture [3, h, w] in -1..1, and tell what its latents are
        like. Raises BrokenPicture.
        """
        session = self.session
        whole = picture[None].to(session.model.device)
        finished = session.vae.encode_whole(whole)

        def attempt(which: list[int], dtype: torch.dtype) -> torch.Tensor:
            bank.clear()
            return session.see_style(whole, finished, dtype, bank, tick)

        _, _, left = precision.climb(1, self.ladder, attempt, lambda made, which: ~precision.finite_rows(made))
        session.casts.drop()
        if left:
            raise BrokenPicture(session.model.name)
        return StyleStatistics.of(finished)

    @torch.inference_mode()
    def make(self, rows: Sequence[Row], relation: AnchorRelation, tick: Tick) -> list[Made]:
        """Pictures of all rows. Raises BrokenPicture."""
        vae, digests = self.session.vae, [row.digest for row in rows]
        sources = torch.stack([row.picture for row in rows]).to(self.session.model.device)
        clean = self.encoded.get(digests, lambda which: vae.encode(sources[which]))
        batch = _Batch(self.session, rows, sources, clean, relation, tick)
        left = list(range(len(rows)))
        for step, dtype in enumerate(self.ladder):
            left = batch.attempt(left, dtype, step)
            if batch.unencoded:  # what follows them could not hold
                self.encoded.drop(digests[row] for row in batch.unencoded)
                batch.encode_again()
                left = batch.attempt(left, dtype, step)
            if not left:
                break
        self.session.casts.drop()
        if left:
            raise BrokenPicture(self.session.model.name)
        return [batch.made[row] for row in range(len(rows))]


@dataclass(eq=False)
class _Batch:
    """Rows on their way, with their sources [rows, 3, h, w] and clean latents; `made` are those that hold."""

    session: Session
    rows: Sequence[Row]
    sources: torch.Tensor
    clean: torch.Tensor
    relation: AnchorRelation
    tick: Tick

    def __post_init__(self) -> None:
        self.made: dict[int, Made] = {}
        self.unencoded: list[int] = []

    def encode_again(self) -> None:
        """Encode in full precision what isn't finite in half."""
        again, self.unencoded = self.unencoded, []
        self.clean[again] = self.session.vae.encode(self.sources[again], precision.VAE_LADDER[-1])

    def attempt(self, left: list[int], dtype: torch.dtype, step: int) -> list[int]:
        """Make the rows `left` with the network in `dtype`, its ladder's `step`; the rows that don't hold.

        The device is waited for once, and once more where the VAE has to be asked again.
        """
        session, vae, sources, clean = self.session, self.session.vae, self.sources[left], self.clean[left]
        rows = [self.rows[n] for n in left]
        latents = session.latents(rows, clean, dtype, self.relation.among(left), self.tick)
        pictures = vae.decode(latents)
        shown = on_the_way(pictures)
        encoded, numbers, finite, odd = _judged(clean, latents, pictures, sources)
        again = [n for n in range(len(left)) if numbers[n] and (odd[n] or not finite[n]) and len(vae.ladder) > 1]
        if again:
            pictures[again] = vae.decode(latents[again], vae.ladder[-1])
            shown = on_the_way(pictures)
            _, _, finite_now, odd_now = _judged(clean[again], latents[again], pictures[again], sources[again])
            for place, n in enumerate(again):
                finite[n], odd[n] = finite_now[place], odd_now[place]
        for n, row in enumerate(left):
            if finite[n]:
                vae_dtype = vae.ladder[-1 if n in again else 0]
                self.made[row] = Made(shown[n], dtype, vae_dtype, step + (n in again), odd[n])
        self.unencoded = [row for n, row in enumerate(left) if not encoded[n] and not finite[n]]
        lost = [n for n in range(len(left)) if not finite[n]]
        session.forget([rows[n] for n in lost], dtype)
        return [left[n] for n in lost]


def _judged(
    clean: torch.Tensor, latents: torch.Tensor, pictures: torch.Tensor, sources: torch.Tensor
) -> list[list[bool]]:
    """By row: whether its encoded frame, its latents and its picture are finite, and whether the picture looks odd."""
    finite = [precision.finite_rows(values) for values in (clean, latents, pictures)]
    judged: list[list[bool]] = torch.stack([*finite, precision.suspicious_rows(pictures, sources)]).tolist()
    return judged


def on_the_way(values: torch.Tensor) -> torch.Tensor:
    """The same in the computer's memory, once the device is waited for next: a batch's pictures leave it together."""
    if values.device.type != "cuda":
        return values
    there = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    return there.copy_(values, non_blocking=True)
