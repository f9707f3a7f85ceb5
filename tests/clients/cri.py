#!/usr/bin/python3
"""cri.py SOCKET: talks to a container runtime interface (CRI v1) as a kubelet does; prints TAP.

The messages are few and are encoded here by their field numbers (api.proto of k8s.io/cri-api, runtime.v1), so
that no generated code is needed.
"""
import sys
import time

import grpc

IMAGE = "docker.io/library/busybox:latest"


# ---- messages: a list of (field number, value); numbers, bytes and text, or such lists -----------------


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def encode(fields):
    out = b""
    for number, value in fields:
        if isinstance(value, bool) or isinstance(value, int):
            out += varint(number << 3) + varint(int(value))
            continue
        if isinstance(value, str):
            value = value.encode()
        elif isinstance(value, list):
            value = encode(value)
        out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


def decode(data):
    """{number: [values]}; what is embedded stays bytes."""
    fields, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            value, at = read_varint(data, at)
        elif key & 7 == 2:
            length, at = read_varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            raise ValueError("a wire type that is not used here")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def one(fields, number, default=0):
    return fields.get(number, [default])[0]


# ---- TAP --------------------------------------------------------------------------------------------------

count = failed = 0


def ok(passed, name, why=""):
    global count, failed
    count += 1
    if not passed:
        failed += 1
    print(f"{'ok' if passed else 'not ok'} {count} - {name}")
    if not passed and why != "":
        print("\n".join("# " + line for line in str(why).splitlines()))
    sys.stdout.flush()


def equal(got, wanted, name):
    ok(got == wanted, name, f"got {got!r}, wanted {wanted!r}")


# ---- the interface ------------------------------------------------------------------------------------------


class Runtime:
    def __init__(self, socket):
        self.channel = grpc.insecure_channel("unix://" + socket)

    def call(self, method, fields, service="Runtime"):
        stub = self.channel.unary_unary(f"/runtime.v1.{service}Service/{method}")
        return decode(stub(encode(fields), timeout=60))

    def refused(self, method, fields):
        try:
            self.call(method, fields)
        except grpc.RpcError as error:
            return error.details()
        return None

    def pod(self, name, pid_mode=1):
        # Metadata, log directory, the host's network (2: NODE), which takes no host name of its own.
        self.config = [
            (1, [(1, name), (2, name + "-uid"), (3, "default"), (4, 0)]),
            (3, "/tmp/" + name),
            (8, [(1, "/pods/" + name), (2, [(1, [(1, 2), (2, pid_mode), (3, 2)])])]),
        ]
        return one(self.call("RunPodSandbox", [(1, self.config)]), 1).decode()

    def container(self, pod, name, command, linux=(), extra=()):
        resources, security = list(linux), [(3, [(1, 2), (2, 1), (3, 2)])] + list(extra)
        config = [(1, [(1, name), (2, 0)]), (2, [(1, IMAGE)])]
        config += [(3, word) for word in command]
        config += [(6, [(1, "KEY"), (2, "a value")]), (11, name + ".log"), (15, [(1, resources), (2, security)])]
        reply = self.call("CreateContainer", [(1, pod), (2, config), (3, self.config)])
        return one(reply, 1).decode()

    def start(self, container):
        self.call("StartContainer", [(1, container)])

    def status(self, container):
        reply = self.call("ContainerStatus", [(1, container)])
        return decode(one(reply, 1, b""))

    def wait(self, container):
        for _ in range(200):
            status = self.status(container)
            if one(status, 3) == 2:  # EXITED
                return one(status, 7), one(status, 10, b"").decode()
            time.sleep(0.1)
        return None, "still runs"

    def run(self, pod, name, command, **more):
        container = self.container(pod, name, command, **more)
        self.start(container)
        ended = self.wait(container)
        self.call("RemoveContainer", [(1, container)])
        return ended

    def exec(self, container, *command):
        fields = [(1, container)] + [(2, word) for word in command] + [(3, 30)]
        reply = self.call("ExecSync", fields)
        return one(reply, 1, b"").decode(), one(reply, 3)


def sh(script):
    return ["/bin/sh", "-c", script]


def test_pod(runtime):
    pod = runtime.pod("one")
    ok(pod, "a pod runs")
    status = decode(one(runtime.call("PodSandboxStatus", [(1, pod)]), 1, b""))
    equal(one(status, 3), 0, "it is ready")
    return pod


def test_ends(runtime, pod):
    equal(runtime.run(pod, "true", ["/bin/true"])[0], 0, "exit status 0")
    equal(runtime.run(pod, "seven", sh("exit 7"))[0], 7, "exit status 7")
    equal(runtime.run(pod, "env", sh('test "$KEY" = "a value"'))[0], 0, "the environment")
    hog = runtime.run(pod, "hog", ["/usr/bin/hog", "mem", "100m"], linux=[(4, 32 << 20)])
    equal(hog, (137, "OOMKilled"), "a program above its memory is killed, and the reason is told")
    equal(runtime.run(pod, "fits", ["/usr/bin/hog", "mem", "16m"], linux=[(4, 64 << 20)])[0], 0, "one below it lives")
    container = runtime.container(pod, "nothing", ["/no/such/program"])
    said = runtime.refused("StartContainer", [(1, container)])
    ok(said and "no such file or directory" in said, "a program that is not there is an error that says so", said)
    runtime.call("RemoveContainer", [(1, container)])
    container = runtime.container(pod, "path", ["nosuchprogram"])
    said = runtime.refused("StartContainer", [(1, container)])
    ok(said and "executable file not found" in said, "a program not in PATH likewise", said)
    runtime.call("RemoveContainer", [(1, container)])


def test_rights(runtime, pod):
    eff = "grep -q '^CapEff:.{}$' /proc/self/status"
    for name, wanted, extra in (
        ("default capabilities", "00000000a80425fb", []),
        ("a capability more", "00000000a80435fb", [(1, [(1, "NET_ADMIN")])]),
        ("no capability", "0000000000000000", [(1, [(2, "ALL")])]),
    ):
        equal(runtime.run(pod, "caps", sh(eff.format(wanted)), extra=extra)[0], 0, name)
    equal(runtime.run(pod, "ro", sh("! touch /x"), extra=[(7, True)])[0], 0, "a read-only root")
    equal(runtime.run(pod, "user", sh('test "$(id -u)" = 1234'), extra=[(5, [(1, 1234)])])[0], 0, "a user")
    name = "grep -q '^NoNewPrivs:.1' /proc/self/status"
    equal(runtime.run(pod, "nnp", sh(name), extra=[(11, True)])[0], 0, "no new privileges")


def test_live(runtime, pod):
    loop = sh('echo out; trap "exit 9" TERM; while :; do sleep 0.1; done')
    limits = [(1, 100000), (2, 50000), (3, 512), (4, 64 << 20)]
    container = runtime.container(pod, "stays", loop, linux=limits)
    runtime.start(container)
    equal(one(runtime.status(container), 3), 1, "a container runs")
    equal(runtime.exec(container, "echo", "hello"), ("hello\n", 0), "ExecSync")
    equal(runtime.exec(container, "/bin/sh", "-c", "exit 3")[1], 3, "ExecSync: exit status")
    said = runtime.refused("ExecSync", [(1, container), (2, "nosuchprogram"), (3, 30)])
    ok(said and "executable file not found" in said, "ExecSync: a program that is not there", said)
    limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    equal(runtime.exec(container, "/bin/sh", "-c", limit)[0].strip(), str(64 << 20), "the memory limit, inside")
    quota = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d ' ' -f 1 /sys/fs/cgroup/cpu.max"
    equal(runtime.exec(container, "/bin/sh", "-c", quota)[0].strip(), "50000", "the CPU quota, inside")
    runtime.call("UpdateContainerResources", [(1, container), (2, [(1, 100000), (2, 70000), (4, 80 << 20)])])
    equal(runtime.exec(container, "/bin/sh", "-c", limit)[0].strip(), str(80 << 20), "the memory limit, updated")
    equal(runtime.exec(container, "/bin/sh", "-c", quota)[0].strip(), "70000", "the CPU quota, updated")
    stats = decode(one(runtime.call("ContainerStats", [(1, container)]), 1, b""))
    memory = decode(one(decode(one(stats, 3, b"")), 2, b""))
    ok(one(memory, 1) > 0, "ContainerStats: memory in use")
    runtime.call("StopContainer", [(1, container), (2, 10)])
    equal(one(runtime.status(container), 7), 9, "StopContainer sends TERM first")
    runtime.call("RemoveContainer", [(1, container)])
    deaf = runtime.container(pod, "deaf", ["/bin/sleep", "1000"])
    runtime.start(deaf)
    runtime.call("StopContainer", [(1, deaf), (2, 1)])
    equal(one(runtime.status(deaf), 7), 137, "and KILL when that does not do")
    runtime.call("RemoveContainer", [(1, deaf)])


def test_shared(runtime):
    pod = runtime.pod("shared", pid_mode=0)  # the containers share the pod's process namespace
    container = runtime.container(pod, "sees", ["/bin/sleep", "1000"], extra=[(3, [(1, 2), (2, 0), (3, 2)])])
    runtime.start(container)
    ok("pause" in runtime.exec(container, "ps")[0] or runtime.exec(container, "ps")[0].count("sleep") >= 2,
       "a shared process namespace shows the pod's own process", runtime.exec(container, "ps")[0])
    runtime.call("StopPodSandbox", [(1, pod)])
    equal(one(runtime.status(container), 3), 2, "the end of the pod ends its containers")
    runtime.call("RemovePodSandbox", [(1, pod)])


def main():
    runtime = Runtime(sys.argv[1])
    version = runtime.call("Version", [])
    equal(one(version, 2, b"").decode(), "containerd", "the interface answers")
    pod = test_pod(runtime)
    test_ends(runtime, pod)
    test_rights(runtime, pod)
    test_live(runtime, pod)
    runtime.call("StopPodSandbox", [(1, pod)])
    runtime.call("StopPodSandbox", [(1, pod)])
    ok(True, "a pod can be stopped twice")
    runtime.call("RemovePodSandbox", [(1, pod)])
    said = runtime.refused("PodSandboxStatus", [(1, pod)])
    ok(said and "not found" in said, "a pod that was removed is gone", said)
    test_shared(runtime)
    equal(runtime.call("ListPodSandbox", []), {}, "no pod remains")
    equal(runtime.call("ListContainers", []), {}, "no container remains")
    print(f"# {count} checks, {failed} failed")


main()
