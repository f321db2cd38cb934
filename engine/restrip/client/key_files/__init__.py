"""Pictures of keys that are made in other programs: watched while they are saved, and opened there."""
