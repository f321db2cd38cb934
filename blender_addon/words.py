"""Small things about text on panels."""

from __future__ import annotations

from typing import Any


def time_said(seconds: float) -> str:
    """40 s, 3 min, 1 h 5 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def lines(layout: Any, text: str, icon: str = "NONE") -> None:
    """A text in lines that fit a sidebar; Blender doesn't wrap."""
    column = layout.column(align=True)
    line = ""
    for word in text.split():
        if line and len(line) + len(word) > 38:
            column.label(text=line, icon=icon)
            line, icon = "", "NONE"
        line = f"{line} {word}".strip()
    if line:
        column.label(text=line, icon=icon)
