"""The rows of the OCI runtime: a container's whole life in one call and in three, and a further process in
one that runs; beside the floor that does the same, crun and runc."""

import ctypes
import glob
import json
import os
import shutil
import struct
import subprocess
import tempfile

import bundle
import measure
from candidates import CGROUP, PAYLOAD, Candidate

PR_SET_CHILD_SUBREAPER = 36
CACHE_HEADER = struct.Struct("=32sIIQII")  # src/seccomp/cache.c
INSIDE = "/bin/" + PAYLOAD


class Ground:
    """What the rows share: a root, files to bind, bundles, and directories for the runtimes' records."""

    def __init__(self, place, runtime):
        self.place, self.runtime = place, runtime
        self.files = bundle.files_make(os.path.join(place.tmp, "files"))
        self.filter = os.path.join(place.tmp, "filter")
        bundle.targets_make(place.rootfs)
        # Every runtime's, on a tmpfs, as /run is where containers are run.
        where = "/dev/shm" if os.path.isdir("/dev/shm") else "/run"
        self.records = tempfile.TemporaryDirectory(prefix="ration-bench-", dir=where)
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def state(self, tool):
        path = os.path.join(self.records.name, tool)
        os.makedirs(path, exist_ok=True)
        return path

    def bundle(self, what, *args):
        """A bundle whose group has the benchmark's name."""
        group = f"{self.place.name}-{what}"
        path = os.path.join(self.place.tmp, group)
        return bundle.write(path, self.place.rootfs, self.files, group, [INSIDE, *args])

    def floor(self, what, *options):
        argv = [os.path.join(self.place.build, "floor-oci"), "--rootfs", self.place.rootfs,
                "--files", self.files, "--group", f"{self.place.name}-{what}",
                "--state", self.state("floor")]  # fmt: skip
        filter_options = ["--filter", self.filter] if os.path.exists(self.filter) else []
        return argv + filter_options + list(options)

    def keep_filter(self):
        """The program that the runtime has made of the policy, for the floor to load as it is."""
        argv = [self.runtime, "--root", self.state("ration-oci"), "run", "-b"]
        subprocess.run([*argv, self.bundle("ration-oci"), "first"], check=True)
        for path in glob.glob(self.state("ration-oci") + "/.seccomp/*"):
            with open(path, "rb") as file:
                data = file.read()
            *_, text_length, _ = CACHE_HEADER.unpack_from(data)
            with open(self.filter, "wb") as file:
                file.write(data[CACHE_HEADER.size + text_length :])

    def tools(self):
        """(label, program, what is hidden from it) of each runtime that is there."""
        found = [("ration-oci", self.runtime, None)]
        hybrid = os.path.isdir(CGROUP + "/unified")
        for tool in ("crun", "runc"):
            path = shutil.which(tool)
            if path:
                hide = CGROUP + "/unified" if hybrid and tool == "crun" else None
                found.append((tool, path, hide))
        return found


def life_rows(ground):
    """A container's whole life in one call."""
    ref = "floor oci"
    rows = [Candidate(ref, ground.floor("floor", "run", "f"), ref=ref, core=True, growth=True,
                      stay_argv=ground.floor("floor", "run", "f", INSIDE, "stay"))]  # fmt: skip
    for tool, path, hide in ground.tools():
        argv = [path, "--root", ground.state(tool), "run", "-b"]
        rows.append(Candidate(
            tool + " run", [*argv, ground.bundle(tool), "r-" + tool], ref=ref, hide=hide,
            stay_argv=[*argv, ground.bundle(tool + "-stay", "stay"), "s-" + tool],
            core=True, growth=True,
        ))  # fmt: skip
    return rows


def steps_rows(ground):
    """The same by create, start and delete."""
    driver, ref = os.path.join(ground.place.build, "lifecycle"), "floor oci in three"
    pid_file = os.path.join(ground.place.tmp, "pid")
    rows = [Candidate(ref, [driver, pid_file, "f", "", *ground.floor("floor")], ref=ref)]
    for tool, path, hide in ground.tools():
        argv = [driver, pid_file, "c-" + tool, "-b " + ground.bundle(tool),
                path, "--root", ground.state(tool)]  # fmt: skip
        rows.append(Candidate(tool + " in three", argv, ref=ref, hide=hide))
    return rows


def exec_rows(ground):
    """A further process. Each runtime has a container of its own that runs; the floor goes where ours is."""
    ref = "floor oci exec"
    with open(os.path.join(ground.place.tmp, "pid-ration-oci"), encoding="ascii") as file:
        pid = file.read()
    argv = ground.floor("live-ration-oci", "--pid", pid, "exec", "f", INSIDE)
    rows = [Candidate(ref, argv, ref=ref, core=True)]
    for tool, path, hide in ground.tools():
        argv = [path, "--root", ground.state(tool), "exec", "l-" + tool, INSIDE]
        rows.append(Candidate(tool + " exec", argv, ref=ref, hide=hide, core=True))
    return rows


def quiet(argv, **more):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **more)


def live_start(ground):
    """A container of each runtime that runs, for exec_rows."""
    for tool, path, hide in ground.tools():
        pid_file = os.path.join(ground.place.tmp, "pid-" + tool)
        argv = [path, "--root", ground.state(tool), "run", "-d", "--pid-file", pid_file, "-b",
                ground.bundle("live-" + tool, "stay"), "l-" + tool]  # fmt: skip
        row = Candidate(tool, argv, hide=hide)
        quiet(measure.hidden_argv(row, argv), stderr=subprocess.DEVNULL, check=True)


def live_stop(ground):
    for tool, path, hide in ground.tools():
        argv = [path, "--root", ground.state(tool), "delete", "--force", "l-" + tool]
        row = Candidate(tool, argv, hide=hide)
        quiet(measure.hidden_argv(row, argv), stderr=subprocess.DEVNULL)
    reap()


def reap():
    """Whatever containers were in the background are our children."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass
    except ChildProcessError:
        pass


def rows(ground):
    return life_rows(ground) + steps_rows(ground) + exec_rows(ground)


# ---- measured besides -------------------------------------------------------------------------------


def waiting(ground):
    """kB of the process that waits between create and start."""
    argv = [ground.runtime, "--root", ground.state("ration-oci")]
    pid_file = os.path.join(ground.place.tmp, "pid")
    path = ground.bundle("waiting")
    quiet([*argv, "create", "--pid-file", pid_file, "-b", path, "w"], check=True)
    try:
        with open(pid_file, encoding="ascii") as file:
            return measure.memory_of(int(file.read()))
    finally:
        quiet([*argv, "delete", "--force", "w"])
        reap()


class Crowd:
    """Containers of ours that stand beside the ones measured, each with its groups, namespaces, process and
    record, waiting to be started."""

    def __init__(self, ground):
        self.ground, self.made = ground, 0
        self.argv = [ground.runtime, "--root", ground.state("ration-oci")]

    def grow(self, count):
        path = os.path.join(self.ground.place.tmp, "crowd")
        for i in range(self.made, count):
            group = f"{self.ground.place.name}-crowd/{i}"
            bundle.write(path, self.ground.place.rootfs, self.ground.files, group, [INSIDE])
            quiet([*self.argv, "create", "-b", path, f"crowd-{i}"], check=True)
            self.made = i + 1

    def leave(self):
        for i in range(self.made):
            quiet([*self.argv, "delete", "--force", f"crowd-{i}"])
        self.made = 0
        reap()


def growth(ground, candidates, counts, rounds):
    """Launches with ever more containers beside them; gives count -> label -> figures."""
    candidates = [row for row in candidates if row.growth]
    crowd, result = Crowd(ground), {}
    try:
        for count in counts:
            crowd.grow(count)
            runs = measure.run_plan(ground.place, candidates, rounds, 0)
            against = {label: runs[label] for label in ("floor oci", "crun run") if label in runs}
            result[count] = {label: measure.summary(runs[label], against) for label in runs}
    finally:
        crowd.leave()
    return result


def description(ground):
    """How long the filter is, and how large the document."""
    size = os.path.getsize(ground.filter) // 8 if os.path.exists(ground.filter) else 0
    path = os.path.join(ground.bundle("ration-oci"), "config.json")
    with open(path, encoding="utf-8") as file:
        length = len(json.dumps(json.load(file)))
    return f"config.json of {length} bytes, filter of {size} instructions"
