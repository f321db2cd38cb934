"""Files that are whole or not there, locks, and processes: what everything else stands on. Standard library only."""
