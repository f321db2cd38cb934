"""Install the extension as Blender's preferences do."""

import bpy

import addon_utils  # isort: skip


def install(package: str) -> dict:
    bpy.ops.preferences.addon_enable(module="bl_pkg")
    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    enabled = [addon.module for addon in bpy.context.preferences.addons]
    assert "bl_ext.user_default.restrip" in enabled, enabled
    import bl_ext.user_default.restrip as restrip_addon
    import zmq

    import restrip

    bpy.ops.wm.save_userpref()
    loaded, default = addon_utils.check("bl_ext.user_default.restrip")
    return {
        "enabled": loaded and default,
        "addon": restrip_addon.__file__,
        "core": restrip.__file__,
        "zmq": zmq.__version__,
    }
