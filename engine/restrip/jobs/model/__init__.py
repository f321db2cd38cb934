"""What a job is: its settings, its plan, the names of what it makes in the cache, its states on disk."""
