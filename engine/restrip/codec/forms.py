"""Reading and writing: the form of each annotation, made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from restrip.codec.misfit import Misfit
from restrip.codec.records import is_row, record_of, row_of
from restrip.codec.values import PLAIN, Form, either_of, is_text, items_of, list_of, object_of, text_of
from restrip.errors import RestripError

Kind = TypeVar("Kind")


def read(
    kind: type[Kind], body: Any, refuse: Callable[[str], RestripError] | None = None, most: int | None = None
) -> Kind:
    """A `kind` out of what `write` gave. `most` bounds its whole numbers, either way from 0.

    Raises what `refuse` makes of the words that say which field is wrong and how, such as "keys[2].frame is 'x', which
    is no whole number"; without it Misfit. The kinds' own errors, such as BadRate, pass.
    """
    try:
        made: Kind = form_of(kind).read(body, most)
        return made
    except Misfit as misfit:
        if refuse is None:
            raise
        raise refuse(str(misfit)) from misfit


def write(value: Any) -> dict[str, Any]:
    """A dataclass as an object. What fields annotated with Any hold is shared, not copied."""
    made: dict[str, Any] = form_of(type(value)).write(value)
    return made


def write_as(hint: Any, value: Any) -> Any:
    """A value as the form that an annotation such as `dict[str, FrameRange]` has."""
    return form_of(hint).write(value)


def form_of(hint: Any) -> Form:
    """How values of an annotation are read and written. Raises TypeError for one that has no form in JSON."""
    return _made(hint)


@cache
def _made(hint: Any) -> Form:
    origin, inner = get_origin(hint), get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin is Literal:
        return either_of([PLAIN[kind] for kind in dict.fromkeys(map(type, inner))], optional=False)
    if origin in (Union, UnionType):
        return either_of([form_of(one) for one in inner if one is not NoneType], optional=NoneType in inner)
    if origin in (list, Sequence):
        return list_of(form_of(inner[0]), list if origin is list else tuple)
    if origin is tuple:
        return list_of(form_of(inner[0])) if inner[1:] == (...,) else items_of([form_of(one) for one in inner])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return object_of(form_of(inner[1]))
    if is_text(hint):
        return text_of(hint)
    if is_dataclass(hint):
        return row_of(hint, form_of) if is_row(hint) else record_of(hint, form_of)
    raise TypeError(f"{hint} has no form in JSON")
