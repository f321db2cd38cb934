"""What changes a clip's colours between its file and the timeline, as far as scripts are told."""

from __future__ import annotations

from restrip_resolve.api import Graph, TimelineItem, can, whole
from restrip_resolve.session import Session

UNMANAGED = ("", "davinciYRGB")
"""`colorScienceMode` of a project without colour management; an empty answer says nothing."""


def colour_reasons(session: Session, item: TimelineItem) -> list[str]:
    """Why the file's colours aren't the timeline's; empty when nothing is known to change them."""
    reasons = []
    science = session.project.GetSetting("colorScienceMode")
    if isinstance(science, str) and science not in UNMANAGED:
        reasons.append(f"the project is colour managed ({science})")
    if can(item, "GetNodeGraph") and _works(item.GetNodeGraph()):
        reasons.append("it is graded")
    if can(item, "GetColorGroup"):
        group = item.GetColorGroup()
        if group and (_works(group.GetPreClipNodeGraph()) or _works(group.GetPostClipNodeGraph())):
            reasons.append("its colour group is graded")
    if can(session.timeline, "GetNodeGraph") and _works(session.timeline.GetNodeGraph()):
        reasons.append("the timeline is graded")
    return reasons


def _works(graph: Graph | None) -> bool:
    """Whether any node of a graph does something, as far as this version tells."""
    if not graph or not can(graph, "GetToolsInNode"):
        return False
    return any(
        graph.GetToolsInNode(node) or graph.GetLUT(node)
        for node in range(1, whole(graph.GetNumNodes(), "count the colour nodes") + 1)
    )
