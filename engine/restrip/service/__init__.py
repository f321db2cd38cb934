"""The engine: a supervisor that answers at any moment because it never computes, and workers that compute.

The supervisor imports no torch, no OpenCV and no numpy; a test holds it to that.
"""
