"""One module a menu entry: each does one thing, says what it did, and ends."""
