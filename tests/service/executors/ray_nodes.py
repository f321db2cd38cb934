"""Two real Ray nodes on this machine, in a process of their own: `Nodes()` from a test.

stdout: the cluster's address; stdin: "remove" takes the second node away by force, the end takes all away
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

STORE_BYTES = 80 * 2**20


class Nodes:
    """The cluster; `second` is the id of the node that `remove` takes away. Its addresses are this machine's own:
    Ray would lead 127.0.0.1 to one that others reach, so it is another of the loopback's.
    """

    def __init__(self, cpus: tuple[int, ...] = (1, 1)) -> None:
        self._child = subprocess.Popen(
            [sys.executable, __file__, json.dumps(cpus)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"},
        )
        self.pid = self._child.pid
        self.address, self.second = json.loads(self._line())

    def remove(self) -> None:
        """Take the second node away."""
        assert self._child.stdin is not None
        self._child.stdin.write("remove\n")
        self._child.stdin.flush()
        assert self._line() == "removed"

    def close(self) -> None:
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait(120)
        self._child.stdout.close()

    def _line(self) -> str:
        """The next line that is for us: Ray prints too."""
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.startswith("> "):
                return line[2:].strip()
        raise AssertionError("Ray doesn't start")


def main() -> None:
    from ray.cluster_utils import Cluster

    first, *others = json.loads(sys.argv[1])
    common = {"object_store_memory": STORE_BYTES, "node_ip_address": "127.0.0.2", "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": first, **common})
    added = [cluster.add_node(num_cpus=count, **common) for count in others]
    print(">", json.dumps([cluster.address, added[0].node_id if added else ""]), flush=True)
    for _ in sys.stdin:
        cluster.remove_node(added[0], allow_graceful=False)
        print("> removed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
