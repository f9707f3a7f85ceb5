"""What is compared: the floor in its variants, ration, and other launchers, as command lines."""

import glob
import json
import os
import shutil
from dataclasses import dataclass, field

CGROUP = "/sys/fs/cgroup"
PAYLOAD = "bench-payload"
LIMITS = {"memory": 52428800, "quota": 50000, "period": 100000, "pids": 64}
CAPABILITIES = [
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT",
    "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP",
]  # fmt: skip


@dataclass
class Candidate:
    """One row: how to start it (the payload's own arguments are appended) and what to divide by:
    the floor that does the same, and the one that does least."""

    label: str
    argv: list
    ref: str = None
    bare_ref: str = "floor bare"
    stay_argv: list = None  # when the sleeping payload needs another command line
    hide: str = None
    core: bool = False  # part of --quick
    growth: bool = False
    steps: bool = False
    payload: list = field(default_factory=list)

    def command(self, stay=False):
        if stay and self.stay_argv:
            return self.stay_argv
        return self.argv + self.payload + (["stay"] if stay else [])


class Place:
    """The temporary directory of one benchmark: a root with the payload, and OCI bundles."""

    def __init__(self, tmp, build, name, records):
        self.tmp, self.build, self.name = tmp, build, name
        self.rootfs = os.path.join(tmp, "rootfs")
        self.records = records
        self.payload = os.path.join(build, PAYLOAD)
        for directory in ("bin", "proc", "dev", "sys", "tmp"):
            os.makedirs(os.path.join(self.rootfs, directory))
        shutil.copy(self.payload, os.path.join(self.rootfs, "bin", PAYLOAD))
        busybox = shutil.which("busybox")
        if busybox:
            shutil.copy(busybox, os.path.join(self.rootfs, "bin"))

    def bundle(self, group, args):
        path = os.path.join(self.tmp, f"{group}-{len(args)}")
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "config.json"), "w", encoding="ascii") as file:
            json.dump(oci_config(self.rootfs, group, args), file)
        return path


def oci_config(rootfs, group, args):
    """The bare floor's work as an OCI document: no masked paths, no seccomp, the host's network."""

    def mount(kind, where, *options):
        return {"destination": where, "type": kind, "source": kind, "options": list(options)}

    return {
        "ociVersion": "1.0.2",
        "hostname": "floor",
        "root": {"path": rootfs},
        "process": {
            "cwd": "/",
            "args": args,
            "env": ["PATH=/bin"],
            "user": {"uid": 0, "gid": 0},
            "capabilities": {s: CAPABILITIES for s in ("bounding", "effective", "permitted")},
        },
        "mounts": [
            mount("proc", "/proc", "nosuid", "nodev", "noexec"),
            mount("tmpfs", "/dev", "nosuid", "noexec", "mode=755", "size=64k"),
            mount("devpts", "/dev/pts", "nosuid", "noexec", "newinstance", "ptmxmode=0666"),
            mount("tmpfs", "/dev/shm", "nosuid", "nodev", "noexec", "mode=1777", "size=65536k"),
            mount("sysfs", "/sys", "nosuid", "nodev", "noexec", "ro"),
        ],
        "linux": {
            "cgroupsPath": "/" + group,
            "namespaces": [{"type": t} for t in ("mount", "pid", "ipc", "uts", "cgroup")],
            "resources": {
                "memory": {"limit": LIMITS["memory"]},
                "cpu": {"quota": LIMITS["quota"], "period": LIMITS["period"]},
                "pids": {"limit": LIMITS["pids"]},
            },
        },
    }


def disk():
    """A disk of this machine for a limit on it, as (name, "MAJOR:MINOR"), or None."""
    for path in sorted(glob.glob("/sys/block/*/dev")):
        name = path.split("/")[3]
        with open(f"/sys/block/{name}/size", encoding="ascii") as file:
            has_size = int(file.read()) > 0
        if has_size and os.path.exists("/dev/" + name):
            with open(path, encoding="ascii") as file:
                return name, file.read().strip()
    return None


def floors(place):
    floor = [os.path.join(place.build, "floor"), "--group", place.name]

    def row(label, *options, ref=None, rootfs=False, **more):
        where = ["--rootfs", place.rootfs] if rootfs else []
        payload = "/bin/" + PAYLOAD if rootfs else place.payload
        argv = floor + list(options) + where + ["--", payload]
        return Candidate(label, argv, ref=ref, **more)

    base = "floor"
    full = ["--full"] + (["--disk", disk()[1]] if disk() else [])
    return [
        row(base, "--init", ref=base, core=True, growth=True, steps=True),
        row("floor bare", "--init", "--bare", ref=base, core=True, growth=True, steps=True),
        row("floor serial", "--init", "--serial", ref=base),
        row("floor no-init", "--no-init", ref=base, core=True, steps=True),
        row("floor bare no-init", "--no-init", "--bare", ref=base),
        row("floor flat", "--init", "--flat", ref=base),
        row("floor no read-back", "--init", "--no-readback", ref=base),
        row("floor figures", "--init", "--figures", ref=base, core=True),
        row("floor record", "--init", "--record", place.records, ref=base),
        row("floor cgroup.procs", "--init", "--procs", ref=base),
        row("floor net", "--init", "--net", ref=base, steps=True),
        row("floor bare net", "--init", "--bare", "--net", ref=base),
        row("floor full", "--init", *full, ref=base, steps=True),
        row("floor bare full", "--init", "--bare", *full, ref=base),
        row("floor rootfs", "--init", rootfs=True, ref=base, core=True, steps=True),
        row("floor bare rootfs", "--init", "--bare", rootfs=True, ref=base, core=True),
    ]


def rations(place, ration):
    if not ration:
        return []
    limits = ["run", "--memory", "50m", "--cpus", "0.5", "--pids-limit", "64"]
    full = ["--network", "host", "--cpuset-cpus", f"0-{os.cpu_count() - 1}",
            "--device-cgroup-rule", "c 10:229 rwm"]  # fmt: skip
    if disk():
        full += ["--device-read-bps", f"/dev/{disk()[0]}:100m"]
    report = ["--report", os.path.join(place.tmp, "report")]
    rows = [
        ("ration", "", ["--network", "host"], True),
        ("ration report", " figures", ["--network", "host", *report], True),
        ("ration no-init", " no-init", ["--network", "host", "--init=false"], False),
        ("ration net", " net", ["--network", "none"], False),
        ("ration full", " full", full, False),
        ("ration rootfs", " rootfs", ["--network", "host", "--rootfs", place.rootfs], True),
    ]
    return [
        Candidate(
            label,
            [ration] + limits + rest
            + ["--", "/bin/" + PAYLOAD if "--rootfs" in rest else place.payload],
            ref="floor" + which,
            bare_ref="floor bare" + which.replace(" figures", ""),
            core=core,
            growth=label == "ration",
        )
        for label, which, rest, core in rows
    ]  # fmt: skip


def oci_runtime(place, tool, path, hide):
    """crun or runc; the group and the container carry the benchmark's name."""
    group = f"{place.name}-{tool}"
    inside = "/bin/" + PAYLOAD

    def command(args):
        state = os.path.join(place.tmp, tool + "-state")
        return [path, "--root", state, "run", "-b", place.bundle(group, args), group]

    return Candidate(
        tool,
        command([inside]),
        stay_argv=command([inside, "stay"]),
        ref="floor rootfs",
        bare_ref="floor bare rootfs",
        hide=hide,
        core=True,
        growth=True,
    )


def peers(place):
    """Launchers of the distribution, where installed. crun before 1.9 refuses a v1 machine that
    has v2 beside it, so it runs where v2 is hidden from it (in a mount namespace of its own)."""
    found = []
    hybrid = os.path.isdir(CGROUP + "/unified")
    for tool in ("crun", "runc"):
        path = shutil.which(tool)
        if path:
            hide = CGROUP + "/unified" if hybrid and tool == "crun" else None
            found.append(oci_runtime(place, tool, path, hide))
    path = shutil.which("bwrap")
    if path:
        argv = [path, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",
                "--bind", place.rootfs, "/", "--proc", "/proc", "--dev", "/dev",
                "--ro-bind", "/sys", "/sys", "--", "/bin/" + PAYLOAD]  # fmt: skip
        found.append(
            Candidate("bwrap (no cgroups)", argv, ref="floor rootfs",
                      bare_ref="floor bare rootfs", core=True)  # fmt: skip
        )
    return found


def everything(place, ration):
    alone = [
        Candidate("payload", [place.payload], ref="floor", core=True),
        Candidate("empty", [os.path.join(place.build, "bench-empty")], ref="floor"),
    ]
    return alone + floors(place) + rations(place, ration) + peers(place)
