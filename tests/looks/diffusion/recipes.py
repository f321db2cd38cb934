"""Recipes of a few settings."""

from __future__ import annotations

from typing import Any

from restrip.looks.diffusion.recipe import Recipe


def recipe_of(**settings: Any) -> Recipe:
    """These settings, and the defaults of the others."""
    return Recipe.from_settings(settings)
