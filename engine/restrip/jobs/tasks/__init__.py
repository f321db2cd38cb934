"""What workers do for a job, one task a module."""
