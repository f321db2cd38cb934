"""How dataclasses are read out of JSON and written as it: as objects, or as rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

from restrip.codec.misfit import Misfit, said
from restrip.codec.values import Form, an_object, item, listed

Kind = TypeVar("Kind")
FormOf = Callable[[Any], Form]
"""The form of an annotation."""

_PLACE = "json"
_ROW = "__json_row__"
_ABSENT = object()

LEFT_OUT: Mapping[str, Any] = MappingProxyType({"json": None})
"""The metadata of a field that JSON doesn't have."""


@dataclass(frozen=True)
class _Place:
    """Where a field lies in JSON and how; see `at`."""

    path: tuple[str, ...] = ()
    inline: bool = False
    most: int | None = None
    read: Callable[[Any], Any] | None = None
    write: Callable[[Any], Any] | None = None


def at(
    *path: str,
    inline: bool = False,
    most: int | None = None,
    read: Callable[[Any], Any] | None = None,
    write: Callable[[Any], Any] | None = None,
) -> Mapping[str, Any]:
    """The metadata of a field that lies at `path` in objects within the object; without one it lies at its name.

    `inline` puts the fields of its dataclass beside the others. `most` bounds its numbers, either way from 0. `read`
    and `write` give it a form of its own; `read` raises Misfit for what doesn't fit.
    """
    return MappingProxyType({_PLACE: _Place(path, inline, most, read, write)})


def as_row(kind: type[Kind]) -> type[Kind]:
    """Mark a dataclass: in JSON it is the list of its fields."""
    setattr(kind, _ROW, True)
    return kind


def is_row(kind: Any) -> bool:
    """Whether a dataclass is marked so."""
    return getattr(kind, _ROW, False) is True


@dataclass(frozen=True)
class _Part:
    """A field of a dataclass, its place in JSON and its form there; `width` is how many items of a row it takes."""

    name: str
    path: tuple[str, ...]
    place: _Place
    form: Form
    width: int
    row: bool
    constant: bool
    needed: bool

    @classmethod
    def of(cls, field: Field[Any], hint: Any, form_of: FormOf) -> _Part:
        place: _Place = field.metadata.get(_PLACE, _Place())
        reader = place.read
        read = form_of(hint).read if reader is None else lambda value, most: reader(value)
        form = Form(read, place.write or form_of(hint).write)
        needed = field.default is MISSING and field.default_factory is MISSING
        path = place.path or (field.name,)
        return cls(field.name, path, place, form, _width(hint), is_row(hint), not field.init, needed)

    def found(self, body: Mapping[str, Any]) -> Any:
        """What `body` has for it, or _ABSENT."""
        if self.place.inline:
            return body
        if len(self.path) == 1:
            return body.get(self.path[0], _ABSENT)
        for depth, name in enumerate(self.path[:-1], 1):
            if name not in body:
                return _ABSENT
            if not isinstance(body[name], Mapping):
                raise Misfit(f"is {said(body[name])}, which is no object", ".".join(self.path[:depth]))
            body = body[name]
        return body.get(self.path[-1], _ABSENT)

    def read(self, found: Any, most: int | None) -> Any:
        try:
            return self.form.read(found, most if self.place.most is None else self.place.most)
        except Misfit as misfit:
            raise (misfit if self.place.inline else misfit.under(".".join(self.path))) from None

    def put(self, value: Any, body: dict[str, Any]) -> None:
        """Write it where it belongs."""
        made = self.form.write(value)
        if self.place.inline:
            body.update(made)
            return
        for name in self.path[:-1]:
            body = body.setdefault(name, {})
        body[self.path[-1]] = made


def _parts(kind: Any, form_of: FormOf) -> Sequence[_Part]:
    hints = get_type_hints(kind)
    return [_Part.of(field, hints[field.name], form_of) for field in _told(kind)]


def _told(kind: Any) -> list[Field[Any]]:
    """The fields that JSON has."""
    return [field for field in fields(kind) if field.metadata.get(_PLACE, _Place()) is not None]


def _width(hint: Any) -> int:
    if not is_row(hint):
        return 1
    hints = get_type_hints(hint)
    return sum(_width(hints[field.name]) for field in _told(hint))


def record_of(kind: Any, form_of: FormOf) -> Form:
    """A dataclass as an object."""
    parts = _parts(kind, form_of)
    taken = [part for part in parts if not part.constant]
    # Of most dataclasses each field lies at its name: those are written many times a second.
    plain = None
    if all(not part.place.inline and len(part.path) == 1 for part in parts):
        plain = [(part.name, part.path[0], part.form.write) for part in parts]

    def read(value: Any, most: int | None) -> Any:
        body, given = an_object(value), {}
        for part in taken:
            found = part.found(body)
            if found is not _ABSENT:
                given[part.name] = part.read(found, most)
            elif part.needed:
                raise Misfit("is missing", ".".join(part.path))
        return kind(**given)

    def write(value: Any) -> dict[str, Any]:
        if plain is not None:
            return {key: form(getattr(value, name)) for name, key, form in plain}
        body: dict[str, Any] = {}
        for part in parts:
            part.put(getattr(value, part.name), body)
        return body

    return Form(read, write)


def row_of(kind: Any, form_of: FormOf) -> Form:
    """A dataclass as the list of its fields; a row in it takes as many items as it has."""
    parts = _parts(kind, form_of)
    length = sum(part.width for part in parts)
    nested = [part.width if part.row else 0 for part in parts]

    def read(value: Any, most: int | None) -> Any:
        items = listed(value)
        if len(items) != length:
            raise Misfit(f"has {len(items)} items, not {length}")
        given, first = {}, 0
        for part, width in zip(parts, nested, strict=True):
            found = items[first : first + width] if width else items[first]
            given[part.name] = item(part.form, first, found, most)
            first += width or 1
        return kind(**given)

    def write(value: Any) -> list[Any]:
        body: list[Any] = []
        for part, width in zip(parts, nested, strict=True):
            made = part.form.write(getattr(value, part.name))
            body += made if width else [made]
        return body

    return Form(read, write)
