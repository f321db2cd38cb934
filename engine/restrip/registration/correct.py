"""A given key as it is used: set back onto its frame, a cast taken away, the frame's own pixels put back."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame
from restrip.registration.color_lock import coded, without_cast
from restrip.registration.correction import Correction
from restrip.registration.patches import patched
from restrip.registration.placing import placed
from restrip.registration.put_back import put_back
from restrip.registration.redrawn import redrawn
from restrip.registration.warp import Warp, places

Floats = npt.NDArray[np.float32]
Known = npt.NDArray[np.bool_]

EXACT_PX = 0.12
"""A pure shift so near to whole pixels is taken for one: no pixel is interpolated."""

EDGE_PX, SEAM_PX = 1.0, 2.0
BAND_PX, FADE_PX = 4.0, 12.0
"""What is known of a seam comes from a band of the key beside it, and fades beyond it."""

LEAST_ALPHA = 1 / 512


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


def set_back(key: Frame, frame: Frame, warp: Warp, known: Known | None = None) -> Frame:
    """The key as it lies on its frame. What it doesn't show is the frame, drawn as the key draws what it shows; where
    [H, W] isn't `known` it shows nothing.
    """
    field = warp.field()
    whole = np.rint(warp.affine[:, 2])
    exact = places(frame.size) + whole.astype(np.float32)
    if warp.bend is None and float(np.abs(field - exact).max()) < EXACT_PX:
        field = exact

    rgb, alpha = _pulled(key, field)
    inside = ((field >= -0.5) & (field <= np.array(frame.size) - 0.5)).all(-1)
    if known is not None:
        inside &= cv2.remap(known.astype(np.uint8), field, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE) > 0
    if not inside.all():
        own = frame.rgb.astype(np.float32) / key.white
        rgb = joined(rgb, own, inside, inside if alpha is None else inside & (alpha > 0.5))
    return Frame(coded(rgb, key), None if alpha is None else coded(alpha, key))


def _pulled(key: Frame, field: Floats) -> tuple[Floats, Floats | None]:
    """A key's colours [H, W, 3] and alpha [H, W], in 0..1 and beyond where edges ring, as the frame lies.

    Colours are weighted by alpha: what a transparent place holds mustn't come out at the borders of what is painted.
    """

    def pulled(picture: Floats) -> Floats:
        return cv2.remap(picture, field, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)

    rgb = key.rgb.astype(np.float32) / key.white
    if key.alpha is None:
        return pulled(rgb), None
    alpha = key.alpha.astype(np.float32) / key.white
    share = np.clip(pulled(alpha), 0, 1)[..., None]
    weighted = pulled(rgb * alpha[..., None]) / np.maximum(share, LEAST_ALPHA)
    return np.where(share < LEAST_ALPHA, pulled(rgb), weighted), share[..., 0]


def joined(key: Floats, frame: Floats, inside: Known, painted: Known) -> Floats:
    """A key [H, W, 3] where it shows something, `inside` [H, W], and around it the frame as the key draws it: learnt
    from where the key is `painted`, or in patches of its strokes.

    By how much the two differ at the border is carried outwards, and fades: so no seam is seen, and the key stays as it
    is up to its border.
    """
    drawn = redrawn(frame, key, painted)
    made = drawn.picture
    if drawn.strokes:
        return patched(frame, key, painted, ~inside, made)
    away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 3)
    # Pixels whose kernel reached over the key's border are none of the key's.
    depth = cv2.distanceTransform(np.pad(inside.astype(np.uint8), 1, "edge"), cv2.DIST_L2, 3)[1:-1, 1:-1]
    band = ((depth > EDGE_PX) & (depth <= EDGE_PX + BAND_PX) & painted).astype(np.float32)
    sums = cv2.GaussianBlur(np.dstack([(key - made) * band[..., None], band]), (0, 0), BAND_PX)
    apart = sums[..., :3] / np.maximum(sums[..., 3:], LEAST_ALPHA) * np.exp(-away / FADE_PX)[..., None]
    seam = np.clip((depth - EDGE_PX) / SEAM_PX + 0.5, 0, 1)[..., None] * inside[..., None]
    return np.asarray(seam * key + (1 - seam) * (made + apart), np.float32)
