/*
 * Putting a plan in force: each step is one write(2) of exactly the planned bytes, and one reading
 * of the same file, compared with what was meant. What the kernel refuses or changes is an error
 * that names the option, the file, the value and the kernel's answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

/* What an errno means for a file of a group; the first row that fits. */
struct refusal {
    int code;
    const char *file; /* how the file's name begins; "" fits all */
    const char *text; /* why, and what to do */
};

static const struct refusal refusal_table[] = {
    { EBUSY, "memory.", "the group already uses more than that; raise the limit" },
    { EBUSY, "cpu.", "it does not fit beside the real-time budgets of other groups; lower it" },
    { EBUSY, "cpuset.", "other groups hold these CPUs exclusively; choose others" },
    { EINVAL, "memory.memsw", "memory and swap together cannot be less than memory" },
    { EINVAL, "memory.limit", "memory cannot be more than memory and swap together" },
    { EINVAL, "cpu.cfs_", "a group above has a smaller CPU quota, or the value is out of range" },
    { EINVAL, "cpu.rt_",
      "the group above has no such real-time budget; give it one first "
      "(cpu.rt_runtime_us of the parent)" },
    { EINVAL, "cpuset.", "the group above does not have these CPUs or memory nodes" },
    { EACCES, "cpuset.",
      "the group above does not have these CPUs or memory nodes; choose among "
      "its own" },
    { ENOSPC, "cpuset.", "the group would be left without a CPU or a memory node" },
    { ERANGE, "cpuset.", "the machine has no CPU or memory node of that number" },
    { ENODEV, "io.", "there is no such block device" },
    { ENODEV, "blkio.", "there is no such block device" },
    { EOPNOTSUPP, "io.", "the I/O scheduler of the device does not support it" },
    { EOPNOTSUPP, "blkio.", "the I/O scheduler of the device does not support it" },
    { EPERM, "devices.", "the group above does not allow that device" },
    { ENOENT, "", "the kernel offers no such file; it is too old or was built without it" },
    { ENODEV, "", "the kernel has it switched off" },
    { EROFS, "", "the hierarchy is mounted read-only; mount it writable" },
    { EACCES, "", "we may not write there; run as root or have the group delegated" },
    { EPERM, "", "we may not write there; run as root or have the group delegated" },
    { ERANGE, "", "the value is out of the kernel's range" },
    { EINVAL, "", "the kernel does not take that value, or a group above allows less" },
    { EBUSY, "", "it is in use" },
    { ENOMEM, "", "the kernel is out of memory" },
};

static const char *refusal_find(int code, const char *file)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusal_table); i++)
        if (refusal_table[i].code == code && text_starts(file, refusal_table[i].file))
            return refusal_table[i].text;
    return NULL;
}

/* "--memory: ", "linux.resources.memory.limit: " or "" for set-up. */
static const char *step_option(const struct plan_step *step, char *ret, size_t size)
{
    char name[72];

    *ret = '\0';
    if (step->limit < LIMIT_COUNT) {
        limit_name_format(step->limit, step->document, name, sizeof(name));
        snprintf(ret, size, "%s: ", name);
    }
    return ret;
}

/* Without the newline that some texts end with. */
static int text_width(const char *text)
{
    size_t n = strcspn(text, "\n");

    return (int)(n < 100 ? n : 100);
}

/* A file of a group, open for as long as steps come for it: rules for devices come by the dozen. */
struct step_file {
    const struct part *part;
    char name[sizeof(((struct plan_step *)NULL)->file) + 8]; /* from the limit group */
    int fd, flags;
};

static int write_failed(int code, const struct plan_step *step, const struct step_file *file,
                        struct err *err)
{
    char option[80], path[1024];
    const char *cause = refusal_find(code, step->file);

    part_path(file->part, file->name, path, sizeof(path));
    step_option(step, option, sizeof(option));
    /* "No such file or directory" is to clients of a container a command that does not exist. */
    if (code == ENOENT && cause)
        return err_refuse(err, code, "%scannot write '%.*s' to %s: %s", option,
                          text_width(step->text), step->text, path, cause);
    return err_refuse(err, code, "%scannot write '%.*s' to %s: %s%s%s%s", option,
                      text_width(step->text), step->text, path, err_name(code), cause ? " (" : "",
                      cause ? cause : "", cause ? ")" : "");
}

/* All lines as one. */
static char *lines_join(const char *text)
{
    char *copy = strndup(text, strlen(text) > 0 ? strlen(text) - 1 : 0);

    for (char *p = copy; p && *p; p++)
        if (*p == '\n')
            *p = ';';
    return copy;
}

/* The line of a keyed file that the step wrote, or the whole text on one line. */
static char *read_back_copy(const struct plan_step *step, const char *text)
{
    const char *cursor = text, *line;
    size_t len, key = strcspn(step->text, " \n");

    if (step->check == PLAN_CHECK_DEVICES)
        return lines_join(text);

    while (step->check == PLAN_CHECK_KEYED && line_next(&cursor, &line, &len))
        if (len > key && memcmp(line, step->text, key) == 0 && line[key] == ' ')
            return strndup(line, len);
    return strndup(text, strcspn(text, "\n"));
}

static int step_compare(const struct plan_step *step, const struct step_file *file,
                        const struct machine *machine, char **ret_text, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char option[80], path[1024];
    int r = group_text_read(file->fd, &text);

    if (r < 0) {
        part_path(file->part, file->name, path, sizeof(path));
        return err_refuse(err, -r, "%scannot read %s back: %s",
                          step_option(step, option, sizeof(option)), path, err_name(-r));
    }
    free(*ret_text);
    *ret_text = read_back_copy(step, buf_text(&text));
    if (!*ret_text)
        return err_nomem(err);
    if (plan_step_matches(step, buf_text(&text), machine))
        return 0;
    part_path(file->part, file->name, path, sizeof(path));
    return err_refuse(err, ERANGE,
                      "%swrote '%.*s' to %s, but the kernel made it '%.100s'; ask for a value that "
                      "it keeps",
                      step_option(step, option, sizeof(option)), text_width(step->text), step->text,
                      path, *ret_text);
}

/* 0 or -errno. */
static int step_file_open(struct step_file *file, const struct part *part, const char *dir,
                          const char *name, int flags)
{
    char path[sizeof(file->name)];

    snprintf(path, sizeof(path), "%s%s", dir, name);
    if (file->fd >= 0 && file->part == part && file->flags == flags &&
        strcmp(file->name, path) == 0)
        return 0;
    fd_close(file->fd);
    file->part = part;
    file->flags = flags;
    memcpy(file->name, path, sizeof(path));
    file->fd = openat(part->fd, path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    return file->fd < 0 ? -errno : 0;
}

static int text_write(int fd, const char *text)
{
    size_t len = strlen(text);
    ssize_t n;

    do
        n = write(fd, text, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EIO;
}

/* dir: "" or "box/" */
static int step_write(struct step_file *file, const struct part *part, const char *dir,
                      const struct plan_step *step, const struct machine *machine, char **ret_text,
                      struct err *err)
{
    bool devices = step->check == PLAN_CHECK_DEVICES;
    int flags = step->check == PLAN_CHECK_NONE || devices ? O_WRONLY : O_RDWR;
    int r = step_file_open(file, part, dir, step->file, flags);
    bool write_only = flags == O_RDWR && (r == -EACCES || r == -EINVAL);

    if (write_only)
        r = step_file_open(file, part, dir, step->file, O_WRONLY);
    if (r == 0)
        r = text_write(file->fd, step->text);
    if (step->best_effort && (r == -ENOENT || r == -EOPNOTSUPP || r == -ENODEV))
        return 0;
    if (r < 0)
        return write_failed(-r, step, file, err);
    if (step->check == PLAN_CHECK_NONE)
        return 0;
    if (write_only || devices)
        r = step_file_open(file, part, dir, devices ? DEVICES_LIST : step->file, O_RDONLY);
    return r < 0 ? write_failed(-r, step, file, err)
                 : step_compare(step, file, machine, ret_text, err);
}

static int step_apply(struct group *group, struct step_file *file, const struct plan *plan,
                      size_t index, const struct machine *machine, struct err *err)
{
    const struct plan_step *step = &plan->steps[index];
    const struct part *part = group_part(group, step->controller, step->version);
    char option[80], path[1024];

    /* A file of v2's core, by --cgroup-conf. */
    if (!part && step->version == 2 && step->controller >= CONTROLLER_COUNT)
        part = group_part(group, CONTROLLER_NONE, 2);
    /* Device rules and freezing need no controller on v2. */
    if (!part && step->version == 2 &&
        (step->controller == CONTROLLER_DEVICES || step->controller == CONTROLLER_FREEZER))
        part = group_part(group, CONTROLLER_NONE, 2);
    if (!part)
        return err_refuse(err, ENOENT, "%sthe run has no group that %s could be written in",
                          step_option(step, option, sizeof(option)), step->file);
    if (strchr(step->file, '/') || step->file[0] == '.' || step->file[0] == '\0')
        return err_refuse(err, EINVAL, "%s'%s' is not the name of a group's file",
                          step_option(step, option, sizeof(option)), step->file);
    if (step->version == 2 && step->controller == CONTROLLER_DEVICES) {
        part_path(part, "", path, sizeof(path));
        return devices_apply(part->fd, plan, index, path, &group->read_back[index], err);
    }
    return step_write(file, part, step->target == PLAN_INNER ? INNER_NAME "/" : "", step, machine,
                      &group->read_back[index], err);
}

int apply_steps(struct group *group, const struct plan *plan, unsigned targets,
                const struct machine *machine, struct err *err)
{
    struct step_file file = { .fd = -1 };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < plan->n_steps; i++) {
        if (!(TARGET_BIT(plan->steps[i].target) & targets &
              (TARGET_BIT(PLAN_GROUP) | TARGET_BIT(PLAN_INNER))))
            continue;
        r = step_apply(group, &file, plan, i, machine, err);
    }
    fd_close(file.fd);
    return r < 0 ? r : 0;
}
