"""Strokes kept whole between keys that are painted with different ones, on the device: cpu/strokes', as tensors."""
