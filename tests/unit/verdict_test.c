/* metric: why a run ended. Each row is an observation and all that must be said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "metric/metric.h"

struct row {
    const char *name;
    /* what was observed */
    bool never_started, exited;
    int status;
    bool core;
    enum stop_reason stopped;
    int stop_signal, warn_signal;
    enum limit_id warn_limit;
    struct {
        bool known;
        enum event_id id;
        uint64_t before, after;
    } event[6];
    struct {
        bool known;
        enum metric_id id;
        uint64_t value;
    } figure[3];
    uint64_t cpu_us;
    const char *limits; /* blank-separated NAME=VALUE */
    const char *error_step, *error_text;
    /* what must be said */
    enum cause cause;
    enum whose whose;
    enum limit_id limit;
    size_t n_evidence;
    const char *text;
};

#define EXIT(status_)   .exited = true, .status = (status_)
#define KILLED(signal_) .status = (signal_)
#define EVENT(id_, from_, to_)        \
    {                                 \
        true, EVENT_##id_, from_, to_ \
    }
#define FIGURE(id_, value_)        \
    {                              \
        true, METRIC_##id_, value_ \
    }
#define SAYS(cause_, whose_, limit_) \
    .cause = CAUSE_##cause_, .whose = WHOSE_##whose_, .limit = LIMIT_##limit_

static const struct row row_table[] = {
    /* ---- the bare end ---- */
    { "a clean end", EXIT(0), SAYS(EXITED, NONE, NONE),
      .text = "exited: COMMAND exited with status 0" },
    { "an exit status", EXIT(3), SAYS(EXITED, NONE, NONE),
      .text = "exited: COMMAND exited with status 3" },
    { "a status that no signal has", EXIT(255), SAYS(EXITED, NONE, NONE),
      .text = "exited: COMMAND exited with status 255" },
    { "a shell's word for a killed child", EXIT(152), SAYS(EXITED, NONE, NONE),
      .text = "exited: COMMAND exited with status 152, as shells do when a child was ended by "
              "SIGXCPU" },
    { "a clean end under a limit that was only touched", EXIT(0),
      .event = { EVENT(OOM_KILL, 0, 0), EVENT(OOM_OWN, 0, 0), EVENT(MEMORY_FAILCNT, 0, 4711) },
      .limits = "memory=50m", SAYS(EXITED, NONE, NONE),
      .text = "exited: COMMAND exited with status 0" },
    { "SIGSEGV with a core", KILLED(SIGSEGV), .core = true, SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by SIGSEGV (core dumped)" },
    { "SIGSEGV under a stack limit", KILLED(SIGSEGV), .limits = "rlimit-stack=1m",
      SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by SIGSEGV; a stack beyond --rlimit-stack 1m ends so "
              "too" },
    { "SIGTERM from somebody", KILLED(SIGTERM), SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by SIGTERM" },
    { "a real-time signal", KILLED(35), SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by signal 35" },
    { "SIGKILL that the OOM killer did not send", KILLED(SIGKILL),
      .event = { EVENT(OOM_KILL, 0, 0), EVENT(OOM_OWN, 0, 0), EVENT(MEMORY_FAILCNT, 0, 9),
                 EVENT(OOM_MACHINE, 4, 9) },
      SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by SIGKILL, which neither ration nor the OOM killer "
              "sent" },
    { "SIGKILL and no counter to ask", KILLED(SIGKILL), SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by SIGKILL, which ration did not send" },
    { "SIGKILL, no counter of ours, the OOM killer at work", KILLED(SIGKILL),
      .event = { EVENT(OOM_MACHINE, 4, 5) }, SAYS(SIGNALLED, NONE, NONE), .n_evidence = 1,
      .text = "signalled: COMMAND was ended by SIGKILL, which ration did not send; the machine's "
              "OOM killer was at work meanwhile and may have" },

    /* ---- ration ended it ---- */
    { "the wall clock", KILLED(SIGKILL), .stopped = STOP_WALL_TIME, .limits = "timeout=2",
      .figure = { FIGURE(WALL_US, 2003000) }, SAYS(WALL_TIME, OWN, TIMEOUT), .n_evidence = 1,
      .text = "wall time: own limit (--timeout 2s): COMMAND was ended by SIGKILL after 2.003 s" },
    { "the wall clock, and COMMAND ended by itself in the same moment", EXIT(0),
      .stopped = STOP_WALL_TIME, .limits = "timeout=2", .figure = { FIGURE(WALL_US, 2003000) },
      SAYS(WALL_TIME, OWN, TIMEOUT), .n_evidence = 1,
      .text = "wall time: own limit (--timeout 2s): COMMAND exited with status 0 after 2.003 s" },
    { "a run held at its memory limit until its time is up", KILLED(SIGKILL),
      .stopped = STOP_WALL_TIME, .limits = "timeout=2 memory=50m oom-kill-disable=true",
      .event = { EVENT(OOM_KILL, 0, 0), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 9) },
      .figure = { FIGURE(WALL_US, 2000000) }, SAYS(WALL_TIME, OWN, TIMEOUT), .n_evidence = 2,
      .text = "wall time: own limit (--timeout 2s): COMMAND was ended by SIGKILL after 2 s; it was "
              "out of memory, and --oom-kill-disable held it instead of having it killed" },
    { "the wall clock goes before an OOM kill of a child", KILLED(SIGKILL),
      .stopped = STOP_WALL_TIME, .limits = "timeout=2 memory=50m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 1) },
      .figure = { FIGURE(WALL_US, 2000000) }, SAYS(WALL_TIME, OWN, TIMEOUT), .n_evidence = 3,
      .text = "wall time: own limit (--timeout 2s): COMMAND was ended by SIGKILL after 2 s" },
    { "CPU time of the group", KILLED(SIGKILL), .stopped = STOP_CPU_TIME, .limits = "cpu-time=500",
      .figure = { FIGURE(CPU_TOTAL_US, 501000) }, SAYS(CPU_TIME, OWN, CPU_TIME), .n_evidence = 1,
      .text = "CPU time: own limit (--cpu-time 500ms): COMMAND was ended by SIGKILL after 501 ms" },
    { "output", KILLED(SIGKILL), .stopped = STOP_OUTPUT, .limits = "output-limit=1m",
      .figure = { FIGURE(OUTPUT_BYTES, 1048576) }, SAYS(OUTPUT, OWN, OUTPUT_LIMIT), .n_evidence = 1,
      .text = "output: own limit (--output-limit 1m): COMMAND was ended by SIGKILL after 1 MiB" },
    { "the user", KILLED(SIGINT), .stopped = STOP_USER, .stop_signal = SIGINT,
      SAYS(STOPPED, NONE, NONE),
      .text = "stopped by the user with SIGINT: COMMAND was ended by SIGINT" },
    { "the user, and COMMAND tidied up first", EXIT(143), .stopped = STOP_USER,
      .stop_signal = SIGTERM, SAYS(STOPPED, NONE, NONE),
      .text = "stopped by the user with SIGTERM: COMMAND exited with status 143" },
    { "the user, before there was a COMMAND", .never_started = true, .stopped = STOP_USER,
      .stop_signal = SIGINT, SAYS(STOPPED, NONE, NONE),
      .text = "stopped by the user with SIGINT: COMMAND was never executed" },
    { "ration itself could not go on", KILLED(SIGKILL), .stopped = STOP_SUPERVISOR,
      SAYS(STOPPED, NONE, NONE),
      .text = "stopped because ration itself could not go on: COMMAND was ended by SIGKILL" },
    { "the warning at a soft wall-clock limit was not handled", KILLED(SIGXCPU),
      .warn_signal = SIGXCPU, .warn_limit = LIMIT_TIMEOUT_SOFT,
      .limits = "timeout=5 timeout-soft=1", .figure = { FIGURE(WALL_US, 1001000) },
      SAYS(WALL_TIME, OWN, TIMEOUT_SOFT), .n_evidence = 1,
      .text = "wall time: own limit (--timeout-soft 1s): COMMAND was ended by SIGXCPU after "
              "1.001 s" },
    { "the warning at a soft CPU-time limit was not handled", KILLED(SIGUSR1),
      .warn_signal = SIGUSR1, .warn_limit = LIMIT_CPU_TIME_SOFT,
      .limits = "cpu-time=500 cpu-time-soft=300", .figure = { FIGURE(CPU_TOTAL_US, 300000) },
      SAYS(CPU_TIME, OWN, CPU_TIME_SOFT), .n_evidence = 1,
      .text = "CPU time: own limit (--cpu-time-soft 300ms): COMMAND was ended by SIGUSR1 after "
              "300 ms" },
    { "the warning was handled", EXIT(0), .warn_signal = SIGXCPU, .warn_limit = LIMIT_CPU_TIME_SOFT,
      .limits = "cpu-time-soft=300", SAYS(EXITED, NONE, NONE),
      .text = "exited: COMMAND exited with status 0" },

    /* ---- it never ran ---- */
    { "a step of the launch failed", .never_started = true, .error_step = "exec",
      .error_text = "cannot execute /nowhere: No such file or directory",
      SAYS(FAILED_TO_START, NONE, NONE),
      .text = "failed to start at step exec: cannot execute /nowhere: No such file or directory" },
    { "a failure that names no step", .never_started = true, SAYS(FAILED_TO_START, NONE, NONE),
      .text = "failed to start" },
    { "killed for memory before the first instruction", .never_started = true, .error_step = "exec",
      .error_text = "the command vanished", .limits = "memory=512k",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 3) },
      SAYS(FAILED_TO_START, OWN, MEMORY), .n_evidence = 3,
      .text = "failed to start at step exec: the command vanished; memory: own limit (--memory "
              "512k)" },

    /* ---- memory ---- */
    { "the own memory limit", KILLED(SIGKILL), .limits = "memory=50m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 36),
                 EVENT(OOM_ANCESTOR, 7, 7), EVENT(OOM_MACHINE, 20, 21) },
      SAYS(MEMORY, OWN, MEMORY), .n_evidence = 5,
      .text = "memory: own limit (--memory 50m): 1 process killed by the OOM killer, COMMAND was "
              "ended by SIGKILL" },
    { "the own limit killed the child of a shell", EXIT(137), .limits = "memory=50m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 36) },
      SAYS(MEMORY, OWN, MEMORY), .n_evidence = 3,
      .text = "memory: own limit (--memory 50m): 1 process killed by the OOM killer, COMMAND "
              "exited with status 137" },
    { "the own limit killed several at once", KILLED(SIGKILL), .limits = "memory=50m oom-group=1",
      .event = { EVENT(OOM_KILL, 0, 4), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 36) },
      SAYS(MEMORY, OWN, MEMORY), .n_evidence = 3,
      .text = "memory: own limit (--memory 50m): 4 processes killed by the OOM killer, COMMAND "
              "was ended by SIGKILL" },
    { "a side process was killed and COMMAND did not mind", EXIT(0), .limits = "memory=50m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 36) },
      SAYS(EXITED, NONE, NONE), .n_evidence = 3,
      .text = "exited: COMMAND exited with status 0, though 1 of its processes was killed for "
              "lack of memory" },
    { "an allocation failed at the limit without a kill", EXIT(1), .limits = "memory=50m",
      .event = { EVENT(OOM_KILL, 0, 0), EVENT(OOM_OWN, 0, 2), EVENT(MEMORY_FAILCNT, 0, 36) },
      SAYS(EXITED, NONE, NONE), .n_evidence = 1,
      .text = "exited: COMMAND exited with status 1; an allocation had failed at its memory "
              "limit" },
    { "memory and swap together, the wider limit", KILLED(SIGKILL),
      .limits = "memory=50m memory-swap=100m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 900),
                 EVENT(MEMSW_FAILCNT, 0, 12) },
      SAYS(MEMORY, OWN, MEMORY_SWAP), .n_evidence = 4,
      .text = "memory: own limit (--memory-swap 100m): 1 process killed by the OOM killer, "
              "COMMAND was ended by SIGKILL" },
    { "both limits equal: only memsw counts, memory is meant", KILLED(SIGKILL),
      .limits = "memory=50m memory-swap=50m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 0),
                 EVENT(MEMSW_FAILCNT, 0, 12) },
      SAYS(MEMORY, OWN, MEMORY), .n_evidence = 4,
      .text = "memory: own limit (--memory 50m): 1 process killed by the OOM killer, COMMAND was "
              "ended by SIGKILL" },
    { "both limits equal, and a kernel that leaves memsw.failcnt at 0", KILLED(SIGKILL),
      .limits = "memory=20m memory-swap=20m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(MEMORY_FAILCNT, 0, 0), EVENT(MEMSW_FAILCNT, 0, 0),
                 EVENT(OOM_MACHINE, 42, 43) },
      .figure = { FIGURE(MEMORY_AND_SWAP_PEAK_BYTES, 20967424) }, SAYS(MEMORY, OWN, MEMORY),
      .n_evidence = 4,
      .text = "memory: own limit (--memory 20m): 1 process killed by the OOM killer, COMMAND was "
              "ended by SIGKILL" },
    { "the wider limit, and such a kernel", KILLED(SIGKILL), .limits = "memory=20m memory-swap=40m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(MEMORY_FAILCNT, 0, 70), EVENT(MEMSW_FAILCNT, 0, 0) },
      .figure = { FIGURE(MEMORY_AND_SWAP_PEAK_BYTES, 41943040) }, SAYS(MEMORY, OWN, MEMORY_SWAP),
      .n_evidence = 3,
      .text = "memory: own limit (--memory-swap 40m): 1 process killed by the OOM killer, COMMAND "
              "was ended by SIGKILL" },
    { "neither failcnt nor peak: the machine", KILLED(SIGKILL),
      .limits = "memory=20m memory-swap=20m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(MEMORY_FAILCNT, 0, 0), EVENT(MEMSW_FAILCNT, 0, 0),
                 EVENT(OOM_MACHINE, 42, 43) },
      .figure = { FIGURE(MEMORY_AND_SWAP_PEAK_BYTES, 10485760) }, SAYS(MEMORY, MACHINE, NONE),
      .n_evidence = 3,
      .text = "memory: machine out of memory, no visible group's limit was reached: 1 process "
              "killed by the OOM killer, COMMAND was ended by SIGKILL" },
    { "memsw alone was limited", KILLED(SIGKILL), .limits = "memory-swap=100m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMSW_FAILCNT, 0, 12) },
      SAYS(MEMORY, OWN, MEMORY_SWAP), .n_evidence = 3,
      .text = "memory: own limit (--memory-swap 100m): 1 process killed by the OOM killer, "
              "COMMAND was ended by SIGKILL" },
    { "an ancestor's limit", KILLED(SIGKILL), .limits = "memory=1g",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 0), EVENT(MEMORY_FAILCNT, 0, 0),
                 EVENT(OOM_ANCESTOR, 3, 4), EVENT(OOM_MACHINE, 0, 1) },
      SAYS(MEMORY, ANCESTOR, NONE), .n_evidence = 5,
      .text = "memory: limit of a group above (/test/EVENT4): 1 process killed by the OOM "
              "killer, COMMAND was ended by SIGKILL" },
    { "v1 without an eventfd: the failcnts tell", KILLED(SIGKILL), .limits = "memory=1g",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(MEMORY_FAILCNT, 0, 0), EVENT(OOM_ANCESTOR, 3, 9),
                 EVENT(OOM_MACHINE, 0, 1) },
      SAYS(MEMORY, ANCESTOR, NONE), .n_evidence = 4,
      .text = "memory: limit of a group above (/test/EVENT4): 1 process killed by the OOM "
              "killer, COMMAND was ended by SIGKILL" },
    { "v1: the own limit was touched, an ancestor was out of memory", KILLED(SIGKILL),
      .limits = "memory=1g",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 0), EVENT(MEMORY_FAILCNT, 0, 90),
                 EVENT(OOM_ANCESTOR, 0, 1), EVENT(OOM_MACHINE, 0, 1) },
      SAYS(MEMORY, ANCESTOR, NONE), .n_evidence = 5,
      .text = "memory: limit of a group above (/test/EVENT4): 1 process killed by the OOM "
              "killer, COMMAND was ended by SIGKILL" },
    { "v2: the own limit was touched, an ancestor's was out of memory", KILLED(SIGKILL),
      .limits = "memory=1g",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 0), EVENT(MEMORY_FAILCNT, 0, 5),
                 EVENT(OOM_ANCESTOR, 0, 1) },
      SAYS(MEMORY, ANCESTOR, NONE), .n_evidence = 4,
      .text = "memory: limit of a group above (/test/EVENT4): 1 process killed by the OOM "
              "killer, COMMAND was ended by SIGKILL" },
    { "both were reached: the own one is named", KILLED(SIGKILL), .limits = "memory=50m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 5),
                 EVENT(OOM_ANCESTOR, 0, 1) },
      SAYS(MEMORY, OWN, MEMORY), .n_evidence = 4,
      .text = "memory: own limit (--memory 50m): 1 process killed by the OOM killer, COMMAND was "
              "ended by SIGKILL" },
    { "the machine", KILLED(SIGKILL), .limits = "memory=64g",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 0), EVENT(MEMORY_FAILCNT, 0, 0),
                 EVENT(OOM_ANCESTOR, 3, 3), EVENT(OOM_MACHINE, 0, 1) },
      SAYS(MEMORY, MACHINE, NONE), .n_evidence = 5,
      .text = "memory: machine out of memory, no visible group's limit was reached: 1 process "
              "killed by the OOM killer, COMMAND was ended by SIGKILL" },
    { "the machine, for a run without a memory limit", KILLED(SIGKILL),
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_MACHINE, 8, 9) }, SAYS(MEMORY, MACHINE, NONE),
      .n_evidence = 2,
      .text = "memory: machine out of memory, no visible group's limit was reached: 1 process "
              "killed by the OOM killer, COMMAND was ended by SIGKILL" },
    { "nobody can be named", KILLED(SIGKILL), .event = { EVENT(OOM_KILL, 0, 1) },
      SAYS(MEMORY, NONE, NONE), .n_evidence = 1,
      .text = "memory: it cannot be told whose limit: 1 process killed by the OOM killer, COMMAND "
              "was ended by SIGKILL" },
    { "a group that COMMAND made itself", EXIT(1), .limits = "memory=1g",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 0), EVENT(MEMORY_FAILCNT, 0, 9),
                 EVENT(OOM_MACHINE, 0, 1) },
      .figure = { FIGURE(MEMORY_OOM_EVENTS, 1) }, SAYS(MEMORY, NONE, NONE), .n_evidence = 4,
      .text = "memory: limit of a group that COMMAND itself made: 1 process killed by the OOM "
              "killer, COMMAND exited with status 1" },
    { "v1: a group that COMMAND made itself", KILLED(SIGKILL), .limits = "memory=1g",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 0), EVENT(MEMORY_FAILCNT, 0, 0),
                 EVENT(OOM_NESTED, 0, 7), EVENT(OOM_MACHINE, 0, 1) },
      SAYS(MEMORY, NONE, NONE), .n_evidence = 5,
      .text = "memory: limit of a group that COMMAND itself made: 1 process killed by the OOM "
              "killer, COMMAND was ended by SIGKILL" },
    { "v1: a limit of COMMAND's own was touched, an ancestor was out of memory", KILLED(SIGKILL),
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 0), EVENT(OOM_NESTED, 0, 7),
                 EVENT(OOM_ANCESTOR, 0, 1) },
      SAYS(MEMORY, ANCESTOR, NONE), .n_evidence = 4,
      .text = "memory: limit of a group above (/test/EVENT4): 1 process killed by the OOM "
              "killer, COMMAND was ended by SIGKILL" },
    { "old v1: no counter of kills, but failcnt and SIGKILL", KILLED(SIGKILL),
      .limits = "memory=50m", .event = { EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 36) },
      SAYS(MEMORY, OWN, MEMORY), .n_evidence = 2,
      .text = "memory: own limit (--memory 50m): killed by the OOM killer, COMMAND was ended by "
              "SIGKILL" },
    { "old v1: the limit was reached, the group never out of memory", KILLED(SIGKILL),
      .limits = "memory=50m", .event = { EVENT(OOM_OWN, 0, 0), EVENT(MEMORY_FAILCNT, 0, 36) },
      SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by SIGKILL, which ration did not send" },
    { "old v1: SIGTERM is not the OOM killer's", KILLED(SIGTERM), .limits = "memory=50m",
      .event = { EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 36) }, SAYS(SIGNALLED, NONE, NONE),
      .n_evidence = 1, .text = "signalled: COMMAND was ended by SIGTERM" },
    { "a counter that only began above zero did not move", KILLED(SIGKILL), .limits = "memory=50m",
      .event = { EVENT(OOM_KILL, 5, 5), EVENT(OOM_OWN, 2, 2), EVENT(MEMORY_FAILCNT, 7, 7) },
      SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by SIGKILL, which neither ration nor the OOM killer "
              "sent" },
    { "huge pages", KILLED(SIGBUS), .limits = "hugetlb=2MB:4m",
      .event = { EVENT(HUGETLB_MAX, 0, 1) }, SAYS(MEMORY, OWN, HUGETLB), .n_evidence = 1,
      .text = "memory: own limit of huge pages (--hugetlb 2MB:4m): COMMAND was ended by SIGBUS" },
    { "SIGBUS of another kind", KILLED(SIGBUS), .limits = "hugetlb=2MB:4m",
      .event = { EVENT(HUGETLB_MAX, 0, 0) }, SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by SIGBUS" },

    /* ---- seccomp ---- */
    { "a forbidden system call", KILLED(SIGSYS), .core = true, SAYS(SECCOMP, NONE, NONE),
      .text = "seccomp: a filter forbade a system call: COMMAND was ended by SIGSYS (core "
              "dumped)" },
    { "seccomp goes before memory", KILLED(SIGSYS), .limits = "memory=50m",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 1) },
      SAYS(SECCOMP, NONE, NONE), .n_evidence = 2,
      .text = "seccomp: a filter forbade a system call: COMMAND was ended by SIGSYS" },

    /* ---- rlimits ---- */
    { "file size", KILLED(SIGXFSZ), .limits = "rlimit-fsize=1m", SAYS(RLIMIT, OWN, RLIMIT_FSIZE),
      .text = "rlimit: own limit (--rlimit-fsize 1m): COMMAND was ended by SIGXFSZ" },
    { "file size that the run did not limit", KILLED(SIGXFSZ), SAYS(RLIMIT, NONE, NONE),
      .text = "rlimit: COMMAND was ended by SIGXFSZ, the signal of an rlimit that this run did "
              "not set: it was inherited or set by COMMAND itself" },
    { "CPU seconds, soft", KILLED(SIGXCPU), .limits = "rlimit-cpu=1:2", .cpu_us = 1002000,
      SAYS(RLIMIT, OWN, RLIMIT_CPU), .n_evidence = 1,
      .text = "rlimit: own limit (--rlimit-cpu 1:2): COMMAND was ended by SIGXCPU" },
    { "CPU seconds, hard", KILLED(SIGKILL), .limits = "rlimit-cpu=1:2", .cpu_us = 1998000,
      .event = { EVENT(OOM_KILL, 0, 0) }, SAYS(RLIMIT, OWN, RLIMIT_CPU), .n_evidence = 1,
      .text = "rlimit: own limit (--rlimit-cpu 1:2): COMMAND was ended by SIGKILL" },
    { "SIGKILL long before the hard CPU limit", KILLED(SIGKILL), .limits = "rlimit-cpu=1:2",
      .cpu_us = 900000, .event = { EVENT(OOM_KILL, 0, 0) }, SAYS(SIGNALLED, NONE, NONE),
      .text = "signalled: COMMAND was ended by SIGKILL, which neither ration nor the OOM killer "
              "sent" },
    { "SIGXCPU that somebody sent", KILLED(SIGXCPU), .limits = "rlimit-cpu=100", .cpu_us = 1000,
      SAYS(SIGNALLED, NONE, NONE), .text = "signalled: COMMAND was ended by SIGXCPU" },
    { "SIGXCPU without any limit, early", KILLED(SIGXCPU), .cpu_us = 1000,
      SAYS(SIGNALLED, NONE, NONE), .text = "signalled: COMMAND was ended by SIGXCPU" },
    { "SIGXCPU of a limit that COMMAND set itself", KILLED(SIGXCPU), .cpu_us = 1001000,
      SAYS(RLIMIT, NONE, NONE), .n_evidence = 1,
      .text = "rlimit: COMMAND was ended by SIGXCPU, the signal of an rlimit that this run did "
              "not set: it was inherited or set by COMMAND itself" },
    { "real-time CPU time", KILLED(SIGXCPU), .limits = "rlimit-rttime=1000", .cpu_us = 2000,
      SAYS(RLIMIT, OWN, RLIMIT_RTTIME), .n_evidence = 1,
      .text = "rlimit: own limit (--rlimit-rttime 1000): COMMAND was ended by SIGXCPU" },
    { "the backstop of --cpu-time", KILLED(SIGXCPU), .limits = "cpu-time=1500", .cpu_us = 2001000,
      .figure = { FIGURE(CPU_TOTAL_US, 2002000) }, SAYS(CPU_TIME, OWN, CPU_TIME), .n_evidence = 1,
      .text = "CPU time: own limit (--cpu-time 1500ms): COMMAND was ended by SIGXCPU after "
              "2.002 s" },
    { "the backstop kills", KILLED(SIGKILL), .limits = "cpu-time=1s", .cpu_us = 2001000,
      .event = { EVENT(OOM_KILL, 0, 0) }, .figure = { FIGURE(CPU_TOTAL_US, 2002000) },
      SAYS(CPU_TIME, OWN, CPU_TIME), .n_evidence = 1,
      .text = "CPU time: own limit (--cpu-time 1s): COMMAND was ended by SIGKILL after 2.002 s" },
    { "an rlimit narrower than --cpu-time goes first", KILLED(SIGXCPU),
      .limits = "cpu-time=1500 rlimit-cpu=1", .cpu_us = 1001000, SAYS(RLIMIT, OWN, RLIMIT_CPU),
      .n_evidence = 1, .text = "rlimit: own limit (--rlimit-cpu 1): COMMAND was ended by SIGXCPU" },
    { "memory goes before an rlimit", KILLED(SIGKILL), .limits = "memory=50m rlimit-cpu=1",
      .cpu_us = 1001000,
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 1) },
      SAYS(MEMORY, OWN, MEMORY), .n_evidence = 3,
      .text = "memory: own limit (--memory 50m): 1 process killed by the OOM killer, COMMAND was "
              "ended by SIGKILL" },

    /* ---- pids ---- */
    { "the own pids limit", EXIT(2), .limits = "pids-limit=20", .event = { EVENT(PIDS_MAX, 0, 7) },
      .figure = { FIGURE(PIDS_PEAK, 20) }, SAYS(PIDS, OWN, PIDS_LIMIT), .n_evidence = 2,
      .text = "pids: own limit (--pids-limit 20): 7 forks refused, COMMAND exited with status 2" },
    { "one fork, and COMMAND aborts", KILLED(SIGABRT), .limits = "pids-limit=20",
      .event = { EVENT(PIDS_MAX, 0, 1) }, SAYS(PIDS, OWN, PIDS_LIMIT), .n_evidence = 1,
      .text = "pids: own limit (--pids-limit 20): 1 fork refused, COMMAND was ended by SIGABRT" },
    { "refused forks that COMMAND survived", EXIT(0), .limits = "pids-limit=20",
      .event = { EVENT(PIDS_MAX, 0, 7) }, SAYS(EXITED, NONE, NONE), .n_evidence = 1,
      .text = "exited: COMMAND exited with status 0; 7 forks had been refused by a pids limit" },
    { "nobody is killed with SIGKILL for a refused fork", KILLED(SIGKILL),
      .limits = "pids-limit=20", .event = { EVENT(PIDS_MAX, 0, 7), EVENT(OOM_KILL, 0, 0) },
      SAYS(SIGNALLED, NONE, NONE), .n_evidence = 1,
      .text = "signalled: COMMAND was ended by SIGKILL, which neither ration nor the OOM killer "
              "sent" },
    { "forks refused though the own limit was never reached", EXIT(1), .limits = "pids-limit=20",
      .event = { EVENT(PIDS_MAX, 0, 7) }, .figure = { FIGURE(PIDS_PEAK, 12) },
      SAYS(PIDS, ANCESTOR, NONE), .n_evidence = 2,
      .text = "pids: limit of a group above: 7 forks refused, COMMAND exited with status 1" },
    { "forks refused without an own limit", EXIT(1), .limits = "memory=50m",
      .event = { EVENT(PIDS_MAX, 0, 7) }, SAYS(PIDS, ANCESTOR, NONE), .n_evidence = 1,
      .text = "pids: limit of a group above: 7 forks refused, COMMAND exited with status 1" },
    { "only the ancestor counted", EXIT(1), .limits = "pids-limit=20",
      .event = { EVENT(PIDS_MAX, 0, 0), EVENT(PIDS_ANCESTOR, 100, 103) },
      SAYS(PIDS, ANCESTOR, NONE), .n_evidence = 1,
      .text = "pids: limit of a group above: 3 forks refused, COMMAND exited with status 1" },
    { "memory goes before pids", KILLED(SIGKILL), .limits = "memory=50m pids-limit=20",
      .event = { EVENT(OOM_KILL, 0, 1), EVENT(OOM_OWN, 0, 1), EVENT(MEMORY_FAILCNT, 0, 36),
                 EVENT(PIDS_MAX, 0, 3) },
      SAYS(MEMORY, OWN, MEMORY), .n_evidence = 4,
      .text = "memory: own limit (--memory 50m): 1 process killed by the OOM killer, COMMAND was "
              "ended by SIGKILL" },
};

/* ---- making an observation of a row ---------------------------------------------------------- */

static void set_limits(const char *text, struct limit_set *ret)
{
    char copy[128], *save = NULL;

    snprintf(copy, sizeof(copy), "%s", text_or_empty(text));
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        struct err err = ERR_INIT;
        char *equals = strchr(word, '=');
        assert_non_null(equals);
        *equals = '\0';
        enum limit_id id = limit_find(word);
        assert_true(id != LIMIT_NONE);
        if (limit_parse(id, equals + 1, NULL, ret, &err) < 0)
            fail_msg("%s", err.text);
    }
}

static void set_observation(const struct row *row, struct limit_set *limits, struct sample *final,
                            struct observation *ret)
{
    *ret = (struct observation){
        .started = !row->never_started,
        .exited = row->exited,
        .status = row->status,
        .core_dumped = row->core,
        .stopped = row->stopped,
        .stop_signal = row->stop_signal,
        .warn_signal = row->warn_signal,
        .warn_limit = row->warn_limit,
        .limits = limits,
        .final = final,
        .largest_cpu_us = row->cpu_us,
    };
    if (row->error_step)
        snprintf(ret->start_error.step, sizeof(ret->start_error.step), "%s", row->error_step);
    if (row->error_text)
        snprintf(ret->start_error.text, sizeof(ret->start_error.text), "%s", row->error_text);
    for (size_t i = 0; i < ARRAY_SIZE(row->event) && row->event[i].known; i++) {
        struct event_count *count = &ret->events.event[row->event[i].id];
        *count = (struct event_count){ true, row->event[i].before, row->event[i].after, "" };
        snprintf(count->source, sizeof(count->source), "/test/EVENT%d", row->event[i].id);
    }
    for (size_t i = 0; i < ARRAY_SIZE(row->figure) && row->figure[i].known; i++)
        sample_set(final, row->figure[i].id, row->figure[i].value,
                   metric_info(row->figure[i].id)->name);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    struct limit_set limits = { 0 };
    struct sample *final = calloc(1, sizeof(*final));
    struct observation observation;
    struct verdict verdict;

    assert_non_null(final);
    set_limits(row->limits, &limits);
    set_observation(row, &limits, final, &observation);
    verdict_decide(&observation, &verdict);
    assert_string_equal(verdict.text, row->text);
    assert_string_equal(cause_name(verdict.cause), cause_name(row->cause));
    assert_int_equal(verdict.whose, row->whose);
    assert_int_equal(verdict.limit, row->limit);
    assert_int_equal(verdict.n_evidence, row->n_evidence);
    for (size_t i = 0; i < verdict.n_evidence; i++) {
        assert_true(verdict.evidence[i].source[0] != '\0');
        assert_true(verdict.evidence[i].after >= verdict.evidence[i].before);
    }
    limit_set_done(&limits);
    free(final);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(row_table)] = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(row_table); i++)
        tests[i] = (struct CMUnitTest){ row_table[i].name, check_row, NULL, NULL,
                                        (void *)(uintptr_t)&row_table[i] };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
