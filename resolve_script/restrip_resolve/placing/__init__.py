"""Results on a timeline: what has to lie where, and each of Resolve's ways to put it there."""
