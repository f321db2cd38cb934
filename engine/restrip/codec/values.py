"""How plain values, texts, lists and objects are read out of JSON and written as it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

from restrip.codec.misfit import Misfit, said

Kind = TypeVar("Kind")


class Form(NamedTuple):
    """How values of an annotation are read and written.

    `read` takes what JSON has and the largest number that it may hold, either way from 0 (None for no bound), and
    raises Misfit. `plain` says that what is read is what is written, all of one type.
    """

    read: Callable[[Any, int | None], Any]
    write: Callable[[Any], Any]
    plain: type | None = None


# Powers of ten aren't read: 1e999999999 is nine letters, and a number of a billion digits.
_EXACT = re.compile(r"[-+]?[0-9]{1,30}(?:/[0-9]{1,30}|\.[0-9]{0,30})?")
_TEXT = "__json_text__"


def as_text(kind: type[Kind]) -> type[Kind]:
    """Mark a class: in JSON it is the text that `str` gives of it and its class method `parse` reads."""
    setattr(kind, _TEXT, True)
    return kind


def is_text(kind: Any) -> bool:
    """Whether a class is marked so."""
    return getattr(kind, _TEXT, False) is True


def same(value: Any) -> Any:
    """What isn't changed."""
    return value


def _whole(value: Any, most: int | None) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit(f"is {said(value)}, which is no whole number")
    made: int = _within(value, value, most)
    return made


def _number(value: Any, most: int | None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit(f"is {said(value)}, which is no number")
    return value


def _string(value: Any, most: int | None) -> str:
    if not isinstance(value, str):
        raise Misfit(f"is {said(value)}, which is no text")
    return value


def _flag(value: Any, most: int | None) -> bool:
    if not isinstance(value, bool):
        raise Misfit(f"is {said(value)}, which is neither true nor false")
    return value


def _nothing(value: Any, most: int | None) -> None:
    if value is not None:
        raise Misfit(f"is {said(value)}, which is not null")


def _fraction(value: Any, most: int | None) -> Fraction:
    # Of infinity and the like it is no number.
    text = f"{value:.12f}" if isinstance(value, float) else value
    if not isinstance(value, str | float):
        text = str(_whole(value, 2**63))
    try:
        exact = Fraction(text) if _EXACT.fullmatch(text.strip()) else None
    except ZeroDivisionError:
        exact = None
    if exact is None:
        raise Misfit(f"is {said(value)}, which is no number or fraction")
    made: Fraction = _within(exact, value, most)
    return made


def _within(number: Any, value: Any, most: int | None) -> Any:
    """A number, when it isn't larger than `most` either way from 0; `value` is how JSON has it."""
    if most is not None and abs(number) > most:
        raise Misfit(
            f"is {said(value)}, which is too large" if abs(number) < 2**63 else "is a number that is too large"
        )
    return number


PLAIN: Mapping[Any, Form] = {
    Any: Form(lambda value, most: value, same),
    str: Form(_string, same, str),
    int: Form(_whole, same, int),
    float: Form(_number, same),
    bool: Form(_flag, same),
    type(None): Form(_nothing, same),
    Fraction: Form(_fraction, str),
}


def text_of(kind: Any) -> Form:
    """Of a class that is marked `as_text`."""

    def read(value: Any, most: int | None) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Misfit(f"is {said(value)}, which is no text")
        return kind.parse(value)

    return Form(read, str)


def either_of(forms: Sequence[Form], optional: bool) -> Form:
    """The first of `forms` that fits, or null when it is `optional`. Of several forms all are of plain values."""

    def read(value: Any, most: int | None) -> Any:
        if value is None and optional:
            return None
        for form in forms[:-1]:
            try:
                return form.read(value, most)
            except Misfit:
                continue
        return forms[-1].read(value, most)

    def write(value: Any) -> Any:
        return None if value is None else forms[0].write(value) if len(forms) == 1 else value

    return Form(read, write)


def listed(value: Any) -> Sequence[Any]:
    """What must be a list. Raises Misfit."""
    if not isinstance(value, list | tuple):
        raise Misfit(f"is {said(value)}, which is no list")
    return value


def item(form: Form, number: int, value: Any, most: int | None) -> Any:
    """The item of a list. Raises Misfit with its number."""
    try:
        return form.read(value, most)
    except Misfit as misfit:
        raise misfit.under(f"[{number}]") from None


def list_of(form: Form, kind: type[list[Any]] | type[tuple[Any, ...]] = tuple) -> Form:
    """A list of any length, read as a tuple or a list."""

    def read(value: Any, most: int | None) -> Sequence[Any]:
        items = listed(value)
        if form.plain is not None and set(map(type, items)) <= {form.plain} and (form.plain is str or most is None):
            return kind(items)  # Sooner than to ask each of a million paths or times.
        return kind(item(form, number, one, most) for number, one in enumerate(items))

    return Form(read, list if form.write is same else lambda value: [form.write(one) for one in value])


def items_of(forms: Sequence[Form]) -> Form:
    """A list of exactly these."""

    def read(value: Any, most: int | None) -> tuple[Any, ...]:
        items = listed(value)
        if len(items) != len(forms):
            raise Misfit(f"has {len(items)} items, not {len(forms)}")
        return tuple(item(form, number, items[number], most) for number, form in enumerate(forms))

    return Form(read, lambda value: [form.write(one) for form, one in zip(forms, value, strict=True)])


def an_object(value: Any) -> Mapping[str, Any]:
    """What must be an object. Raises Misfit."""
    if not isinstance(value, Mapping):
        raise Misfit(f"is {said(value)}, which is no object")
    return value


def object_of(form: Form) -> Form:
    """An object of whatever names, whose values are all of one form."""

    def read(value: Any, most: int | None) -> dict[str, Any]:
        made = {}
        for name, one in an_object(value).items():
            try:
                made[name] = form.read(one, most)
            except Misfit as misfit:
                raise misfit.under(name) from None
        return made

    return Form(read, dict if form.write is same else lambda value: {n: form.write(one) for n, one in value.items()})
