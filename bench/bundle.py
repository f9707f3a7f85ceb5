"""The document of a container as podman writes it, with its own policy for system calls: what the rows of
bench/containers.py run, and what floor-oci does without reading it."""

import json
import os
import platform

PROFILE = "/usr/share/containers/seccomp.json"
CAPABILITIES = [
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
    "CAP_SYS_CHROOT",
]  # fmt: skip
ARCHITECTURES = {"x86_64": ("SCMP_ARCH_X86_64", "amd64"), "aarch64": ("SCMP_ARCH_AARCH64", "arm64")}
MASKED = [
    "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/fs/selinux",
    "/sys/dev/block",
]  # fmt: skip
READ_ONLY = [
    "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
]  # fmt: skip
BOUND = [("hosts", "/etc/hosts"), ("shm", "/dev/shm"), ("containerenv", "/run/.containerenv"),
         ("hostname", "/etc/hostname")]  # fmt: skip


def applies(rule, arch):
    """Whether a rule of the profile is for a container with CAPABILITIES on this machine."""
    includes, excludes = rule.get("includes", {}), rule.get("excludes", {})
    return (
        set(includes.get("caps", [])) <= set(CAPABILITIES)
        and arch in includes.get("arches", [arch])
        and not set(excludes.get("caps", [])) & set(CAPABILITIES)
        and arch not in excludes.get("arches", [])
    )


def seccomp():
    """The distribution's profile as a document's policy; None where there is no profile."""
    if not os.path.exists(PROFILE):
        return None
    with open(PROFILE, encoding="utf-8") as file:
        profile = json.load(file)
    native, arch = ARCHITECTURES[platform.machine()]
    policy = {"defaultAction": profile["defaultAction"], "architectures": [native], "syscalls": []}
    if "defaultErrnoRet" in profile:
        policy["defaultErrnoRet"] = profile["defaultErrnoRet"]
    for entry in profile.get("archMap", []):
        if entry["architecture"] == native:
            policy["architectures"] += entry["subArchitectures"]
    for rule in profile["syscalls"]:
        if applies(rule, arch):
            wanted = ("names", "action", "args", "errnoRet")
            policy["syscalls"].append({key: rule[key] for key in wanted if rule.get(key)})
    return policy


def mounts(files):
    def new(kind, where, *options):
        return {"destination": where, "type": kind, "source": kind, "options": list(options)}

    confined = ("nosuid", "noexec", "nodev")
    listed = [
        new("proc", "/proc", *confined),
        new("tmpfs", "/dev", "nosuid", "noexec", "strictatime", "mode=755", "size=65536k"),
        new("sysfs", "/sys", *confined, "ro"),
        new("devpts", "/dev/pts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
            "gid=5"),
        new("mqueue", "/dev/mqueue", *confined),
    ]  # fmt: skip
    for name, where in BOUND:
        listed.append({"destination": where, "type": "bind", "source": os.path.join(files, name),
                       "options": ["bind", "rprivate"] + list(confined if name == "shm" else ())})
    listed.append(new("cgroup", "/sys/fs/cgroup", "rprivate", *confined, "relatime", "ro"))
    return listed


def document(rootfs, files, group, args):
    result = {
        "ociVersion": "1.0.2-dev",
        "process": {
            "user": {"uid": 0, "gid": 0, "umask": 18},
            "args": args,
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "TERM=xterm", "HOSTNAME=bench"],
            "cwd": "/",
            "capabilities": {s: CAPABILITIES for s in ("bounding", "effective", "permitted")},
        },
        "root": {"path": rootfs},
        "hostname": "bench",
        "mounts": mounts(files),
        "annotations": {
            "io.container.manager": "libpod",
            "io.kubernetes.cri-o.Created": "2026-11-22T06:04:40.573260867Z",
            "io.kubernetes.cri-o.TTY": "false",
            "io.podman.annotations.autoremove": "TRUE",
            "io.podman.annotations.init": "FALSE",
            "io.podman.annotations.privileged": "FALSE",
            "io.podman.annotations.publish-all": "FALSE",
            "org.opencontainers.image.stopSignal": "15",
        },
        "linux": {
            "sysctl": {"net.ipv4.ping_group_range": "0 0"},
            "resources": {
                "devices": [{"allow": False, "access": "rwm"}],
                "memory": {"limit": 52428800, "swap": 104857600},
                "cpu": {"quota": 50000, "period": 100000},
                "pids": {"limit": 64},
            },
            "cgroupsPath": "/" + group,
            "namespaces": [{"type": t} for t in
                           ("pid", "network", "ipc", "uts", "mount", "cgroup")],
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    }  # fmt: skip
    policy = seccomp()
    if policy:
        result["linux"]["seccomp"] = policy
    return result


def write(directory, rootfs, files, group, args):
    """A bundle's directory; the root is shared, and outside of it."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(document(rootfs, files, group, args), file)
    return directory


def files_make(directory):
    """What podman binds into the root."""
    os.makedirs(os.path.join(directory, "shm"), exist_ok=True)
    for name in ("hosts", "containerenv", "hostname"):
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write("bench\n")
    return directory


def targets_make(rootfs):
    """What they are bound onto, as images have it."""
    for name in ("etc", "run", "proc", "dev", "sys"):
        os.makedirs(os.path.join(rootfs, name), exist_ok=True)
    for name in ("etc/hosts", "etc/hostname", "run/.containerenv"):
        with open(os.path.join(rootfs, name), "w", encoding="ascii"):
            pass
