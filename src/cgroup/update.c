/*
 * Changing the limits of a live run: all steps of a plan, or none. What stood there is read first, and is
 * written back when a later step fails.
 *
 * Lowering a memory limit below what is used: v1 reclaims what it can and refuses the rest (EBUSY). v2
 * takes any memory.max and kills until it fits, so that is found out by memory.high, which reclaims in the
 * same way and never kills (Documentation/admin-guide/cgroup-v2.rst).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

/* ---- what stood there ---------------------------------------------------------------------------------- */

static const struct part *step_part(const struct group *group, const struct plan_step *step)
{
    if (step->target != PLAN_GROUP && step->target != PLAN_INNER)
        return NULL;
    return group_part(group, step->controller, step->version);
}

static void step_file(const struct plan_step *step, char *ret, size_t size)
{
    snprintf(ret, size, "%s%s", step->target == PLAN_INNER ? INNER_NAME "/" : "", step->file);
}

/* What switches a device's limit off again, where the file has no line for it. */
static char *device_default(const struct plan_step *step)
{
    int key = (int)strcspn(step->text, " \n");

    if (text_starts(step->file, "io.max"))
        return text_format("%.*s rbps=max wbps=max riops=max wiops=max", key, step->text);
    return text_starts(step->file, "blkio.throttle.") ? text_format("%.*s 0", key, step->text)
                                                      : NULL;
}

/* v1's two files for devices undo each other. NULL: the step is none of theirs. */
static const char *devices_opposite(const struct plan_step *step)
{
    static const char *const file_table[][2] = { { "devices.allow", "devices.deny" },
                                                 { "devices.deny", "devices.allow" } };

    for (size_t i = 0; i < ARRAY_SIZE(file_table); i++)
        if (strcmp(step->file, file_table[i][0]) == 0)
            return file_table[i][1];
    return NULL;
}

/* The text that puts things back; NULL: there is none, or memory is out. */
static char *step_old_text(const struct part *part, const struct plan_step *step)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char file[sizeof(step->file) + 8];
    const char *cursor, *line;
    size_t len, key = strcspn(step->text, " \n");
    uint64_t number;

    /* What is allowed is denied again and the other way round: old_texts_write() has the other file. */
    if (devices_opposite(step))
        return strdup(step->text);
    step_file(step, file, sizeof(file));
    if (file_read(part->fd, file, TEXT_FILE_MAX, &text) < 0)
        return NULL;
    if (strcmp(step->file, "memory.oom_control") == 0)
        return keyed_find_u64(buf_text(&text), "oom_kill_disable", &number)
                   ? strdup(number ? "1" : "0")
                   : NULL;
    cursor = buf_text(&text);
    if (step->check != PLAN_CHECK_KEYED)
        return line_next(&cursor, &line, &len) && len > 0 ? strndup(line, len) : NULL;
    while (line_next(&cursor, &line, &len)) {
        if (len > key && memcmp(line, step->text, key) == 0 && line[key] == ' ')
            return strndup(line, len);
    }
    return device_default(step);
}

static void old_texts_read(const struct group *group, const struct plan *plan, char **ret)
{
    for (size_t i = 0; ret && i < plan->n_steps; i++) {
        const struct part *part = step_part(group, &plan->steps[i]);
        ret[i] = part ? step_old_text(part, &plan->steps[i]) : NULL;
    }
}

/* Backwards, so that what had to come first goes last. */
static void old_texts_write(const struct group *group, const struct plan *plan, char **old)
{
    char file[sizeof(plan->steps->file) + 8];

    for (size_t i = plan->n_steps; old && i > 0; i--) {
        const struct plan_step *step = &plan->steps[i - 1];
        if (!old[i - 1])
            continue;
        struct plan_step back = *step;
        if (devices_opposite(step))
            snprintf(back.file, sizeof(back.file), "%s", devices_opposite(step));
        step_file(&back, file, sizeof(file));
        file_write(step_part(group, step)->fd, file, old[i - 1]);
    }
}

/* ---- memory that is in use ------------------------------------------------------------------------------- */

static bool number_read(const struct part *part, const char *file, uint64_t *ret)
{
    char text[32];

    return file_read_line(part->fd, file, text, sizeof(text)) > 0 &&
           number_parse(text, UINT64_MAX, ret) == 0;
}

static const struct plan_step *step_find(const struct plan *plan, const char *file)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].target == PLAN_GROUP && strcmp(plan->steps[i].file, file) == 0)
            return &plan->steps[i];
    }
    return NULL;
}

static int memory_refuse(const struct part *part, const struct plan_step *step, const char *usage,
                         uint64_t used, struct err *err)
{
    char path[1024], shown[40], wanted[40], option[80];
    uint64_t bytes = 0;

    number_parse(step->text, UINT64_MAX, &bytes);
    size_format(bytes, wanted, sizeof(wanted));
    size_format(used, shown, sizeof(shown));
    part_path(part, usage, path, sizeof(path));
    limit_name_format(step->limit, step->document, option, sizeof(option));
    return err_refuse(err, EBUSY,
                      "%s: cannot be lowered to %s: the run uses %s (%.160s) and cannot give more "
                      "back, so that is about the least possible now%s",
                      option, wanted, shown, path,
                      part->version == 2 ? "; below it the kernel would kill" : "");
}

/* v1's answer, with the number. */
static int memory_busy(const struct group *group, const struct plan *plan, struct err *err)
{
    static const struct {
        enum limit_id limit;
        const char *usage;
    } table[] = {
        { LIMIT_MEMORY, "memory.usage_in_bytes" },
        { LIMIT_MEMORY_SWAP, "memory.memsw.usage_in_bytes" },
    };
    const struct part *part = group_part(group, CONTROLLER_MEMORY, 1);
    uint64_t used, wanted;

    for (size_t i = 0; part && i < ARRAY_SIZE(table); i++) {
        const struct plan_step *step = step_find(plan, limit_info(table[i].limit)->v1_file);
        if (step && number_parse(step->text, UINT64_MAX, &wanted) == 0 &&
            number_read(part, table[i].usage, &used) && used > wanted)
            return memory_refuse(part, step, table[i].usage, used, err);
    }
    return -EBUSY;
}

/*
 * v2: get the usage below what memory.max is going to be. *ret_high is what memory.high has to become again
 * afterwards, "" when it was left alone.
 */
static int memory_squeeze(const struct group *group, const struct plan *plan, char *ret_high,
                          size_t size, struct err *err)
{
    const struct part *part = group_part(group, CONTROLLER_MEMORY, 2);
    const struct plan_step *step = part ? step_find(plan, limit_info(LIMIT_MEMORY)->v2_file) : NULL;
    uint64_t wanted, used;

    *ret_high = '\0';
    if (!step || number_parse(step->text, UINT64_MAX, &wanted) < 0 ||
        !number_read(part, "memory.current", &used) || used <= wanted)
        return 0;
    if (file_read_line(part->fd, "memory.high", ret_high, size) <= 0 ||
        file_write(part->fd, "memory.high", step->text) < 0)
        *ret_high = '\0';
    if (number_read(part, "memory.current", &used) && used <= wanted)
        return 0;
    if (*ret_high)
        file_write(part->fd, "memory.high", ret_high);
    return memory_refuse(part, step, "memory.current", used, err);
}

/* ---- all of it -------------------------------------------------------------------------------------------- */

static int update_apply(struct group *group, const struct plan *plan, const struct machine *machine,
                        char **old, struct err *err)
{
    const struct part *part = group_part(group, CONTROLLER_MEMORY, 2);
    char high[32];
    int r = memory_squeeze(group, plan, high, sizeof(high), err);

    if (r < 0)
        return r;
    /* Whether the inner group comes first depends on the direction: the planner's order decides. */
    r = apply_steps(group, plan, TARGET_BIT(PLAN_GROUP) | TARGET_BIT(PLAN_INNER), machine, err);
    if (r == -EBUSY)
        r = memory_busy(group, plan, err);
    if (r < 0)
        old_texts_write(group, plan, old);
    if (*high && (r < 0 || !step_find(plan, "memory.high")))
        file_write(part->fd, "memory.high", high);
    return r;
}

/* The step of another plan that wrote the same: the same file, and in a keyed one the same key. */
static ssize_t step_alike(const struct plan *plan, const struct plan_step *step)
{
    size_t key = step->check == PLAN_CHECK_KEYED ? strcspn(step->text, " ") : 0;

    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct plan_step *other = &plan->steps[i];
        if (other->target == step->target && other->version == step->version &&
            other->controller == step->controller && strcmp(other->file, step->file) == 0 &&
            strncmp(other->text, step->text, key) == 0)
            return (ssize_t)i;
    }
    return -1;
}

/* What the steps of the start read back now. */
static int read_back_merge(struct group *group, const struct plan *made, const struct plan *plan,
                           char *const *read_back, struct err *err)
{
    for (size_t i = 0; read_back && i < plan->n_steps; i++) {
        ssize_t index = read_back[i] ? step_alike(made, &plan->steps[i]) : -1;
        if (index >= 0 && (size_t)index < group->n_read_back &&
            text_replace(&group->read_back[index], read_back[i]) < 0)
            return err_nomem(err);
    }
    return 0;
}

static void texts_free(char **texts, size_t n)
{
    for (size_t i = 0; texts && i < n; i++)
        free(texts[i]);
    free(texts);
}

int group_update(struct group *group, const struct plan *made, const struct plan *plan,
                 const struct machine *machine, char ***ret_read_back, struct err *err)
{
    char **read_back = calloc(plan->n_steps + 1, sizeof(*read_back));
    char **old = calloc(plan->n_steps + 1, sizeof(*old));
    char **kept = group->read_back;
    size_t n_kept = group->n_read_back;
    int r = read_back && old ? 0 : err_nomem(err);

    if (r == 0) {
        old_texts_read(group, plan, old);
        /* What was read back at the start stays known by the start's steps. */
        group->read_back = read_back;
        group->n_read_back = plan->n_steps;
        r = update_apply(group, plan, machine, old, err);
        group->read_back = kept;
        group->n_read_back = n_kept;
    }
    if (r == 0)
        r = read_back_merge(group, made, plan, read_back, err);
    texts_free(old, plan->n_steps);
    if (r < 0) {
        texts_free(read_back, plan->n_steps);
        return r;
    }
    *ret_read_back = read_back;
    return 0;
}
