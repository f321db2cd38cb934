"""The benchmark of looks: pictures between keys whose strokes no filter of the frame can guess. See ../looks.py."""
