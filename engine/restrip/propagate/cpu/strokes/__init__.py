"""Strokes kept whole between keys that are painted with different ones."""
