"""Measurements: interleaved launches, steps, system calls, memory that stays, growth."""

import glob
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time

import candidates

WARM_UP_ROUNDS = 2
HIERARCHIES = ("memory", "cpu", "pids", "unified")


def run_plan(place, rows, rounds, idle_ms):
    """Runs the rows in turn; gives label -> list of (wall_us, cpu_us, peak_kb, status)."""
    plan = os.path.join(place.tmp, "plan")
    with open(plan, "w", encoding="utf-8") as file:
        for row in rows:
            file.write("\t".join([row.label, row.hide or "-"] + row.command()) + "\n")
    argv = [os.path.join(place.build, "runner"), str(rounds + WARM_UP_ROUNDS), str(idle_ms), plan]
    with open(os.path.join(place.tmp, "errors"), "ab") as errors:
        runner = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            output, _ = runner.communicate()
        except BaseException:
            runner.terminate()  # it ends after the launch under way, which cleans up after itself
            runner.communicate()
            raise
    if runner.returncode != 0:
        raise RuntimeError(f"the runner ended with {runner.returncode}")
    result = {row.label: [] for row in rows}
    for line in output.splitlines():
        label, turn, wall_ns, cpu_us, peak_kb, status = line.split("\t")
        if int(turn) >= WARM_UP_ROUNDS:
            result[label].append((int(wall_ns) / 1000, int(cpu_us), int(peak_kb), int(status)))
    return result


def ratios(runs, reference):
    """Median of the ratios of each round, and ratio of the minima."""
    pairs = [(run[0], base[0]) for run, base in zip(runs, reference)]
    return {
        "median": statistics.median(wall / base for wall, base in pairs),
        "min": min(wall for wall, _ in pairs) / min(base for _, base in pairs),
    }


def summary(runs, against):
    """Figures of one row, and its ratios to the same rounds of other rows."""
    walls = [run[0] for run in runs]
    return {
        "min_us": min(walls),
        "median_us": statistics.median(walls),
        "p90_us": sorted(walls)[int(0.9 * (len(walls) - 1))],
        "cpu_median_us": statistics.median(run[1] for run in runs),
        "peak_rss_kb": max(run[2] for run in runs),
        "ratio_to": {label: ratios(runs, reference) for label, reference in against.items()},
        "rounds": len(walls),
    }


def launches(place, rows, rounds, idle_ms):
    runs = run_plan(place, rows, rounds, idle_ms)
    for label, results in runs.items():
        failed = sum(status != 0 for *_, status in results)
        if failed:
            print(f"{label}: {failed} of {len(results)} ended badly: do not trust its figures")
    against = {label: runs[label] for label in runs if label.startswith(("crun", "floor"))}
    return {row.label: summary(runs[row.label], against) for row in rows}


def failing(place, rows):
    """Rows that do not start, with the status and the last line they said: they are named, not
    measured."""
    failed = {}
    for row in rows:
        status = run_plan(place, [row], 1, 0)[row.label][-1][3]
        if status != 0:
            with open(os.path.join(place.tmp, "errors"), "rb") as file:
                said = file.read().decode(errors="replace").strip().splitlines()
            failed[row.label] = f"{status}: {said[-1] if said else 'no word'}"
    return failed


def steps(rows, times):
    """Median and least us of each step of the floor, by its own clock."""
    found = {row.label: {} for row in rows if row.steps}
    for _ in range(times):
        for row in (row for row in rows if row.steps):
            argv = row.argv[:1] + ["--steps"] + row.argv[1:] + row.payload
            done = subprocess.run(argv, capture_output=True, text=True, check=True)
            for line in done.stderr.splitlines():
                step, value_us = line.split("\t")
                found[row.label].setdefault(step, []).append(float(value_us))
    return {
        label: {s: {"min_us": min(v), "median_us": statistics.median(v)} for s, v in table.items()}
        for label, table in found.items()
    }


def hidden_argv(row, argv):
    """The same command in a mount namespace of its own in which row.hide is empty."""
    if not row.hide:
        return argv
    script = 'mount -t tmpfs empty "$1" && shift && exec "$@"'
    start = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    return start + [row.hide] + argv


def system_calls(place, row):
    """System calls of one launch, by process in the order of their birth. The payload's two (exec,
    exit) are among them."""
    directory = tempfile.mkdtemp(dir=place.tmp)
    argv = ["strace", "-ff", "-o", os.path.join(directory, "calls")] + row.command()
    done = subprocess.run(
        hidden_argv(row, argv),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        return None
    counts = []
    for path in sorted(glob.glob(directory + "/calls.*"), key=lambda p: int(p.rsplit(".", 1)[1])):
        with open(path, encoding="utf-8", errors="replace") as file:
            counts.append(sum(1 for line in file if not line.startswith(("+++", "---"))))
    return counts


def descendants(pid):
    """The process and all beneath it, oldest first."""
    found = [pid]
    for parent in found:
        for path in glob.glob(f"/proc/{parent}/task/*/children"):
            try:
                with open(path, encoding="ascii") as file:
                    found.extend(int(child) for child in file.read().split())
            except OSError:
                pass
    return found


def command_name(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def payload_pid(launcher, seconds=5):
    until = time.monotonic() + seconds
    while time.monotonic() < until and launcher.poll() is None:
        for pid in descendants(launcher.pid):
            if command_name(pid) == candidates.PAYLOAD:
                return pid
        time.sleep(0.01)
    return None


def memory_of(pid):
    """kB of the process's own dirty pages, of its resident set, and of its highest resident set."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        rollup = dict(re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.MULTILINE))
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        status = dict(re.findall(r"^(VmHWM):\s+(\d+) kB", file.read(), re.MULTILINE))
    return {
        "private_dirty_kb": int(rollup.get("Private_Dirty", 0)),
        "rss_kb": int(rollup.get("Rss", 0)),
        "pss_kb": int(rollup.get("Pss", 0)),
        "high_water_kb": int(status.get("VmHWM", 0)),
        "name": command_name(pid),
    }


def staying(row):
    """What stays of the launcher itself while the payload sleeps, each process and the sum."""
    launcher = subprocess.Popen(
        hidden_argv(row, row.command(stay=True)),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    payload = None
    try:
        payload = payload_pid(launcher)
        if payload is None:
            return None
        time.sleep(0.1)
        pids = [pid for pid in descendants(launcher.pid) if pid != payload]
        found = [memory_of(pid) for pid in pids]
    finally:
        if payload:
            os.kill(payload, signal.SIGKILL)
        elif launcher.poll() is None:
            launcher.terminate()
        launcher.wait()
    total = {key: sum(f[key] for f in found) for key in ("private_dirty_kb", "rss_kb", "pss_kb")}
    return {"processes": found, **total}


def idle_roots():
    if not os.path.isdir(candidates.CGROUP + "/memory"):
        return [candidates.CGROUP]
    paths = [os.path.join(candidates.CGROUP, name) for name in HIERARCHIES]
    return [path for path in paths if os.path.isdir(path)]


def idle_groups_make(name, first, end):
    for root in idle_roots():
        for i in range(first, end):
            os.mkdir(os.path.join(root, f"{name}-idle-{i}"))


def groups_remove(name):
    """Removes every group of this benchmark, deepest first; gives those that a launcher had left
    behind, and those that do not go."""
    unexpected = []
    roots = [candidates.CGROUP] + glob.glob(candidates.CGROUP + "/*/")
    for top in sorted({os.path.realpath(p) for r in roots for p in glob.glob(f"{r}/{name}*")}):
        if f"{name}-idle-" not in top:
            unexpected.append(top)
        for path, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(path)
            except OSError as error:
                unexpected.append(f"{path}: {error.strerror}")
    return unexpected


def growth(place, rows, counts, rounds):
    """Launches with ever more idle groups beside them; gives count -> label -> figures."""
    rows = [row for row in rows if row.growth]
    result, made = {}, 0
    for count in counts:
        idle_groups_make(place.name, made, count)
        made = count
        runs = run_plan(place, rows, rounds, 0)
        result[count] = {
            row.label: summary(runs[row.label], {"floor": runs["floor"]}) for row in rows
        }
    groups_remove(place.name)
    return result
