"""Jobs of clips: handed in, waited for, their progress shown."""
