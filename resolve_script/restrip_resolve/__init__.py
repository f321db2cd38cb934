"""Restrip inside DaVinci Resolve: a thin front-end over restrip.client and restrip.timeline."""
