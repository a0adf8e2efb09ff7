"""A machine of its own in namespaces: systemd as its first process, with the files that `make install` leaves under /usr.
It knows our units and no other, so nothing runs but what is started. /dev, /etc, /run, /tmp, /var/tmp, /var/lib and /opt
are its own; all else cannot be written."""
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

SYSTEMD = next((path for path in ("/usr/lib/systemd/systemd", "/lib/systemd/systemd") if os.path.exists(path)), None)
GROUPS = Path("/sys/fs/cgroup/systemd")  # version 1, or a mix
ROOT = Path(__file__).resolve().parents[2]
UP_S = 30

BOOT = """set -e
mount --make-rprivate /
# First of all nothing can be written any more; what is its own comes on top.
for at in $(findmnt -rno TARGET | grep -v '^/proc'); do mount -o remount,bind,ro $at 2>/dev/null || true; done
for at in /proc/sys /proc/sysrq-trigger; do mount --bind $at $at && mount -o remount,bind,ro $at; done
for at in / /usr /var /tmp {root}; do
  if touch $at/written 2>/dev/null; then rm $at/written; echo "$at can be written"; exit 1; fi
done
mount -t tmpfs tmpfs /sys/fs/cgroup
mkdir /sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd,xattr cgroup /sys/fs/cgroup/systemd
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system /run/lock /run/etc/upper /run/etc/work /run/dev
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work overlay /etc
mount -t tmpfs -o mode=755 tmpfs /etc/systemd/system
for name in nothing basic sysinit shutdown multi-user network-online; do
  printf '[Unit]\\nDescription=%s\\nDefaultDependencies=no\\n' $name >/etc/systemd/system/$name.target
done
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /opt
cp -r {code} /opt/code
# Where parts of /proc are covered the kernel refuses a sandbox a /proc of its own, unless one is uncovered elsewhere.
mkdir /opt/proc
mount -t proc proc /opt/proc
cp -r {installed}/usr/lib/systemd/system /opt/units
mount -t overlay -o lowerdir={installed}/usr:/usr overlay /usr
mount -t tmpfs -o mode=755 tmpfs /run/dev
for name in null zero full random urandom tty; do
  touch /run/dev/$name
  mount --bind /dev/$name /run/dev/$name
done
touch /run/dev/console
mount --bind {console} /run/dev/console
mount -o remount,bind,rw /run/dev/console
mkdir /run/dev/pts /run/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
ln -s /proc/self/fd /run/dev/fd
mount --move /run/dev /dev
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mount --make-rshared /  # among its own namespaces, as a machine's manager expects it
ip link set lo up
exec env -i container=mendel-test SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/systemd/system:/opt/units PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
  {systemd} --system --unit=nothing.target --log-target=console --show-status=no
"""


def reason_for_none():
    """Why no such machine can run here; None if one can."""
    if SYSTEMD is None or not shutil.which("systemctl"):
        return "systemd is not installed"
    if os.geteuid() != 0 or not (GROUPS / "cgroup.procs").exists():
        return "a machine of its own needs root and a cgroup hierarchy of systemd's (version 1)"
    return None


class Machine:
    def __init__(self, folder, installed, code):
        """`installed`: a folder that holds usr, as DESTDIR gets it; `code` is seen as /opt/code. `end` must be called."""
        self.console = folder / "console"
        self.console.touch()
        self.group = GROUPS / f"mendel-test-{os.getpid()}-{folder.name}"
        self.group.mkdir()
        script = folder / "boot"
        script.write_text(BOOT.format(root=ROOT, code=shlex.quote(str(code)), installed=installed, console=shlex.quote(str(self.console)), systemd=SYSTEMD))
        words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--cgroup", "--ipc", "--uts", "--net", "bash", script]
        self.process = subprocess.Popen(["sh", "-c", f"echo $$ >{self.group}/cgroup.procs && exec \"$@\"", "sh", *map(str, words)], stdin=subprocess.DEVNULL,
                                        stdout=open(folder / "boot.log", "w"), stderr=subprocess.STDOUT, start_new_session=True)
        until = time.monotonic() + UP_S
        while self.sh("systemctl is-system-running", check=False).stdout.strip() not in ("running", "degraded"):
            if self.process.poll() is not None or time.monotonic() > until:
                said = (folder / "boot.log").read_text()[-500:] + self.said()[-500:]
                self.end()
                raise RuntimeError(said)
            time.sleep(0.05)

    def sh(self, line, check=True, timeout=120):
        """The finished shell line, run as root on that machine."""
        first = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[:1] if self.process.poll() is None else []
        done = subprocess.run(["nsenter", "--target", *(first or ["0"]), "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "bash", "-c", line], capture_output=True, text=True,
                              env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_PAGER": ""}, cwd="/", timeout=timeout, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.said()}"
        return done

    def show(self, unit, *fields):
        return dict(line.split("=", 1) for line in self.sh(f"systemctl show -p {','.join(fields)} {unit}").stdout.splitlines())

    def said(self):
        return self.console.read_text(errors="replace")[-6000:]

    def end(self):
        for child in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split() if self.process.poll() is None else []:
            os.kill(int(child), 9)  # its first process, and with it all of them
        self.process.kill()
        self.process.wait()
        until = time.monotonic() + UP_S
        while self.group.exists() and time.monotonic() < until:
            for folder in sorted((Path(at) for at, _, _ in os.walk(self.group)), reverse=True):
                try:
                    folder.rmdir()
                except OSError:
                    time.sleep(0.05)
