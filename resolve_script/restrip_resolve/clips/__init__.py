"""Clips of a timeline as they are read: chosen, described, and rendered where no file shows them."""
