"""The engine's settings as Blender properties: drawn like any others, kept as JSON on the active strip.

The properties hold nothing themselves. Each reads and writes the values of the edited scene's active strip, so a new
setting in the engine needs no change here, and a file keeps values whose settings this engine doesn't know.
"""

from collections.abc import Callable, Mapping
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from restrip.link.setting import Setting

from . import previews, results, schema, values, vse

BIGGEST_INT = 2**31 - 1
OWN = "own_"
ENGINES = "set_"
LOOKS = "looks"
"""The property that shows the built-in looks as pictures."""

FORMS: list[Any] = []
ARGUMENTS = {"number": "Number or mix", "file": "Picture", "folder": "Folder", "model": "Model"}


def name_of(key: str) -> str:
    """The property's name for a setting."""
    return (OWN if "." in key else ENGINES) + key.replace(".", "_")


def target(scene: Any) -> Any:
    """The strip that the form edits: the active one, what it is an effect on, or the source of a result."""
    strip = vse.active_strip(scene)
    if strip is None:
        return None
    strip = results.whole(strip)
    return vse.base_of((results.source_of(scene, strip) or strip) if strip.restrip.result_of else strip)


def get(scene: Any, setting: Setting) -> Any:
    """The value that shows."""
    return schema.values_of(target(scene)).get(setting.key, setting.default)


def put(scene: Any, key: str, value: Any) -> None:
    """Set one value on the target strip, which thereby has values of its own."""
    strip = target(scene)
    if strip is None:
        return
    strip.restrip.values = values.written({**schema.values_of(strip), key: value})


def rebuild() -> None:
    """Make the properties anew from the schema that is known. Not to be called while drawing."""
    unregister()
    annotations: dict[str, Any] = {}
    for setting in (*look_settings(), *schema.OWN_SETTINGS, *schema.current()):
        annotations[name_of(setting.key)] = _property(setting)
    annotations[LOOKS] = EnumProperty(
        items=previews.looks, name="Look", get=_get_look, set=_set_look, options=set(), description="A built-in look"
    )
    kind = type("RestripForm", (bpy.types.PropertyGroup,), {"__annotations__": annotations})
    bpy.utils.register_class(kind)
    bpy.types.Scene.restrip_form = PointerProperty(type=kind)
    FORMS.append(kind)


def look_settings() -> tuple[Setting, ...]:
    """The family of looks, and what follows its colon, as settings of this front-end."""
    known = schema.known()
    families = (
        [(look["prefix"], look["label"], look["argument"], look["help"]) for look in known.looks] if known else []
    )
    families = families or [("neural", "Built-in look", "number", "A painted look")]
    kinds = {"file": "path", "folder": "folder", "model": "path"}
    arguments = [
        Setting(
            f"look.{prefix}",
            kinds.get(argument, "text"),  # type: ignore[arg-type]
            values.OWN_DEFAULTS.get(f"look.{prefix}", ""),
            ARGUMENTS.get(argument, label),
            help,
        )
        for prefix, label, argument, help in families
    ]
    family = Setting(
        "look.family",
        "choice",
        values.OWN_DEFAULTS["look.family"],
        "Look",
        "What makes the keyframes.",
        choices=tuple((prefix, label) for prefix, label, _, _ in families),
    )
    return (family, *arguments)


def shown(given: Mapping[str, Any], table: tuple[Setting, ...]) -> dict[str, list[Setting]]:
    """The settings for the chosen look, by group."""
    family = values.own(given, "look.family")
    groups: dict[str, list[Setting]] = {}
    for setting in table:
        if not setting.looks or family in setting.looks:
            groups.setdefault(setting.group, []).append(setting)
    return groups


def _property(setting: Setting) -> Any:
    label = (setting.label or setting.key) + (f" ({setting.unit})" if setting.unit else "")
    common: dict[str, Any] = {"name": label, "description": setting.help.rstrip("."), "options": set()}

    def setter(convert: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
        return lambda form, value: put(form.id_data, setting.key, convert(value))

    def getter(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda form: convert(get(form.id_data, setting))

    kind: str = setting.kind
    if kind == "int" and (setting.high is None or setting.high > BIGGEST_INT):
        return StringProperty(
            get=getter(str), set=lambda form, text: _put_digits(form.id_data, setting, text), **common
        )
    if kind == "int":
        low, high = int(setting.low or 0), int(setting.high or 0)
        return IntProperty(
            min=low, max=high, get=getter(int), set=setter(lambda n: int(_bounded(setting, n))), **common
        )
    if kind == "float":
        bounds = {name: value for name, value in (("min", setting.low), ("max", setting.high)) if value is not None}
        return FloatProperty(
            **bounds, precision=2, get=getter(float), set=setter(lambda x: _short(_bounded(setting, x))), **common
        )
    if kind == "bool":
        return BoolProperty(get=getter(bool), set=setter(bool), **common)
    if kind == "choice":
        names = [value for value, _ in setting.choices]
        items = [(value, text, "", number) for number, (value, text) in enumerate(setting.choices)]
        number = getter(lambda value: names.index(value) if value in names else 0)
        return EnumProperty(items=items, get=number, set=setter(lambda picked: names[picked]), **common)
    subtype = {"path": "FILE_PATH", "folder": "DIR_PATH"}.get(kind, "NONE")
    return StringProperty(get=getter(str), set=setter(str), subtype=subtype, **common)


def _get_look(form: Any) -> int:
    chosen = schema.values_of(target(form.id_data)).get("look.neural", values.OWN_DEFAULTS["look.neural"])
    return next((number for argument, _, _, _, number in previews.looks() if argument == chosen), 0)


def _set_look(form: Any, number: int) -> None:
    put(form.id_data, "look.neural", next(look[0] for look in previews.looks() if look[4] == number))


def _short(value: float) -> float:
    """Blender's floats have 7 digits: 0.3, not 0.30000001192."""
    return float(f"{value:.6g}")


def _put_digits(scene: Any, setting: Setting, text: str) -> None:
    digits = text.strip()
    if digits.removeprefix("-").isdecimal():
        put(scene, setting.key, int(_bounded(setting, int(digits))))


def _bounded(setting: Setting, value: float) -> float:
    """Within the setting's bounds: Blender's own `min` and `max` don't hold where there is a setter."""
    low = value if setting.low is None else max(value, setting.low)
    return low if setting.high is None else min(low, setting.high)


def register() -> None:
    """Draw with what is known so far."""
    rebuild()


def unregister() -> None:
    """Take the properties away; the values stay on the strips."""
    for kind in FORMS:
        del bpy.types.Scene.restrip_form
        bpy.utils.unregister_class(kind)
    FORMS.clear()
