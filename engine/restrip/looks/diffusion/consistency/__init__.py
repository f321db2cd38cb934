"""What makes the keys of one job look alike."""
