"""Restrip inside DaVinci Resolve: a thin front-end over restrip.link and restrip.timeline."""
