"""Network namespaces that stand for machines: on one bridge, each with an address and a cable of its own."""
import itertools
import os
import shutil
import subprocess


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


def reason_for_none():
    """Why this machine cannot have namespaces; None if it can."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return "network namespaces need root and ip (iproute2)"
    probe = f"probe{os.getpid()}"
    made = ip("netns", "add", probe, check=False)
    if made.returncode != 0:
        return f"no network namespaces here: {made.stderr.strip()}"
    ip("netns", "del", probe)
    return None


MADE = itertools.count()  # the kernel takes down a cable some time after its namespace, so names are new each time


class Hosts:
    """NET.N is the address of the Nth name. `remove` must be called; it ends nothing that runs in them."""

    def __init__(self, names, net="10.77.0"):
        self.names, self.net, self.mark = list(names), net, f"m{os.getpid() % 10000}x{next(MADE)}"
        self.bridge = f"{self.mark}b"
        try:
            self._make()
        except subprocess.CalledProcessError:
            self.remove()
            raise

    def _make(self):
        ip("link", "add", self.bridge, "type", "bridge")
        ip("link", "set", self.bridge, "up")
        for number, name in enumerate(self.names, 1):
            space, outer = self.space(name), f"{self.mark}v{number}"
            ip("netns", "add", space)
            ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("link", "set", outer, "master", self.bridge, "up")
            ip("-n", space, "addr", "add", f"{self.address(name)}/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
            ip("-n", space, "link", "set", "lo", "up")

    def address(self, name):
        return f"{self.net}.{self.names.index(name) + 1}"

    def space(self, name):
        return f"{self.mark}-{name}"

    def command(self, name, *arguments):
        """The words that run `arguments` on that host; the process keeps its id and takes signals."""
        return ["ip", "netns", "exec", self.space(name), *map(str, arguments)]

    def cut(self, name):
        """Pulls the cable: nothing comes in or goes out, and nobody is told."""
        ip("-n", self.space(name), "link", "set", "eth0", "down")

    def mute(self, name, to):
        """What `name` sends to `to` is lost on the way; what it is sent arrives."""
        ip("-n", self.space(name), "route", "add", "blackhole", f"{self.address(to)}/32", check=False)

    def heal(self, name, to=None):
        ip("-n", self.space(name), "link", "set", "eth0", "up")
        if to:
            ip("-n", self.space(name), "route", "del", "blackhole", f"{self.address(to)}/32", check=False)

    def remove(self):
        for name in self.names:
            ip("netns", "del", self.space(name), check=False)
        ip("link", "del", self.bridge, check=False)
