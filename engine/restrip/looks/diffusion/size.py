"""The size that the model works at."""

from __future__ import annotations

from restrip.looks.diffusion.recipe import Recipe

Size = tuple[int, int]

MULTIPLE = 8


def working_size(frame: Size, recipe: Recipe, native_px: int, multiple: int = MULTIPLE) -> Size:
    """(width, height) for a frame of that size: as asked for, or the nearest shape within the budget of pixels.

    A side that is given fixes the other by the frame's shape. All sides are multiples of `multiple`.
    """
    width, height = frame
    if recipe.width or recipe.height:
        wide = recipe.width or round(recipe.height * width / height)
        high = recipe.height or round(recipe.width * height / width)
        return _whole(wide, multiple), _whole(high, multiple)
    return fit(frame, recipe.pixel_budget or native_px**2, multiple)


def fit(frame: Size, budget_px: int, multiple: int = MULTIPLE) -> Size:
    """The size of at most `budget_px` pixels whose shape is nearest to the frame's, large rather than small.

    A size is worth what it loses: the mismatch of shape, and a tenth of the share of the budget that it leaves.
    """
    ratio = frame[0] / frame[1]
    ideal = (budget_px * ratio) ** 0.5
    best, least = (multiple, multiple), float("inf")
    for wide in range(multiple, int(ideal * 1.1) + 2 * multiple, multiple):
        for high in {_whole(wide / ratio, multiple), _down(wide / ratio, multiple)}:
            if wide * high > budget_px:
                continue
            mismatch = max(wide / high / ratio, ratio * high / wide) - 1
            loss = mismatch + 0.1 * (1 - wide * high / budget_px)
            if loss < least:
                best, least = (wide, high), loss
    return best


def _whole(side: float, multiple: int) -> int:
    return max(multiple, round(side / multiple) * multiple)


def _down(side: float, multiple: int) -> int:
    return max(multiple, int(side / multiple) * multiple)
