"""Z-Image and Z-Image-Turbo: a flow transformer over one row of picture and text tokens."""
