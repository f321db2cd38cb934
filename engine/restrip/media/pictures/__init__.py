"""Single pictures, pictures that move, and sequences of them."""
