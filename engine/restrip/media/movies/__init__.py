"""Movies: the table of their pictures, reading by number, encoding and joining."""
