"""A look as a file: its settings, its models by their hashes, and the key that other strips are made against."""
