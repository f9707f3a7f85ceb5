"""What is compared: the floor in its variants, ration, and other launchers, as command lines."""

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
    """One row: how to start it (the payload's own arguments are appended) and what to divide by."""

    label: str
    argv: list
    ref: str = None
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

    def __init__(self, tmp, build, name):
        self.tmp, self.build, self.name = tmp, build, name
        self.rootfs = os.path.join(tmp, "rootfs")
        self.payload = os.path.join(build, PAYLOAD)
        for directory in ("bin", "proc", "dev", "sys", "tmp"):
            os.makedirs(os.path.join(self.rootfs, directory))
        shutil.copy(self.payload, os.path.join(self.rootfs, "bin", PAYLOAD))

    def bundle(self, group, args):
        path = os.path.join(self.tmp, f"{group}-{len(args)}")
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "config.json"), "w", encoding="ascii") as file:
            json.dump(oci_config(self.rootfs, group, args), file)
        return path


def oci_config(rootfs, group, args):
    """The floor's own work as an OCI document: no masked paths, no seccomp, the host's network."""

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


def floors(place):
    floor = [os.path.join(place.build, "floor"), "--group", place.name]

    def row(label, *options, ref=None, rootfs=False, **more):
        where = ["--rootfs", place.rootfs] if rootfs else []
        payload = "/bin/" + PAYLOAD if rootfs else place.payload
        argv = floor + list(options) + where + ["--", payload]
        return Candidate(label, argv, ref=ref, **more)

    base = "floor init"
    return [
        row(base, "--init", ref=base, core=True, growth=True, steps=True),
        row("floor no-init", "--no-init", ref=base, core=True, growth=True, steps=True),
        row("floor init flat", "--init", "--flat", ref=base),
        row("floor init no read-back", "--init", "--no-readback", ref=base),
        row("floor init no figures", "--init", "--no-figures", ref=base),
        row("floor init cgroup.procs", "--init", "--procs", ref=base),
        row("floor init net", "--init", "--net", ref=base, steps=True),
        row("floor init full", "--init", "--full", ref=base, steps=True),
        row("floor init full net", "--init", "--full", "--net", ref=base),
        row("floor init rootfs", "--init", rootfs=True, ref=base, core=True, steps=True),
        row("floor no-init full rootfs", "--full", rootfs=True, ref=base, core=True),
    ]


def rations(place, ration, reference):
    if not ration:
        return []
    limits = ["run", "--memory", "50m", "--cpus", "0.5", "--pids-limit", "64"]
    ref = "floor " + reference
    rows = [
        ("ration", ref, ["--network", "host", "--", place.payload], True),
        ("ration net", "floor init net", ["--network", "none", "--", place.payload], False),
        ("ration rootfs", "floor init rootfs",
         ["--network", "host", "--rootfs", place.rootfs, "--", "/bin/" + PAYLOAD], True),
    ]  # fmt: skip
    return [
        Candidate(label, [ration] + limits + rest, ref=ref, core=core, growth=label == "ration")
        for label, ref, rest, core in rows
    ]


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
        ref="floor init rootfs",
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
            Candidate("bwrap (no cgroups)", argv, ref="floor init rootfs", core=True)
        )
    return found


def everything(place, ration, reference):
    bare = Candidate("bare", [place.payload], ref="floor init", core=True)
    return [bare] + floors(place) + rations(place, ration, reference) + peers(place)
