"""What a draft is: the job at a third of its size, so that it is done in a small part of its time.

            full                      draft
frames      1920x1080                 640x360
keys        look at 1920x1080         the same frames and noise, quicker (`Look.drafted`), kept at 640x360
segments    carried at 1920x1080      the same segments and fades, carried at 640x360 (`PropagateSettings.quick`)

Draft and full job share nothing in the cache: neither changes what the other one gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restrip.client.draft import SHRINK

LEAST_SIDE_PX = 72
"""Of a draft's shorter side: below, patches of a few pixels hold whole faces."""

DRAFT_STAGE = 4
"""Raised when drafts of the same job come out differently."""


def draft_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the draft of frames of `size`: a third, both sides even, the shorter at least LEAST_SIDE_PX.

    Frames that are as small as that keep their size.
    """
    scale = max(1 / SHRINK, LEAST_SIDE_PX / min(size))
    if scale >= 1:
        return size
    width, height = (max(2, 2 * round(side * scale / 2)) for side in size)
    return width, height


def marked(facts: Mapping[str, Any], draft: bool) -> dict[str, Any]:
    """Facts that a hash is made of, marked when they are a draft's; a full job's stay as they are."""
    return {**facts, "draft": DRAFT_STAGE} if draft else dict(facts)
