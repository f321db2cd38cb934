"""What a job takes of a machine: time, disk, memory, GPU."""
