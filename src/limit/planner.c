/* What the encoders share: may this be written here, append a write, note what cannot be had. */
#include <errno.h>
#include <string.h>

#include "limit/planner.h"

/* ---- asking ------------------------------------------------------------------------------------ */

bool planner_has_feature(const struct planner *p, unsigned feature)
{
    return (p->layout->features & (feature | LAYOUT_FEATURES_UNKNOWN)) != 0;
}

int planner_version(const struct planner *p, enum limit_id id)
{
    enum controller controller = limit_info(id)->controller;

    return controller < CONTROLLER_COUNT ? p->layout->controller[controller].version : 0;
}

const char *planner_file(const struct planner *p, enum limit_id id)
{
    const struct limit_info *info = limit_info(id);

    return planner_version(p, id) == 2 ? info->v2_file : info->v1_file;
}

/* Why a file that the row names may be missing, and what brings it back. */
struct feature_words {
    unsigned feature;
    const char *why, *remedy;
};

static const struct feature_words feature_table[] = {
    { LAYOUT_MEMSW, "the kernel does not count swap", "boot with swapaccount=1" },
    { LAYOUT_CPU_BURST, "the kernel has no CPU burst, which came with Linux 5.14", NULL },
    { LAYOUT_CPU_IDLE, "the kernel has no idle groups, which came with Linux 5.15", NULL },
    { LAYOUT_CPU_RT, "the kernel has no real-time budgets for groups of this layout",
      "use a v1 cpu controller and a kernel with CONFIG_RT_GROUP_SCHED" },
    { LAYOUT_KMEM_TCP, "the kernel does not limit TCP memory here", NULL },
    { LAYOUT_IO_WEIGHT, "the kernel offers no weights for block devices",
      "load the bfq scheduler: modprobe bfq" },
    { LAYOUT_IO_LATENCY, "the kernel has no latency targets (CONFIG_BLK_CGROUP_IOLATENCY)", NULL },
    { LAYOUT_CPUSET_PARTITION, "the kernel offers no cpuset partitions here", NULL },
    { LAYOUT_OOM_GROUP, "the kernel cannot kill a group as one here", NULL },
    { LAYOUT_SWAPPINESS, "the kernel has no swappiness per group here", NULL },
    { LAYOUT_DEVICE_BPF, "device programs cannot be attached to groups here",
      "run as root on a kernel with CONFIG_CGROUP_BPF" },
    { LAYOUT_OOM_KILL_DISABLE, "the kernel cannot switch the OOM killer off here", NULL },
};

/* The row's file is not in this version. */
static int place_elsewhere(struct planner *p, enum limit_id id, int version)
{
    const struct limit_info *info = limit_info(id);
    const char *other = version == 2 ? info->v1_file : info->v2_file;

    return planner_unmet(p, id, NULL,
                         "%s exists only on cgroup v%d and the %s controller is on v%d here",
                         text_or_empty(other), version == 2 ? 1 : 2,
                         controller_name(info->controller, version), version);
}

int planner_place(struct planner *p, enum limit_id id)
{
    const struct limit_info *info = limit_info(id);
    const struct layout_controller *controller = &p->layout->controller[info->controller];

    if (controller->version == 0)
        return planner_unmet(p, id, controller->remedy, "the %s controller cannot be had: %s",
                             controller_name(info->controller, p->layout->has_v1 ? 1 : 2),
                             controller->obstacle ? controller->obstacle
                                                  : "no hierarchy has it here");
    if (!planner_file(p, id))
        return place_elsewhere(p, id, controller->version);
    if (!controller->writable)
        return planner_unmet(p, id, controller->remedy, "the %s controller cannot be used: %s",
                             controller_name(info->controller, controller->version),
                             controller->obstacle ? controller->obstacle
                                                  : "its hierarchy is not writable for us");
    /* The program that filters devices is v2's way only; v1 has files for it. */
    if (info->feature == LAYOUT_DEVICE_BPF && controller->version == 1)
        return 1;
    if (info->feature == 0 || planner_has_feature(p, info->feature) ||
        (info->feature == LAYOUT_IO_WEIGHT && planner_has_feature(p, LAYOUT_IO_BFQ_WEIGHT)))
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(feature_table); i++) {
        if (feature_table[i].feature == info->feature)
            return planner_unmet(p, id, feature_table[i].remedy, "%s (there is no %s)",
                                 feature_table[i].why, planner_file(p, id));
    }
    return planner_unmet(p, id, NULL, "there is no %s", planner_file(p, id));
}

/* ---- answering --------------------------------------------------------------------------------- */

/* Its name and "VALUE", that one cut short where it is long. */
static void planner_asked(const struct planner *p, enum limit_id id, char *ret, size_t size)
{
    _cleanup_buf_ struct buf value = BUF_INIT;

    char name[80];

    limit_name_format(id, p->options->document, name, sizeof(name));
    limit_format(id, planner_value(p, id), &value);
    const char *text = buf_text(&value);
    snprintf(ret, size, "%s%s%.60s%s", name, *text ? " " : "", text,
             strlen(text) > 60 ? "..." : "");
}

static int planner_verror(struct planner *p, enum err_class class, int code, enum limit_id id,
                          const char *fmt, va_list ap)
{
    char asked[160], why[340];

    planner_asked(p, id, asked, sizeof(asked));
    vsnprintf(why, sizeof(why), fmt, ap);
    return err_set_class(p->err, class, code, "%s %s", asked, why);
}

int planner_usage(struct planner *p, enum limit_id id, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int r = planner_verror(p, ERR_USAGE, EINVAL, id, fmt, ap);
    va_end(ap);
    return r;
}

int planner_refuse(struct planner *p, enum limit_id id, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int r = planner_verror(p, ERR_REFUSED, ERANGE, id, fmt, ap);
    va_end(ap);
    return r;
}

static int unmet_add(struct planner *p, enum limit_id id, const char *remedy, const char *why)
{
    struct plan *plan = p->plan;
    struct plan_unmet *grown = reallocarray(plan->unmet, plan->n_unmet + 1, sizeof(*grown));

    if (!grown) {
        plan->out_of_memory = true;
        return 0;
    }
    plan->unmet = grown;
    struct plan_unmet *unmet = &grown[plan->n_unmet++];
    *unmet = (struct plan_unmet){ .limit = id };
    if (text_replace(&unmet->why, why) < 0 || text_replace(&unmet->remedy, remedy) < 0)
        plan->out_of_memory = true;
    /* Planning it moves plan->unmet no more, but the pointer is not to be trusted across it. */
    char *stand_in = planner_stand_in(p, id);
    plan->unmet[plan->n_unmet - 1].stand_in = stand_in;
    return 0;
}

int planner_unmet(struct planner *p, enum limit_id id, const char *remedy, const char *fmt, ...)
{
    char asked[160], why[240];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (p->options->best_effort)
        return unmet_add(p, id, remedy, why);
    planner_asked(p, id, asked, sizeof(asked));
    if (p->options->document) /* which has no --best-effort */
        return err_refuse(p->err, ENOTSUP, "%s cannot be put in force: %s%s%s", asked, why,
                          remedy ? "; " : "", text_or_empty(remedy));
    return err_refuse(p->err, ENOTSUP,
                      "%s cannot be put in force: %s; %s%srun without it by --best-effort", asked,
                      why, text_or_empty(remedy), remedy ? ", or " : "");
}

static void step_done(struct plan_step *step)
{
    free(step->text);
    free(step->expect);
    free(step->reason);
}

struct plan_step *planner_add(struct planner *p, enum limit_id id, struct planner_write write,
                              char *text, char *reason)
{
    struct plan *plan = p->plan;
    bool on_process = write.target == PLAN_PROCESS || write.target == PLAN_SUPERVISOR ||
                      write.target == PLAN_NETWORK;
    struct plan_step step = { .limit = id,
                              .serves = LIMIT_BIT(id),
                              .controller = write.target == PLAN_PROCESS
                                                ? CONTROLLER_PROCESS
                                                : limit_info(id)->controller,
                              .version = on_process ? 0 : planner_version(p, id),
                              .target = write.target,
                              .check = write.check,
                              .document = p->options->document,
                              .text = text,
                              .reason = reason };
    const char *file = write.file ? write.file : planner_file(p, id);
    struct plan_step *grown = reallocarray(plan->steps, plan->n_steps + 1, sizeof(*grown));

    if (!grown || !text) {
        plan->steps = grown ? grown : plan->steps;
        plan->out_of_memory = true;
        step_done(&step);
        return NULL;
    }
    snprintf(step.file, sizeof(step.file), "%s", text_or_empty(file));
    if (step.controller < CONTROLLER_COUNT)
        plan->controllers |= CONTROLLER_BIT(step.controller);
    plan->steps = grown;
    plan->steps[plan->n_steps] = step;
    return &plan->steps[plan->n_steps++];
}

void planner_add_both(struct planner *p, enum limit_id id, struct planner_write write,
                      const char *text, const char *reason)
{
    char *group_reason = NULL;

    if (text_replace(&group_reason, reason) < 0)
        p->plan->out_of_memory = true;
    write.target = PLAN_GROUP;
    planner_add(p, id, write, strdup(text), group_reason);
    if (planner_version(p, id) != 1)
        return;
    write.target = PLAN_INNER;
    planner_add(p, id, write, strdup(text),
                strdup("on v1 this holds for the processes of the very group only"));
}

void planner_in_force(struct planner *p, enum limit_id id, uint64_t number)
{
    struct limit_value *value = &p->plan->in_force.value[id];

    limit_value_done(value);
    if (limit_value_copy(planner_value(p, id), value) < 0) {
        p->plan->out_of_memory = true;
        return;
    }
    value->percent = false;
    value->number = number;
}

/* ---- numbers ----------------------------------------------------------------------------------- */

char *planner_number_text(const struct planner *p, enum limit_id id, uint64_t number)
{
    if (number != LIMIT_NUMBER_UNLIMITED)
        return text_format("%llu", (unsigned long long)number);
    /* Only pids and misc, which are younger, understand the word on v1. */
    bool is_word = planner_version(p, id) != 1 || limit_info(id)->controller == CONTROLLER_PIDS ||
                   limit_info(id)->controller == CONTROLLER_MISC;
    return strdup(is_word ? "max" : "-1");
}

/* What percentages of id are taken from; *ret_of names it. */
static uint64_t percent_base(const struct planner *p, enum limit_id id, const char **ret_of)
{
    uint64_t parent = p->layout->parent_memory_bytes, base = p->machine->memory_bytes;

    *ret_of = "the machine's";
    if (parent != 0 && parent < base) {
        base = parent;
        *ret_of = "the parent's";
    }
    return id == LIMIT_MEMORY_SWAP ? base + p->machine->swap_bytes : base;
}

static char *bytes_reason(const struct planner *p, enum limit_id id, uint64_t asked, uint64_t bytes)
{
    const struct limit_value *value = planner_value(p, id);
    char shown[40], result[40];
    const char *of;

    size_format(percent_base(p, id, &of), shown, sizeof(shown));
    size_format(bytes, result, sizeof(result));
    if (value->percent)
        return text_format("%g%% of %s %s is %s, in whole pages", (double)value->number / 1e4, of,
                           shown, result);
    size_format(asked, shown, sizeof(shown));
    if (asked != bytes)
        return text_format("%s rounded down to pages of %llu bytes", shown,
                           (unsigned long long)p->machine->page_bytes);
    return NULL;
}

int planner_bytes(struct planner *p, enum limit_id id, uint64_t *ret_bytes, char **ret_reason)
{
    const struct limit_value *value = planner_value(p, id);
    const struct limit_info *info = limit_info(id);
    uint64_t page = p->machine->page_bytes ? p->machine->page_bytes : 4096, bytes = value->number;
    char total[40];
    const char *of;

    *ret_reason = NULL;
    *ret_bytes = value->number;
    if (value->state == LIMIT_UNLIMITED)
        return 0;
    if (value->percent)
        bytes = (uint64_t)((unsigned __int128)percent_base(p, id, &of) * value->number / 1000000);
    *ret_bytes = bytes / page * page;
    if (*ret_bytes < info->min)
        return planner_refuse(p, id, "is %llu bytes, below the minimum of %llu",
                              (unsigned long long)*ret_bytes, (unsigned long long)info->min);
    size_format(p->machine->memory_bytes, total, sizeof(total));
    /* Memory and swap together may well be more: docker's own default is twice the memory. */
    if (id != LIMIT_MEMORY_SWAP && *ret_bytes > p->machine->memory_bytes) {
        if (!p->options->beyond_machine)
            return planner_refuse(p, id, "is more than this machine's memory of %s", total);
        *ret_reason = text_format("more than this machine's %s, so never reached", total);
    } else {
        *ret_reason = bytes_reason(p, id, bytes, *ret_bytes);
    }
    return 0;
}
