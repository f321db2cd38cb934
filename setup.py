"""Which folders become which packages; everything else is in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages("engine"), *find_packages("resolve_script"), "restrip_blender"],
    package_dir={
        "": "engine",
        "restrip_blender": "blender_addon",
        "restrip_resolve": "resolve_script/restrip_resolve",
    },
    package_data={
        "restrip": ["py.typed", "data/**/*", "looks/diffusion/configs/**/*"],
        "restrip_blender": ["blender_manifest.toml"],
    },
)
