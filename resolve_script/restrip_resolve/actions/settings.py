"""Settings: write the settings file with all that can be set, and open it."""

from __future__ import annotations

from restrip_resolve.actions.context import Context
from restrip_resolve.families import acting, listed
from restrip_resolve.settings import settings_path, template


def run(context: Context) -> None:
    """The menu entry. What the file already sets is kept; new settings of the engine come in as comments."""
    path = settings_path()
    choices = context.choices()
    with context.connect("resolve settings", "") as engine:
        schema = engine.settings()
        settings = acting(choices, schema, engine)
        families = listed(choices.look, schema)
        text = template(choices, settings, schema.formats, engine.saved_looks(), families)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_text("utf-8") != text:
        path.replace(path.with_suffix(".before.txt"))
    path.write_text(text, "utf-8")
    if not context.open_file(path):
        context.console.say("The file could not be opened by itself.")
    context.console.say(f"The settings are in {path}; save it and run a script.")
