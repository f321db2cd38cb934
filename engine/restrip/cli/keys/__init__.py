"""Keys that are painted in other programs: exported, opened there, and watched while they are."""
