"""The engine's settings as Blender properties: drawn like any others, kept as JSON on the active strip.

The properties hold nothing themselves. Each reads and writes the values of the edited scene's active strip, so a new
setting in the engine needs no change here, and a file keeps values whose settings this engine doesn't know.
"""

from collections.abc import Callable, Mapping
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from restrip.client.setting import Setting

from .. import previews, values
from ..engine import model_facts, schema
from ..timeline import key_prompts, results, vse
from . import mix

BIGGEST_INT = 2**31 - 1
OWN = "own_"
ENGINES = "set_"
LOOKS = "looks"
"""The property that shows the built-in looks as pictures."""

KEY_PROMPT = "key_prompt"
"""The prompt of the keyframe under the playhead."""

FORMS: list[Any] = []

LOOK_ITEMS: Any = previews.looks
"""Asked for anew at each drawing: which looks there are is only known from the engine."""
MIX_LOOK, MIX_WEIGHT = "mix_look_", "mix_weight_"
"""Those of a mix's looks and of their weights, each with its place behind."""
ARGUMENTS = {"number": "Looks and weights", "file": "Picture", "folder": "Folder", "model": "Model"}


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
        items=LOOK_ITEMS, name="Look", get=_get_look, set=_set_look, options=set(), description="A built-in look"
    )
    for place in range(mix.MOST):
        annotations |= _mix_place(place)
    annotations[KEY_PROMPT] = StringProperty(
        name="Prompt",
        description="What this keyframe becomes; the other ones keep the strip's prompt",
        get=_get_key_prompt,
        set=_set_key_prompt,
        options=set(),
    )
    kind = type("RestripForm", (bpy.types.PropertyGroup,), {"__annotations__": annotations})
    bpy.utils.register_class(kind)
    vse.scene_type().restrip_form = PointerProperty(type=kind)
    FORMS.append(kind)


def look_settings() -> tuple[Setting, ...]:
    """The family of looks, and what follows its colon, as settings of this front-end."""
    known = schema.known()
    families = (
        [(look["prefix"], look["label"], look["argument"], look["help"]) for look in known.looks] if known else []
    )
    families = families or [("neural", "Built-in look", "number", "A painted look")]
    kinds: dict[str, Any] = {"file": "path", "folder": "folder", "model": "path"}
    arguments = [
        Setting(
            f"look.{prefix}",
            kinds.get(argument, "text"),
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
    """The settings that act with the chosen look and the other values, by group."""
    family = values.own(given, "look.family")
    known, idle = values.needed(given, schema.current()), model_facts.idle(given)
    groups: dict[str, list[Setting]] = {}
    for setting in table:
        if (not setting.looks or family in setting.looks) and setting.key not in idle and setting.acts(known):
            groups.setdefault(setting.group, []).append(setting)
    return {group: behind_theirs(found) for group, found in groups.items()}


def behind_theirs(table: list[Setting]) -> list[Setting]:
    """The settings in their order; one that acts by the value of a later one comes right behind that."""
    keys = [setting.key for setting in table]
    later = {s.key: s.when[0] for n, s in enumerate(table) if s.when is not None and s.when[0] in keys[n + 1 :]}
    placed: list[Setting] = []
    for setting in table:
        if setting.key not in later:
            placed += [setting, *(one for one in table if later.get(one.key) == setting.key)]
    return placed


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
        bounds: dict[str, Any] = {
            name: value for name, value in (("min", setting.low), ("max", setting.high)) if value is not None
        }
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
    subtype: Any = {"path": "FILE_PATH", "folder": "DIR_PATH"}.get(kind, "NONE")
    return StringProperty(get=getter(str), set=setter(str), subtype=subtype, **common)


def _mix_place(place: int) -> dict[str, Any]:
    """The look and the weight in one place of a mix."""

    def parts(form: Any) -> list[mix.Part]:
        return mix.parse(str(values.own(schema.values_of(target(form.id_data)), "look.neural")))

    def get_weight(form: Any) -> float:
        found = parts(form)
        return found[place][1] if place < len(found) else 0.0

    def set_weight(form: Any, weight: float) -> None:
        put(form.id_data, "look.neural", mix.with_weight(mix.written(parts(form)), place, _short(weight)))

    def get_number(form: Any) -> int:
        found = parts(form)
        return _look_at(found[place][0]) if place < len(found) else 0

    def set_number(form: Any, number: int) -> None:
        put(form.id_data, "look.neural", mix.with_look(mix.written(parts(form)), place, _look_of(number)))

    return {
        f"{MIX_LOOK}{place}": EnumProperty(
            items=LOOK_ITEMS, name="Look", get=get_number, set=set_number, options=set(), description="A look"
        ),
        f"{MIX_WEIGHT}{place}": FloatProperty(
            name="Weight", description="How much of this look beside the others", min=0.0, max=1.0,
            subtype="FACTOR", get=get_weight, set=set_weight, options=set(),
        ),
    }  # fmt: skip


def _look_at(argument: str) -> int:
    """The number by which Blender knows a look."""
    return next((look[4] for look in previews.looks() if look[0] == argument), 0)


def _look_of(number: int) -> str:
    return next((look[0] for look in previews.looks() if look[4] == number), previews.looks()[0][0])


def _get_key_prompt(form: Any) -> str:
    marker = key_prompts.marker_at(form.id_data, form.id_data.frame_current)
    return key_prompts.prompt_of(marker) if marker is not None else ""


def _set_key_prompt(form: Any, text: str) -> None:
    marker = key_prompts.marker_at(form.id_data, form.id_data.frame_current)
    if marker is not None:
        key_prompts.set_prompt(marker, text)


def _get_look(form: Any) -> int:
    chosen = schema.values_of(target(form.id_data)).get("look.neural", values.OWN_DEFAULTS["look.neural"])
    return _look_at((mix.parse(str(chosen)) or [("", 1.0)])[0][0])


def _set_look(form: Any, number: int) -> None:
    put(form.id_data, "look.neural", _look_of(number))


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
        del vse.scene_type().restrip_form
        bpy.utils.unregister_class(kind)
    FORMS.clear()
