"""Jobs: their plan, what is cached of them, where they stand, and the work itself.

What the supervisor imports of this package (cache, states, store, settings_schema, validation, throughput) loads no
numerics; the tasks and outputs, and what they use, run in the worker.
"""
