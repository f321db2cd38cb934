"""Putting the front-ends where the editors look for them."""
