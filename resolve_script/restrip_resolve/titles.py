"""The menu's entries: an action's name, and what Resolve's menu shows. Read by the installer, too."""

ENTRIES = {
    "stylize": "Stylize selection",
    "again": "Stylize again (changed only)",
    "full": "Render in full",
    "save_look": "Save look",
    "seeds": "Try seeds",
    "suggest": "Suggest keyframes",
    "export_keys": "Export keys to paint",
    "open_key": "Open key",
    "watch_keys": "Watch keys",
    "place": "Place finished results",
    "place_again": "Place again",
    "cancel": "Cancel",
    "settings": "Settings",
}

EXTRA = {"live_check": "Live check"}
"""Only installed when asked for."""
