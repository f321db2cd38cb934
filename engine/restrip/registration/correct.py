"""A given key as it is used: set back onto its frame, a cast taken away, the frame's own pixels put back."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame, Picture
from restrip.registration.color_lock import coded, without_cast
from restrip.registration.correction import Correction
from restrip.registration.placing import placed
from restrip.registration.put_back import put_back
from restrip.registration.redrawn import redrawn
from restrip.registration.warp import Warp, places

Floats = npt.NDArray[np.float32]

EXACT_PX = 0.12
"""A pure shift so near to whole pixels is taken for one: no pixel is interpolated."""

SEAM_PX = 6


def corrected(key: Frame, frame: Frame, correction: Correction) -> tuple[Frame, tuple[str, ...]]:
    """A key of any size and depth corrected, at the frame's, its alpha moved with it; and notes."""
    notes: list[str] = []
    key, known = placed(key, frame.size, correction.way)
    key = key.with_depth(frame.deep)
    if correction.warp is not None or known is not None:
        still = Warp.still(frame.size)
        warp = still if correction.warp is None else Warp.from_json(correction.warp).scaled(frame.size)
        key = set_back(key, frame, warp, known)
    if correction.color_lock:
        key, note = without_cast(key, frame)
        notes.append(note)
    if correction.put_back:
        key, note = put_back(key, frame)
        notes.append(note)
    return key, tuple(filter(None, notes))


def set_back(key: Frame, frame: Frame, warp: Warp, known: npt.NDArray[np.bool_] | None = None) -> Frame:
    """The key as it lies on its frame. What it doesn't show is the frame, drawn as the key draws what it shows; where
    [H, W] isn't `known` it shows nothing.
    """
    field = warp.field()
    whole = np.rint(warp.affine[:, 2])
    exact = places(frame.size) + whole.astype(np.float32)
    if warp.bend is None and float(np.abs(field - exact).max()) < EXACT_PX:
        field = exact

    def pulled(picture: Picture) -> Floats:
        return cv2.remap(picture.astype(np.float32), field, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)

    shown = pulled(key.rgb) / key.white
    inside = ((field >= -0.5) & (field <= np.array(frame.size) - 0.5)).all(-1)
    if known is not None:
        inside &= cv2.remap(known.astype(np.uint8), field, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE) > 0
    if not inside.all():
        own = frame.rgb.astype(np.float32) / key.white
        distance = cv2.distanceTransform(np.pad(inside.astype(np.uint8), 1, "edge"), cv2.DIST_L2, 3)[1:-1, 1:-1]
        seam = np.clip((distance - 1) / SEAM_PX, 0, 1)[..., None]
        shown = seam * shown + (1 - seam) * redrawn(own, shown, inside)
    alpha = None if key.alpha is None else coded(pulled(key.alpha) / key.white, key)
    return Frame(coded(shown, key), alpha)
