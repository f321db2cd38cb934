"""Talking with the engine: its settings, what is asked of it, and the process that asks."""
