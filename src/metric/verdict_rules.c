/*
 * The rules of a verdict, in the order in which they are tried: what ration did itself it knows
 * for certain, then what a specific signal or a counter of the kernel proves, and only then the
 * bare end of COMMAND. A rule claims a cause only when something was counted or sent; what merely
 * could have been is a remark in the sentence of a later rule.
 */
#include <signal.h>
#include <string.h>

#include "metric/verdict.h"

/* ---- ration ended it ------------------------------------------------------------------------- */

static bool fits_wall(const struct observation *o)
{
    return o->stopped == STOP_WALL_TIME;
}

static bool fits_cpu(const struct observation *o)
{
    return o->stopped == STOP_CPU_TIME;
}

static bool fits_output(const struct observation *o)
{
    return o->stopped == STOP_OUTPUT;
}

static bool fits_user(const struct observation *o)
{
    return o->stopped == STOP_USER;
}

static bool fits_gave_up(const struct observation *o)
{
    return o->stopped == STOP_SUPERVISOR;
}

/* A limit that ration watches, the figure that reached it, and how the sentence begins. */
static void fill_supervised(const struct observation *o, struct verdict *v, const char *what,
                            enum limit_id limit, enum metric_id metric)
{
    char text[LIMIT_TEXT_SIZE], end[END_TEXT_SIZE], used[32];
    uint64_t value;

    v->whose = WHOSE_OWN;
    v->limit = limit;
    evidence_add_metric(v, o, metric);
    verdict_say(v, "%s: own limit (%s): %s", what, limit_say(o, limit, text, sizeof(text)),
                end_say(o, end, sizeof(end)));
    if (!sample_get(o->final, metric, &value))
        return;
    if (metric_info(metric)->unit == METRIC_UNIT_US)
        duration_format(value, used, sizeof(used));
    else
        size_format(value, used, sizeof(used));
    verdict_say(v, " after %s", used);
}

static void fill_wall(const struct observation *o, struct verdict *v)
{
    v->cause = CAUSE_WALL_TIME;
    fill_supervised(o, v, "wall time", LIMIT_TIMEOUT, METRIC_WALL_US);
    /* Why it had got nowhere. */
    if (o->limits && limit_is_set(o->limits, LIMIT_OOM_KILL_DISABLE) &&
        event_moved(o, EVENT_OOM_OWN) && !event_moved(o, EVENT_OOM_KILL))
        verdict_say(v, "; it was out of memory, and --oom-kill-disable held it instead of having "
                       "it killed");
}

static void fill_cpu(const struct observation *o, struct verdict *v)
{
    v->cause = CAUSE_CPU_TIME;
    fill_supervised(o, v, "CPU time", LIMIT_CPU_TIME, METRIC_CPU_TOTAL_US);
}

static void fill_output(const struct observation *o, struct verdict *v)
{
    v->cause = CAUSE_OUTPUT;
    fill_supervised(o, v, "output", LIMIT_OUTPUT_LIMIT, METRIC_OUTPUT_BYTES);
}

static void fill_user(const struct observation *o, struct verdict *v)
{
    char end[END_TEXT_SIZE], name[24];

    v->cause = CAUSE_STOPPED;
    verdict_say(v, "stopped by the user");
    if (o->stop_signal)
        verdict_say(v, " with %s", signal_format(o->stop_signal, name, sizeof(name)));
    verdict_say(v, ": %s", end_say(o, end, sizeof(end)));
}

static void fill_gave_up(const struct observation *o, struct verdict *v)
{
    char end[END_TEXT_SIZE];

    v->cause = CAUSE_STOPPED;
    verdict_say(v, "stopped because ration itself could not go on: %s",
                end_say(o, end, sizeof(end)));
}

/* ---- the warning of a soft limit ended it ---------------------------------------------------- */

/* COMMAND did not handle the signal that a soft limit sent. */
static bool fits_warned(const struct observation *o)
{
    return o->warn_signal && ended_by(o, o->warn_signal);
}

static void fill_warned(const struct observation *o, struct verdict *v)
{
    bool wall = o->warn_limit == LIMIT_TIMEOUT_SOFT;

    v->cause = wall ? CAUSE_WALL_TIME : CAUSE_CPU_TIME;
    fill_supervised(o, v, wall ? "wall time" : "CPU time", o->warn_limit,
                    wall ? METRIC_WALL_US : METRIC_CPU_TOTAL_US);
}

/* ---- it never ran ---------------------------------------------------------------------------- */

static bool fits_failed(const struct observation *o)
{
    return !o->started;
}

static void fill_failed(const struct observation *o, struct verdict *v)
{
    const struct err *error = &o->start_error;

    v->cause = CAUSE_FAILED_TO_START;
    verdict_say(v, "failed to start");
    if (error->step[0])
        verdict_say(v, " at step %s", error->step);
    if (error->text[0])
        verdict_say(v, ": %s", error->text);
    if (event_moved(o, EVENT_OOM_KILL)) {
        fill_memory_whose(o, v);
        verdict_say(v, "; ");
        say_memory_whose(o, v);
    }
}

/* ---- seccomp --------------------------------------------------------------------------------- */

static bool fits_seccomp(const struct observation *o)
{
    return ended_by(o, SIGSYS);
}

static void fill_seccomp(const struct observation *o, struct verdict *v)
{
    char end[END_TEXT_SIZE];

    v->cause = CAUSE_SECCOMP;
    verdict_say(v, "seccomp: a filter forbade a system call: %s", end_say(o, end, sizeof(end)));
}

/* ---- rlimits --------------------------------------------------------------------------------- */

/*
 * CPU time of COMMAND in microseconds; 0: unknown. Rlimits count clock ticks and rusage scales
 * them, so that the two may differ by a good part of a second: used with a wide margin.
 */
static uint64_t command_cpu_us(const struct observation *o)
{
    uint64_t user = 0, system = 0;

    if (o->largest_cpu_us)
        return o->largest_cpu_us;
    sample_get(o->final, METRIC_RUSAGE_USER_US, &user);
    sample_get(o->final, METRIC_RUSAGE_SYSTEM_US, &system);
    return user + system;
}

/* RLIMIT_CPU of the run in microseconds. */
static bool rlimit_cpu_us(const struct observation *o, bool hard, uint64_t *ret)
{
    const struct limit_value *value;
    uint64_t seconds;

    if (!limit_number(o, LIMIT_RLIMIT_CPU, NULL))
        return false;
    value = &o->limits->value[LIMIT_RLIMIT_CPU];
    seconds = hard ? value->hard : value->number;
    return seconds != LIMIT_NUMBER_UNLIMITED && !__builtin_mul_overflow(seconds, 1000000u, ret);
}

/*
 * Did COMMAND use enough CPU time that the kernel's signal for this limit is believable? The kernel counts
 * whole clock ticks towards the limit, whoever else had a part of them: on a busy machine the limit of a
 * second is reached after two thirds of one.
 */
static bool cpu_believable(const struct observation *o, uint64_t limit_us)
{
    uint64_t used = command_cpu_us(o), total = 0;

    sample_get(o->final, METRIC_CPU_TOTAL_US, &total);
    if (total > used)
        used = total;
    if (ended_by(o, SIGXCPU))
        return used == 0 || used >= limit_us / 2;
    return ended_by(o, SIGKILL) && used >= limit_us / 2 && used > 0;
}

/*
 * --cpu-time is backed by RLIMIT_CPU for the moment when ration itself is not looking. A user's own
 * --rlimit-cpu that is not wider goes first.
 */
static bool fits_cpu_backstop(const struct observation *o)
{
    uint64_t limit_us, rlimit_us;

    if (!limit_number(o, LIMIT_CPU_TIME, &limit_us))
        return false;
    if (rlimit_cpu_us(o, ended_by(o, SIGKILL), &rlimit_us) && rlimit_us <= limit_us)
        return false;
    return cpu_believable(o, limit_us);
}

/*
 * SIGXCPU, or SIGKILL at the hard limit, after CPU time that fits. Without an own limit it is
 * somebody else's from half a second on (the kernel counts whole seconds), below that just a
 * signal.
 */
static bool fits_rlimit_cpu(const struct observation *o)
{
    bool hard = ended_by(o, SIGKILL);
    uint64_t limit_us;

    if (!hard && !ended_by(o, SIGXCPU))
        return false;
    if (rlimit_cpu_us(o, hard, &limit_us))
        return cpu_believable(o, limit_us);
    if (!hard && limit_number(o, LIMIT_RLIMIT_RTTIME, NULL))
        return true;
    return !hard && command_cpu_us(o) >= 500000;
}

static bool fits_rlimit_fsize(const struct observation *o)
{
    return ended_by(o, SIGXFSZ);
}

static void fill_rlimit(const struct observation *o, struct verdict *v, enum limit_id limit)
{
    char text[LIMIT_TEXT_SIZE], end[END_TEXT_SIZE];

    v->cause = CAUSE_RLIMIT;
    end_say(o, end, sizeof(end));
    if (!limit_number(o, limit, NULL)) {
        verdict_say(v,
                    "rlimit: %s, the signal of an rlimit that this run did not set: it was "
                    "inherited or set by COMMAND itself",
                    end);
        return;
    }
    v->whose = WHOSE_OWN;
    v->limit = limit;
    verdict_say(v, "rlimit: own limit (%s): %s", limit_say(o, limit, text, sizeof(text)), end);
}

static void fill_rlimit_cpu(const struct observation *o, struct verdict *v)
{
    bool rttime =
        !limit_number(o, LIMIT_RLIMIT_CPU, NULL) && limit_number(o, LIMIT_RLIMIT_RTTIME, NULL);

    if (command_cpu_us(o))
        evidence_add(v, "rusage.ru_utime+ru_stime (us)", 0, command_cpu_us(o));
    fill_rlimit(o, v, rttime ? LIMIT_RLIMIT_RTTIME : LIMIT_RLIMIT_CPU);
}

static void fill_rlimit_fsize(const struct observation *o, struct verdict *v)
{
    fill_rlimit(o, v, LIMIT_RLIMIT_FSIZE);
}

/* ---- pids ------------------------------------------------------------------------------------ */

/*
 * The own limit refused forks: it is there, and as many processes as it allows were. The kernel's
 * peak counts granted forks only, so at a refusal it equals the limit.
 */
static bool own_pids_limit(const struct observation *o)
{
    uint64_t limit, peak;

    if (!event_moved(o, EVENT_PIDS_MAX))
        return false;
    if (!o->limits)
        return true;
    return limit_number(o, LIMIT_PIDS_LIMIT, &limit) &&
           !(sample_get(o->final, METRIC_PIDS_PEAK, &peak) && peak < limit);
}

/* A refused fork makes a program give up by itself; nobody is killed for it from outside. */
static bool gave_up_itself(const struct observation *o)
{
    static const int own_signal_table[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE };

    if (!ended_badly(o))
        return false;
    if (o->exited)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(own_signal_table); i++) {
        if (o->status == own_signal_table[i])
            return true;
    }
    return false;
}

static bool fits_pids(const struct observation *o)
{
    return gave_up_itself(o) &&
           (event_moved(o, EVENT_PIDS_MAX) || event_moved(o, EVENT_PIDS_ANCESTOR));
}

static void fill_pids(const struct observation *o, struct verdict *v)
{
    char text[LIMIT_TEXT_SIZE], end[END_TEXT_SIZE];
    bool own = own_pids_limit(o);
    enum event_id counter = event_moved(o, EVENT_PIDS_MAX) ? EVENT_PIDS_MAX : EVENT_PIDS_ANCESTOR;
    uint64_t refused = event_moved(o, counter);

    v->cause = CAUSE_PIDS;
    v->whose = own ? WHOSE_OWN : WHOSE_ANCESTOR;
    v->limit = own ? LIMIT_PIDS_LIMIT : LIMIT_NONE;
    evidence_add_event(v, o, counter);
    evidence_add_event(v, o, EVENT_PIDS_ANCESTOR);
    evidence_add_metric(v, o, METRIC_PIDS_PEAK);
    if (own)
        verdict_say(v, "pids: own limit (%s)", limit_say(o, v->limit, text, sizeof(text)));
    else
        verdict_say(v, "pids: limit of a group above");
    verdict_say(v, ": %ju %s refused, %s", (uintmax_t)refused, refused == 1 ? "fork" : "forks",
                end_say(o, end, sizeof(end)));
}

/* ---- the bare end ---------------------------------------------------------------------------- */

static bool fits_signalled(const struct observation *o)
{
    return !o->exited;
}

/* What is known of a SIGKILL that ration did not send. */
static void say_sigkill(const struct observation *o, struct verdict *v)
{
    if (event_known(o, EVENT_OOM_KILL)) {
        verdict_say(v, ", which neither ration nor the OOM killer sent");
        return;
    }
    verdict_say(v, ", which ration did not send");
    if (event_moved(o, EVENT_OOM_MACHINE)) {
        evidence_add_event(v, o, EVENT_OOM_MACHINE);
        verdict_say(v, "; the machine's OOM killer was at work meanwhile and may have");
    }
}

static void fill_signalled(const struct observation *o, struct verdict *v)
{
    char text[LIMIT_TEXT_SIZE], end[END_TEXT_SIZE];

    v->cause = CAUSE_SIGNALLED;
    verdict_say(v, "signalled: %s", end_say(o, end, sizeof(end)));
    if (ended_by(o, SIGKILL))
        say_sigkill(o, v);
    if (ended_by(o, SIGSEGV) && limit_number(o, LIMIT_RLIMIT_STACK, NULL))
        verdict_say(v, "; a stack beyond %s ends so too",
                    limit_say(o, LIMIT_RLIMIT_STACK, text, sizeof(text)));
}

static bool fits_always(const struct observation *o)
{
    (void)o;
    return true;
}

/* Things that did not end COMMAND, or cannot be proved to have, but belong in the sentence. */
static void say_remarks(const struct observation *o, struct verdict *v)
{
    uint64_t kills = event_moved(o, EVENT_OOM_KILL);
    char name[24];

    if (kills)
        verdict_say(v, ", though %ju of its processes %s killed for lack of memory",
                    (uintmax_t)kills, kills == 1 ? "was" : "were");
    else if (o->status != 0 && own_memory_limit(o) && event_moved(o, EVENT_OOM_OWN))
        verdict_say(v, "; an allocation had failed at its memory limit");
    else if (o->status > 128 && sigabbrev_np(o->status - 128))
        verdict_say(v, ", as shells do when a child was ended by %s",
                    signal_format(o->status - 128, name, sizeof(name)));
    if (o->status == 0 && event_moved(o, EVENT_PIDS_MAX))
        verdict_say(v, "; %ju forks had been refused by a pids limit",
                    (uintmax_t)event_moved(o, EVENT_PIDS_MAX));
}

static void fill_exited(const struct observation *o, struct verdict *v)
{
    char end[END_TEXT_SIZE];

    v->cause = CAUSE_EXITED;
    if (event_moved(o, EVENT_OOM_KILL))
        fill_memory_whose(o, v);
    v->whose = WHOSE_NONE; /* no limit ended it */
    v->limit = LIMIT_NONE;
    verdict_say(v, "exited: %s", end_say(o, end, sizeof(end)));
    say_remarks(o, v);
}

/* ---- in this order --------------------------------------------------------------------------- */

const struct verdict_rule verdict_rule_table[] = {
    { "wall_time", fits_wall, fill_wall },
    { "cpu_time", fits_cpu, fill_cpu },
    { "output", fits_output, fill_output },
    { "stopped", fits_user, fill_user },
    { "failed_to_start", fits_failed, fill_failed },
    { "gave_up", fits_gave_up, fill_gave_up },
    { "warned", fits_warned, fill_warned },
    { "seccomp", fits_seccomp, fill_seccomp },
    { "memory", fits_memory, fill_memory },
    { "hugetlb", fits_hugetlb, fill_hugetlb },
    { "cpu_backstop", fits_cpu_backstop, fill_cpu },
    { "rlimit_cpu", fits_rlimit_cpu, fill_rlimit_cpu },
    { "rlimit_fsize", fits_rlimit_fsize, fill_rlimit_fsize },
    { "pids", fits_pids, fill_pids },
    { "signalled", fits_signalled, fill_signalled },
    { "exited", fits_always, fill_exited },
};
