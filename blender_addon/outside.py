"""Runs a module of the extension outside the Blender that it is enabled in.

    python outside.py {"paths": [folders to import from], "module": "engine.messenger", ...}

Its `main` gets the whole JSON. The extension's own name is the core package's, so it is imported under another one.
"""

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

PACKAGE = "restrip_in_blender"


def load(module: str, paths: list[str]) -> Any:
    """Import a module of the extension, which imports its siblings as ever."""
    sys.path[:0] = paths
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    return importlib.import_module(f"{PACKAGE}.{module}")


if __name__ == "__main__":
    told = json.loads(sys.argv[-1])
    load(told["module"], told["paths"]).main(told)
