"""What can happen to a plant: one row a fault. A fault strikes, and is mended after a while that the seed decides."""
import os
import signal
from collections import namedtuple

LEASE_S = 2.0  # of the plant under chaos
HOUR_S = 3600


def running(plant, fate, names):
    """One of `names` whose process runs and is not stopped."""
    there = [name for name in names if plant.runs(name) and name not in plant.stopped]
    return fate.choice(there) if there else None


def kill(plant, fate, names):
    name = running(plant, fate, names)
    if name:
        plant.signal(name, signal.SIGKILL)
    return name and (name, None, 0)


def listens(pid, number):
    """Whether the process handles that signal by now: before its main function nobody does."""
    try:
        caught = next(line for line in open(f"/proc/{pid}/status") if line.startswith("SigCgt:"))
    except (OSError, StopIteration):
        return False
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def terminate(plant, fate):
    name = running(plant, fate, plant.names)
    pid = name and plant.processes[name].pid
    if not name or pid in plant.terminated or not listens(pid, signal.SIGTERM):  # a second signal ends at once
        return None
    plant.signal(name, signal.SIGTERM)
    return name, None, 0


def stop(plant, fate, names):
    name = running(plant, fate, names)
    if not name:
        return None
    pid = plant.signal(name, signal.SIGSTOP)
    plant.stopped.add(name)

    def wake():
        plant.stopped.discard(name)
        plant.signal(name, signal.SIGCONT, pid)
    return name, wake, fate.uniform(0.2, 4) * LEASE_S


def cut(plant, fate):
    if plant.hosts is None or plant.apart:
        return None
    name = fate.choice(plant.names)
    plant.apart.add(name)
    plant.hosts.cut(name)

    def heal():
        plant.apart.discard(name)
        plant.hosts.heal(name)
    return name, heal, fate.uniform(0.2, 4) * LEASE_S


def mute(plant, fate):
    if plant.hosts is None or plant.apart:
        return None
    node = fate.choice(plant.names[1:])
    name, to = fate.choice([(node, "coordinator"), ("coordinator", node)])
    plant.apart.add(name)
    plant.hosts.mute(name, to)

    def heal():
        plant.apart.discard(name)
        plant.hosts.heal(name, to)
    return f"{name} to {to}", heal, fate.uniform(0.5, 4) * LEASE_S


def fill(plant, fate, leave_mib):
    if plant.disk is None or plant.ballast.exists():
        return None
    plant.fill_disk(leave_mib)
    return f"{leave_mib} MiB left", plant.ballast.unlink, fate.uniform(0.5, 3) * LEASE_S


def jump(plant, fate):
    hours = fate.choice((-1, 1))
    plant.clock.write_text(str(hours * HOUR_S))
    return f"{hours:+d} h", lambda: plant.clock.write_text("0"), fate.uniform(1, 6)


def haunt(plant, fate, fault, after):
    """Kills the coordinator; the next one runs on a disk that fails so after some syncs."""
    if not plant.runs("coordinator") or "coordinator" in plant.stopped:
        return None
    plant.next_fault = {"DISK_FAULT": fault, "DISK_FAULT_AFTER": str(after(fate))}
    plant.signal("coordinator", signal.SIGKILL)
    return f"{fault} at {plant.next_fault['DISK_FAULT_AFTER']}", None, 0


Fault = namedtuple("Fault", "name weight strike")  # strike(plant, fate) answers (whom, how it is mended, after s) or None
FAULTS = (
    Fault("kill_node", 4, lambda plant, fate: kill(plant, fate, plant.names[1:])),
    Fault("kill_coordinator", 2, lambda plant, fate: kill(plant, fate, ["coordinator"])),
    Fault("terminate", 1, terminate),
    Fault("stop_node", 3, lambda plant, fate: stop(plant, fate, plant.names[1:])),
    Fault("stop_coordinator", 1, lambda plant, fate: stop(plant, fate, ["coordinator"])),
    Fault("partition", 3, cut),
    Fault("one_way", 3, mute),
    Fault("disk_low", 1, lambda plant, fate: fill(plant, fate, 4)),
    Fault("disk_full", 1, lambda plant, fate: fill(plant, fate, 0)),
    Fault("clock", 2, jump),
    Fault("power_cut", 1, lambda plant, fate: haunt(plant, fate, "hold", lambda fate: 0)),
    Fault("sync_fails", 1, lambda plant, fate: haunt(plant, fate, "eio", lambda fate: fate.randint(3, 40))),
    Fault("sync_hangs", 1, lambda plant, fate: haunt(plant, fate, "hang", lambda fate: fate.randint(3, 40))),
    Fault("killed_at_sync", 1, lambda plant, fate: haunt(plant, fate, "kill", lambda fate: fate.randint(2, 40))),
)


class Misfortune:
    """Strikes and mends; at most one fault of a kind at a time."""

    def __init__(self, plant, fate):
        self.plant, self.fate, self.open, self.happened = plant, fate, {}, {}

    def strike(self, name, now):
        if name in self.open:
            return
        struck = next(row for row in FAULTS if row.name == name).strike(self.plant, self.fate)
        if struck is None:
            return
        whom, mend, after_s = struck
        self.happened[name] = self.happened.get(name, 0) + 1
        self.plant.tell(f"{name} {whom}" + (f" for {after_s:.1f} s" if mend else ""))
        if mend:
            self.open[name] = (now + after_s, mend)

    def mend(self, now):
        for name in [name for name, (at, _) in self.open.items() if at <= now]:
            self.open.pop(name)[1]()
            self.plant.tell(f"{name} mended")

    def mend_all(self):
        self.plant.next_fault = {}
        self.mend(float("inf"))
