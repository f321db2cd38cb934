"""`restrip link`: have jobs done by an engine on another computer, or let other computers use this one's."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal
from restrip.client.client import Client

EVERYWHERE = "0.0.0.0"


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "link",
        help="have jobs done by an engine on another computer, or share this one's",
        description="Without anything: show how things stand. Both computers show a fingerprint of the link: only when "
        "they are the same is the other end who you think it is.",
    )
    here = parser.add_argument_group("on the computer where you edit")
    here.add_argument("host", nargs="?", metavar="HOST[:PORT]", help="the computer with the engine")
    here.add_argument("--key", default="", help="its key, as 'restrip link --share' shows it there")
    here.add_argument(
        "--send-everything", action="store_true", help="never take a file there for the same because its path is"
    )
    here.add_argument("--off", action="store_true", help="work on this computer again")
    there = parser.add_argument_group("on the computer with the engine")
    there.add_argument(
        "--share", nargs="?", const=EVERYWHERE, metavar="ADDRESS[:PORT]", help="let linked computers use this engine"
    )
    there.add_argument("--allow", metavar="KEY", help="let in the computer with this key (with --name)")
    there.add_argument("--name", default="", help="what to call it")
    there.add_argument("--forget", metavar="NAME", help="let it in no longer")
    there.add_argument("--unshare", action="store_true", help="keep the engine for this computer, and forget all")
    there.add_argument(
        "--their-jobs",
        choices=("end", "keep"),
        help="what becomes of the jobs of a computer that is let in no longer; without it you are asked, and they end "
        "where nobody can be",
    )
    there.add_argument("--limit", metavar="SIZE", help="how much one computer may store here: 50G, 500M")
    there.add_argument("--limit-all", metavar="SIZE", help="how much all of them may")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Do the one thing that was asked for, and show how things stand then."""
    kind, body = _request(options)
    with shared.open_client() as client:
        if kind in ("allow", "share"):
            body["jobs"] = options.their_jobs or _asked(client, body, terminal)
        answer = client.request(kind, body, timeout_s=120)
    facts = {name: value for name, value in answer.items() if name != "ok"}
    terminal.result(facts, *_lines(facts))


def _asked(client: Client, body: dict[str, Any], terminal: Terminal) -> str:
    """What becomes of the jobs of those who are let in no longer by this request: "end" or "keep"."""
    guests = client.engine_status()["guests"].get("by_name", {})
    gone = [name for name in guests if name == body.get("name") or body.get("listen") == ""]
    jobs = sum(guests[name]["jobs"] for name in gone)
    if not jobs or terminal.json_wanted or not sys.stdin.isatty():
        return "end"
    many = "a job" if jobs == 1 else f"{jobs} jobs"
    answer = input(f"{', '.join(gone)} has {many} at work or waiting. Keep going with them? [y/N] ")
    return "keep" if answer.strip().lower() in ("y", "yes") else "end"


def _request(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The request that the options ask for. Raises BadOption for none or several."""
    asked: list[tuple[str, dict[str, Any]]] = []
    if options.host:
        if not options.key:
            raise shared.BadOption(
                "A link needs the other computer's key.",
                f"Run 'restrip link --share' on {options.host}: it shows the key.",
            )
        body = {"address": options.host, "key": options.key, "shared_folders": not options.send_everything}
        asked.append(("link", body))
    elif options.key:
        raise shared.BadOption("--key is of another computer.", "Name that, too: restrip link HOST --key KEY")
    if options.off:
        asked.append(("link", {"address": ""}))
    if options.share:
        asked.append(("share", {"listen": options.share}))
    if options.unshare:
        asked.append(("share", {"listen": ""}))
    if options.allow:
        if not options.name:
            raise shared.BadOption("Which computer is it?", "Give it a name: --name laptop")
        asked.append(("allow", {"name": options.name, "key": options.allow}))
    if options.forget:
        asked.append(("allow", {"name": options.forget, "key": ""}))
    limits = {"guest_mib": options.limit, "guests_mib": options.limit_all}
    given = {name: shared.mib_of(size) for name, size in limits.items() if size is not None}
    if given:
        asked.append(("quotas", dict(given)))
    if len(asked) > 1:
        raise shared.BadOption(
            "That is more than one thing.", "Ask for one at a time: 'restrip link --help' lists them."
        )
    return asked[0] if asked else ("links", {"try": True})


def _lines(facts: dict[str, Any]) -> list[str]:
    share, link = facts["share"], facts["link"]
    if share is None and link is None:
        return ["Jobs are done on this computer, and no other computer uses its engine."]
    return (_shared(share) if share else []) + (_linked(link, facts.get("error")) if link else [])


def _shared(share: dict[str, Any]) -> list[str]:
    port = share["address"].rpartition(":")[2]
    guests = [f"  {name:20} fingerprint {fingerprint}" for name, fingerprint in share["guests"].items()]
    return [
        f"This engine takes jobs from linked computers at {share['address']}.",
        *(guests or ["  No computer is let in yet."]),
        "On the computer where you edit, run (HOST is this computer's name):",
        f"  restrip link HOST:{port} --key {share['key']}",
        "Then let it in here, with the key that it shows:  restrip link --allow KEY --name NAME",
    ]


def _linked(link: dict[str, Any], error: dict[str, Any] | None) -> list[str]:
    lines = [
        f"Jobs are done by the engine on {link['host']} (port {link['port']}).",
        f"  fingerprint {link['fingerprint']}   it must show the same one",
        f"  restrip link --allow {link['key']} --name NAME",
        "  is what has to be run there once, with a name for this computer.",
    ]
    return [*lines, f"  {error['message']} {error['remedy']}"] if error else lines
