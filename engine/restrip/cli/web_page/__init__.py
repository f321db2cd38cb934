"""The jobs in a page of the user's browser: `restrip status --web`."""
