"""Blender's sequencer: strips read as clips, markers as keys, and results as strips."""
