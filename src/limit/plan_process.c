/* What the process sets on itself and what ration watches: rlimits, stand-ins, times, output. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "limit/planner.h"

/* ---- rlimits ----------------------------------------------------------------------------------- */

/* "rlimit-nofile" is RLIMIT_NOFILE. */
static void rlimit_file(enum limit_id id, char ret[static 64])
{
    snprintf(ret, 64, "%s", limit_info(id)->name);
    for (char *c = ret; *c != '\0'; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

static char *rlimit_side(uint64_t number)
{
    return number == LIMIT_NUMBER_UNLIMITED ? strdup("unlimited")
                                            : text_format("%llu", (unsigned long long)number);
}

static char *rlimit_text(uint64_t soft, uint64_t hard)
{
    _cleanup_free_ char *a = rlimit_side(soft), *b = rlimit_side(hard);

    return a && b ? text_format("%s:%s", a, b) : NULL;
}

/* Our own hard limit for the resource of rlimit row id, above which we cannot go. */
static uint64_t rlimit_ceiling(const struct planner *p, enum limit_id id)
{
    int resource = limit_info(id)->rlimit;

    if (p->machine->can_raise_rlimits || (size_t)resource >= ARRAY_SIZE(p->machine->rlimit_hard))
        return LIMIT_NUMBER_UNLIMITED;
    return p->machine->rlimit_hard[resource];
}

static void rlimit_add(struct planner *p, enum limit_id serves, enum limit_id rlimit, uint64_t soft,
                       uint64_t hard, char *reason)
{
    char file[64];

    rlimit_file(rlimit, file);
    planner_add(p, serves, (struct planner_write){ PLAN_PROCESS, PLAN_CHECK_EXACT, file },
                rlimit_text(soft, hard), reason);
}

int plan_rlimit(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    uint64_t ceiling = rlimit_ceiling(p, id);
    char file[64];

    if (p->options->current)
        return planner_refuse(p, id,
                              "cannot be changed in a live run: a process takes its rlimits "
                              "with it when it starts");
    if (value->hard > ceiling) {
        _cleanup_free_ char *ours = rlimit_side(ceiling);
        rlimit_file(id, file);
        return planner_unmet(p, id, "run as root with CAP_SYS_RESOURCE",
                             "our own hard limit of %s is %s and raising it needs CAP_SYS_RESOURCE",
                             file, text_or_empty(ours));
    }
    rlimit_add(p, id, id, value->number, value->hard, NULL);
    planner_in_force(p, id, value->number);
    return 0;
}

/* ---- stand-ins --------------------------------------------------------------------------------- */

/* An rlimit that does for each process what the limit would have done for all of them together. */
struct stand_in {
    enum limit_id limit, rlimit;
    uint64_t unit; /* what one of the rlimit's units is in the limit's */
    const char *how;
};

static const struct stand_in stand_in_table[] = {
    { LIMIT_MEMORY, LIMIT_RLIMIT_AS, 1, "for the address space of each process by itself" },
    { LIMIT_PIDS_LIMIT, LIMIT_RLIMIT_NPROC, 1,
      "which counts all processes of the user and does not hold root" },
    { LIMIT_CPU_TIME, LIMIT_RLIMIT_CPU, 1000000, "for each process by itself" },
};

/* An rlimit that we may not raise so far stands at our own ceiling. */
static char *stand_in_own_ceiling(struct planner *p, enum limit_id id)
{
    struct limit_value value = *planner_value(p, id);
    uint64_t ceiling = rlimit_ceiling(p, id);
    char file[64];

    value.number = value.number < ceiling ? value.number : ceiling;
    rlimit_add(p, id, id, value.number, ceiling, strdup("as far as our own hard limit lets us"));
    rlimit_file(id, file);
    _cleanup_free_ char *text = rlimit_text(value.number, ceiling);
    return text_format("%s %s, our own hard limit", file, text_or_empty(text));
}

/* The limit's number; a size in bytes. What would be refused is taken as it is. */
static uint64_t stand_in_number(struct planner *p, enum limit_id id)
{
    _cleanup_free_ char *reason = NULL;
    uint64_t number = planner_value(p, id)->number, bytes;
    struct err *err = TAKE_PTR(p->err);

    if (limit_info(id)->kind == LIMIT_KIND_SIZE && planner_bytes(p, id, &bytes, &reason) >= 0)
        number = bytes;
    p->err = err;
    return number;
}

char *planner_stand_in(struct planner *p, enum limit_id id)
{
    const struct limit_info *info = limit_info(id);
    char file[64];

    if (p->options->current || planner_value(p, id)->state != LIMIT_SET)
        return NULL;
    if (info->encoder == LIMIT_ENCODE_RLIMIT)
        return stand_in_own_ceiling(p, id);
    for (size_t i = 0; i < ARRAY_SIZE(stand_in_table); i++) {
        const struct stand_in *row = &stand_in_table[i];
        if (row->limit != id || planner_wants(p, row->rlimit))
            continue;
        uint64_t number = stand_in_number(p, id), ceiling = rlimit_ceiling(p, row->rlimit);
        number = number / row->unit + (number % row->unit != 0);
        number = number < ceiling ? number : ceiling;
        rlimit_file(row->rlimit, file);
        rlimit_add(p, id, row->rlimit, number, number,
                   text_format("stands in for --%s, %s", info->name, row->how));
        return text_format("%s %llu, %s", file, (unsigned long long)number, row->how);
    }
    return NULL;
}

/* ---- supervised -------------------------------------------------------------------------------- */

/* Something must count the CPU time of the whole run: any v2 group does, on v1 cpuacct. */
static int plan_cpu_counter(struct planner *p, enum limit_id id)
{
    const struct layout_controller *cpuacct = &p->layout->controller[CONTROLLER_CPUACCT];

    if (p->layout->has_v2)
        return 1;
    if (cpuacct->version != 0 && cpuacct->writable) {
        p->plan->controllers |= CONTROLLER_BIT(CONTROLLER_CPUACCT);
        return 1;
    }
    return planner_unmet(p, id, cpuacct->remedy,
                         "nothing counts the CPU time of a whole run here: %s",
                         cpuacct->obstacle ? cpuacct->obstacle
                                           : "there is neither cgroup v2 nor a cpuacct controller");
}

/*
 * Should ration itself be killed, the kernel still ends each process soon after: one whole second and
 * more beyond the limit, so that it never comes first.
 */
static void plan_cpu_backstop(struct planner *p, enum limit_id id)
{
    uint64_t seconds = planner_value(p, id)->number / 1000000 + 2;

    if (p->options->current || planner_wants(p, LIMIT_RLIMIT_CPU) ||
        seconds > rlimit_ceiling(p, LIMIT_RLIMIT_CPU))
        return;
    rlimit_add(p, id, LIMIT_RLIMIT_CPU, seconds, seconds,
               strdup("backstop behind ration's own watch, for each process by itself"));
}

/* A warning that would come after the kill is none. */
static int check_soft(struct planner *p, enum limit_id id)
{
    enum limit_id hard = id == LIMIT_TIMEOUT_SOFT ? LIMIT_TIMEOUT : LIMIT_CPU_TIME;
    const struct limit_value *value =
        planner_wants(p, hard) ? planner_value(p, hard) : planner_current(p, hard);

    if (value && value->number < planner_value(p, id)->number)
        return planner_usage(p, id, "is later than --%s, which kills", limit_info(hard)->name);
    return 0;
}

int plan_supervised(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    bool is_cpu = id == LIMIT_CPU_TIME || id == LIMIT_CPU_TIME_SOFT;
    int r;

    if (value->state == LIMIT_UNLIMITED) {
        planner_in_force(p, id, value->number);
        return 0;
    }
    if (id == LIMIT_TIMEOUT_SOFT || id == LIMIT_CPU_TIME_SOFT) {
        r = check_soft(p, id);
        if (r < 0)
            return r;
    }
    if (is_cpu) {
        r = plan_cpu_counter(p, id);
        if (r <= 0)
            return r;
    }
    if (id == LIMIT_CPU_TIME)
        plan_cpu_backstop(p, id);
    planner_add(p, id,
                (struct planner_write){ PLAN_SUPERVISOR, PLAN_CHECK_NONE, limit_info(id)->name },
                planner_number_text(p, id, value->number),
                strdup(id == LIMIT_OUTPUT_LIMIT ? "bytes, counted by ration"
                                                : "microseconds, watched by ration"));
    planner_in_force(p, id, value->number);
    return 0;
}

/* ---- bandwidth --------------------------------------------------------------------------------- */

int plan_bandwidth(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    bool in = id == LIMIT_BANDWIDTH_IN;

    if (p->options->current)
        return planner_refuse(p, id, "cannot be changed in a live run; give it when starting one");
    if (value->state == LIMIT_UNLIMITED) {
        planner_in_force(p, id, value->number);
        return 0;
    }
    if (!p->options->network)
        return planner_unmet(p, id, "give the run a network: --network bridge",
                             "the run has no link of its own");
    if (!in && p->options->network_open)
        return planner_unmet(p, id, "leave that out",
                             "COMMAND would have CAP_NET_ADMIN, and could remove it at its end of "
                             "the link");
    planner_add(p, id, (struct planner_write){ PLAN_NETWORK, PLAN_CHECK_NUMBER, "tbf rate" },
                planner_number_text(p, id, value->number),
                text_format("bytes per second; a token bucket at the %s end of the link",
                            in ? "host's" : "run's"));
    planner_in_force(p, id, value->number);
    return 0;
}
