"""When places are handed over from one key to the next."""

from __future__ import annotations

from restrip.timeline import FrameRange

CELLS = 8  # along the picture's short side
LEAST = 8  # pixels a cell
SMALL_SIDE = 360  # the short side on which cells are found
SOFT = 0.1  # of the fade: how long a cell takes
SURE = 0.3  # of the fade: how much earlier a place is handed over that the right key knows e times better
STRONGER = 0.1  # of the fade: how much earlier in its middle where the right key's strokes have e times the detail
MOST_STRONGER = 0.2  # of the fade; up to a quarter no place can go back
PLAIN = 10.0  # squared code values of detail that count as none
WINDOW = 21  # pixels over which detail is compared
MIDDLE = 0.6  # of the fade, in which all is handed over: what a key shows far away from it is in more pieces
SHORT = 12  # frames; a fade up to which is used whole
AROUND = 10.0  # pixels over which what either key knows is averaged
SHORTER = 5.0  # pixels around a place in which most decide whose it is, so that ragged borders are short ones
STEEP = 6.0  # how sharply most decide
BORDER = 0.8  # pixels over which a border is softened
BETWEEN = 0.05  # of the fade: from one of four neighbouring cells to the next one
AROUND_FOUR = ((0, 1), (3, 2))  # the order of the four
FIRST = 0.75  # of the fade: when the four in the corner begin
ACROSS, DOWN = 0.7548776662466927, 0.5698402909980532  # Roberts' R2: fours side by side far apart, all even


def shorter(size: tuple[int, int], pixel: float = 1.0) -> float:
    """SHORTER for a frame of (width, height) in pixels `pixel` long: in a small one, whose cells are small, less."""
    return min(SHORTER * pixel, min(size) / (9 * CELLS))


def window(pixel: float = 1.0) -> int:
    """WINDOW in pixels `pixel` long, an odd number."""
    return max(1, round(WINDOW * pixel)) | 1


def across_at(frame: int, keys: tuple[int, int], fade: FrameRange | None) -> float:
    """How far a frame between two keys lies across the part of the fade in which places are handed over, 0..1.

    None fades over all of it.
    """
    first, end = keys if fade is None else (fade.first, fade.end)
    if end <= first:
        return float(frame >= first)
    share = min(max(MIDDLE, SHORT / (end - first)), 1.0)
    across = (frame - first) / (end - first)
    return min(max((across - 0.5) / share + 0.5, 0.0), 1.0)
