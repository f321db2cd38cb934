"""Keys from other programs laid on their frames: found shifts set back, a cast taken away, what wasn't meant put back.

`restrip.registration.settings` and `restrip.registration.correction` are pure (standard library); everything else loads
numpy and OpenCV.
"""
