"""A Ray cluster as a place for tasks."""
