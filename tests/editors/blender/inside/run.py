"""Runs in the Blender process: one function of a module beside this file, its result written as JSON."""

import faulthandler
import importlib
import json
import os
import sys
import traceback

faulthandler.enable()  # A crash says where.


def main() -> None:
    asked = json.loads(sys.argv[1])
    import bpy  # first: it brings the path of Blender's own modules

    if asked["module"] != "install":
        bpy.ops.preferences.addon_enable(module="bl_pkg")
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.restrip")
    module = importlib.import_module(asked["module"])
    result = getattr(module, asked["function"])(**asked["given"])
    tell(asked["answer"], {"result": result})


def tell(path: str, told: dict) -> None:
    with open(path + ".aside", "w", encoding="utf-8") as file:
        json.dump(told, file)
    os.replace(path + ".aside", path)


try:
    main()
except BaseException:  # noqa: BLE001 - whatever went wrong, the test must be told
    tell(json.loads(sys.argv[1])["answer"], {"error": traceback.format_exc()})
finally:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
