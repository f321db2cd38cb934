"""Jobs: their plan, what is cached of them, where they stand, and the work itself.

What the supervisor imports of this package (states, store, cache, files, schema, intake, pace) loads no numerics;
render, preview and what they use run in the worker.
"""
