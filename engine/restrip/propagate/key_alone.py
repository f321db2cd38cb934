"""How far one key's strokes are its own: what is known of a look where no other key says it.

A look that is a filter of the frame paints alike what looks alike. So for many places of the key's frame the place
that looks most like it is found elsewhere in the same frame, and the detail of the paint is compared there, as that of
two keys is. Strokes that live on their own differ as much as strangers do. What looks alike depends on the filter: for
most it is the colours, for one that draws lines it is the shape of the luma, however faint. The kind that finds paint
more alike is the one that counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.energy.style import CODE
from restrip.propagate.frame_window import FrameWindow, StyledKey
from restrip.propagate.strangeness import PLAIN, SCALES

FILTER, OWN = 0.66, 0.76  # filters come to .06 to .66 but for few, built-in and diffused looks to .69 and more
SHORT_SIDE = 360  # at most, of what is compared: filters reach farther in larger pictures
WINDOW = (-3, -1, 1, 3)  # pixels each way that a place's colours are known by
SHAPE = (-2, -1, 0, 1, 2)  # and its shape
FAINT, STEPS = 1.0, 32.0  # code values of luma that are no shape; of a shape's numbers to its spread
ELSEWHERE = 12  # pixels away at least
PLACES, ASKED = 16_000, 3_000  # among how many the likest is found, for how many

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float32]
Places = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


def key_alone(window: FrameWindow, keys: tuple[StyledKey | None, StyledKey | None]) -> StyledKey | None:
    """The key that alone is carried through a segment; None where there are two, or no frame beside the key's own."""
    left, right = keys
    if left is not None and right is not None:
        return None
    key = left or right
    return key if key is not None and any(n != key.frame for n in window.frames) else None


def strokes_of_its_own(key: StyledKey) -> float:
    """How far a key's strokes are kept whole where it is alone, 0..1; always the same for the same pictures."""
    over = np.clip((strangeness_alone(key) - FILTER) / (OWN - FILTER), 0, 1)
    return float(over * over * (3 - 2 * over))


def strangeness_alone(key: StyledKey) -> float:
    """The energy of the difference of details of paint over the sum of their energies, the root of two scales'.

    It is taken over the half of the places that find what looks most like them. A frame that is too small is a filter.
    """
    scale = min(1.0, SHORT_SIDE / min(key.source.size))
    source, paint = (_small(picture, scale) for picture in (key.source.rgb8(), key.picture.rgb16()))
    height, width = source.shape[:2]
    places = _places((height, width))
    if len(places[0]) < 2:
        return 0.0
    lab = cv2.cvtColor(np.clip(np.rint(source), 0, 255).astype(np.uint8), cv2.COLOR_RGB2LAB).astype(np.float32)
    details = [paint - cv2.GaussianBlur(paint, (0, 0), sigma) for sigma in SCALES]
    return min(_strange(details, places, known) for known in (_colours(lab, places), _shapes(lab, places)))


def _strange(details: Sequence[Numbers], places: Places, known: Numbers) -> float:
    """How strange the details of paint are to those at the places that are `known` by the likest numbers, [N, M]."""
    rows, columns = places
    asked, found = _likest(places, known)
    if not len(asked):
        return 0.0
    overall = 1.0
    for detail in details:
        ours, theirs = (detail[rows[n], columns[n]] for n in (asked, found))
        differing = np.square(ours - theirs).sum(dtype=np.float64)
        energy = (np.square(ours) + np.square(theirs) + PLAIN / 3).sum(dtype=np.float64)
        overall *= float(differing / energy)
    return float(overall**0.5)


def _small(picture: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], scale: float) -> Numbers:
    """As 8-bit code values, in size by `scale`."""
    values = picture.astype(np.float32) if picture.dtype == np.uint8 else picture * np.float32(1 / CODE)
    if scale == 1:
        return values
    return cv2.resize(values, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _places(shape: tuple[int, int]) -> Places:
    """Rows and columns of places that lie evenly over a picture."""
    edge = max(*WINDOW, *SHAPE)
    inner = [range(edge, side - edge) for side in shape]
    apart = max(1, round((len(inner[0]) * len(inner[1]) / PLACES) ** 0.5))
    rows, columns = np.meshgrid(*(np.array(side[::apart], np.intp) for side in inner), indexing="ij")
    return rows.ravel(), columns.ravel()


def _colours(lab: Numbers, places: Places) -> Numbers:
    """The colours around each place."""
    return _around(lab, places, WINDOW)


def _shapes(lab: Numbers, places: Places) -> Numbers:
    """The luma around each place, less its mean and over its spread, in whole numbers."""
    luma = _around(lab[..., :1], places, SHAPE)
    # Sums of whole numbers: no order of adding changes anything.
    apart = np.float32(luma.shape[1]) * luma - luma.sum(1, keepdims=True)
    spread = np.sqrt(np.square(apart.astype(np.int64)).sum(1, keepdims=True) / luma.shape[1]) + FAINT * luma.shape[1]
    return np.rint(apart * (STEPS / spread)).astype(np.float32)


def _around(lab: Numbers, places: Places, window: tuple[int, ...]) -> Numbers:
    rows, columns = places
    return np.concatenate([lab[rows + y, columns + x] for y in window for x in window], 1)


def _likest(places: Places, known: Numbers) -> Places:
    """Places, and for each the one elsewhere whose numbers are likest: the better half of so many that are asked.

    These are whole numbers and their sums stay under 2**24, so that no order of adding changes anything.
    """
    rows, columns = places
    squares = np.square(known).sum(1)
    asked = np.arange(0, len(rows), max(1, len(rows) // ASKED))
    found, off = np.empty_like(asked), np.empty(len(asked), np.float32)
    for first in range(0, len(asked), 256):
        some = asked[first : first + 256]
        apart = squares - 2 * (known[some] @ known.T) + squares[some, None]
        near = np.abs(rows[some, None] - rows) < ELSEWHERE
        near &= np.abs(columns[some, None] - columns) < ELSEWHERE
        apart[near] = np.inf
        best = apart.argmin(1)
        found[first : first + 256], off[first : first + 256] = best, apart[np.arange(len(some)), best]
    good = (off <= np.median(off)) & np.isfinite(off)
    return asked[good], found[good]
