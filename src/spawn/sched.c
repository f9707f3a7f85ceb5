/* When and where COMMAND is executed: scheduler, io priority, CPUs; and what it is told of the machine. */
#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "spawn/steps.h"
#include "sys/sys.h"

#define PERSONALITY_ASK 0xffffffffUL

/* ---- scheduler and io ------------------------------------------------------------------------------------ */

static bool is_same(const struct sys_sched_attr *wanted, const struct sys_sched_attr *got)
{
    if (got->policy != wanted->policy || got->priority != wanted->priority)
        return false;
    switch (wanted->policy) {
    case SCHED_OTHER:
    case SCHED_BATCH:
        return got->nice == wanted->nice;
    case SCHED_DEADLINE:
        return got->runtime_ns == wanted->runtime_ns && got->deadline_ns == wanted->deadline_ns;
    default:
        return true;
    }
}

int step_scheduler(struct launch *launch, struct err *err)
{
    const struct spec_scheduler *wanted = &launch->spec->scheduler;
    const struct sys_sched_attr attr = {
        .policy = wanted->policy,
        .flags = wanted->flags,
        .nice = wanted->nice,
        .priority = wanted->priority,
        .runtime_ns = wanted->runtime_ns,
        .deadline_ns = wanted->deadline_ns,
        .period_ns = wanted->period_ns,
    };
    struct sys_sched_attr got = { 0 };
    int r = sys_sched_setattr(&attr);

    if (r == -EPERM)
        return err_refuse(err, EPERM,
                          "scheduler: policy %u is not allowed: it takes CAP_SYS_NICE, and in a "
                          "version 1 group realtime also cpu.rt_runtime_us",
                          wanted->policy);
    if (r < 0)
        return err_refuse(err, -r, "scheduler: cannot set policy %u (nice %d, priority %u): %s",
                          wanted->policy, wanted->nice, wanted->priority, err_name(-r));
    r = sys_sched_getattr(&got);
    if (r < 0)
        return err_set(err, -r, "scheduler: cannot read it back: %s", err_name(-r));
    return is_same(&attr, &got)
               ? 0
               : err_refuse(err, EIO, "scheduler: the kernel keeps policy %u, nice %d, priority %u",
                            got.policy, got.nice, got.priority);
}

int step_io_priority(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    int value = spec->io_class << IOPRIO_CLASS_SHIFT | spec->io_priority;
    int r = sys_ioprio_set(value);

    if (r < 0)
        return err_refuse(err, -r, "ioPriority: cannot set class %d, priority %d: %s",
                          spec->io_class, spec->io_priority, err_name(-r));
    r = sys_ioprio_get();
    if (r < 0)
        return err_set(err, -r, "ioPriority: cannot read it back: %s", err_name(-r));
    return r == value ? 0 : err_refuse(err, EIO, "ioPriority: the kernel keeps %#x instead", r);
}

int step_personality(struct launch *launch, struct err *err)
{
    unsigned long wanted = launch->spec->personality;

    if (personality(wanted) < 0)
        return err_refuse(err, errno, "personality: cannot set %#lx: %m", wanted);
    if ((unsigned)personality(PERSONALITY_ASK) != (unsigned)wanted)
        return err_refuse(err, EIO, "personality: the kernel does not keep %#lx", wanted);
    return 0;
}

/* ---- CPUs ------------------------------------------------------------------------------------------------- */

static const char *number_read(const char *text, unsigned *ret)
{
    unsigned long number = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9' && number < CPUS_MAX; p++)
        number = number * 10 + (unsigned long)(*p - '0');
    *ret = (unsigned)number;
    return p > text && number < CPUS_MAX ? p : NULL;
}

int cpu_list_parse(const char *text, struct cpu_mask *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (;;) {
        unsigned first, last;

        text = number_read(text, &first);
        last = first;
        if (text && *text == '-')
            text = number_read(text + 1, &last);
        if (!text || last < first)
            return -EINVAL;
        for (unsigned i = first; i <= last; i++)
            ret->bits[i / 64] |= UINT64_C(1) << i % 64;
        if (*text == '\0')
            return 0;
        if (*text++ != ',')
            return -EINVAL;
    }
}

/* The kernel leaves out what is not allowed here, and says nothing as long as something is left. */
static int affinity_set(const char *list, struct err *err)
{
    struct cpu_mask wanted, got = { 0 };
    int r = cpu_list_parse(list, &wanted);

    if (r < 0)
        return err_refuse(err, EINVAL, "execCPUAffinity: \"%s\" is not a list of CPUs", list);
    if (syscall(SYS_sched_setaffinity, 0, sizeof(wanted), wanted.bits) < 0)
        return err_refuse(err, errno, "execCPUAffinity: cannot run on CPUs %s: %m", list);
    if (syscall(SYS_sched_getaffinity, 0, sizeof(got), got.bits) < 0)
        return err_set(err, errno, "execCPUAffinity: cannot read it back: %m");
    if (memcmp(wanted.bits, got.bits, sizeof(got.bits)) != 0)
        return err_refuse(err, EINVAL,
                          "execCPUAffinity: not all of the CPUs %s are there and allowed", list);
    return 0;
}

int step_affinity_initial(struct launch *launch, struct err *err)
{
    return affinity_set(launch->spec->cpu_affinity_initial, err);
}

int step_affinity_final(struct launch *launch, struct err *err)
{
    return affinity_set(launch->spec->cpu_affinity_final, err);
}
