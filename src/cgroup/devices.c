/* Device rules on v2: one program attached to the limit group (bpf(2), cgroup-v2.rst "Device"). */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

#define LOG_BYTES    4096
#define PROGRAMS_MAX 64

/* Numbers of the programs attached to a group. Returns how many, or -errno. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the kernel writes there */
static int programs_query(int group_fd, uint32_t *ids, uint32_t room)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.query.target_fd = (uint32_t)group_fd;
    attr.query.attach_type = BPF_CGROUP_DEVICE;
    attr.query.prog_ids = (uintptr_t)ids;
    attr.query.prog_cnt = room;
    int r = sys_bpf(BPF_PROG_QUERY, &attr, sizeof(attr));
    return r < 0 ? r : (int)attr.query.prog_cnt;
}

int devices_probe(int group_fd)
{
    uint32_t ids[PROGRAMS_MAX];
    int r = programs_query(group_fd, ids, PROGRAMS_MAX);

    return r < 0 && r != -ENOSPC ? r : 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the kernel writes there */
static int program_load(const struct bpf_insn *insns, size_t n, char *log)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insns = (uintptr_t)insns;
    attr.insn_cnt = (uint32_t)n;
    attr.license = (uintptr_t) "MIT";
    memcpy(attr.prog_name, "ration_devices", sizeof("ration_devices"));
    if (log) {
        attr.log_buf = (uintptr_t)log;
        attr.log_size = LOG_BYTES;
        attr.log_level = 1;
    }
    return sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int program_attach(int group_fd, int program_fd)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.target_fd = (uint32_t)group_fd;
    attr.attach_bpf_fd = (uint32_t)program_fd;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    return sys_bpf(BPF_PROG_ATTACH, &attr, sizeof(attr));
}

static int program_detach(int group_fd, uint32_t id)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.prog_id = id;
    _cleanup_close_ int program_fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
    if (program_fd < 0)
        return program_fd;
    memset(&attr, 0, sizeof(attr));
    attr.target_fd = (uint32_t)group_fd;
    attr.attach_bpf_fd = (uint32_t)program_fd;
    attr.attach_type = BPF_CGROUP_DEVICE;
    return sys_bpf(BPF_PROG_DETACH, &attr, sizeof(attr));
}

static int program_id(int program_fd, uint32_t *ret)
{
    struct bpf_prog_info info;
    union bpf_attr attr;

    memset(&info, 0, sizeof(info));
    memset(&attr, 0, sizeof(attr));
    attr.info.bpf_fd = (uint32_t)program_fd;
    attr.info.info_len = sizeof(info);
    attr.info.info = (uintptr_t)&info;
    int r = sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
    *ret = info.id;
    return r < 0 ? r : 0;
}

/* Attach the new program, take those of before away, and see that it is there. */
static int program_install(int group_fd, int program_fd, uint32_t *ret_id)
{
    uint32_t before[PROGRAMS_MAX], after[PROGRAMS_MAX];
    int n_before = programs_query(group_fd, before, PROGRAMS_MAX);

    if (n_before < 0)
        return n_before;
    int r = program_attach(group_fd, program_fd);
    if (r < 0)
        return r;
    for (int i = 0; i < n_before; i++) {
        r = program_detach(group_fd, before[i]);
        if (r < 0)
            return r;
    }
    r = program_id(program_fd, ret_id);
    int n_after = r < 0 ? r : programs_query(group_fd, after, PROGRAMS_MAX);
    if (n_after < 0)
        return n_after;
    for (int i = 0; i < n_after; i++)
        if (after[i] == *ret_id)
            return 0;
    return -ENOENT;
}

static bool step_is_rule(const struct plan_step *step)
{
    return step->version == 2 && step->controller == CONTROLLER_DEVICES;
}

/* All rules of the plan, in order; a step may hold several, one per line. */
static int rules_collect(const struct plan *plan, struct device_rule **ret, size_t *ret_n,
                         struct err *err)
{
    size_t n = 0, room = 0;
    struct device_rule *rules = NULL;

    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct plan_step *step = &plan->steps[i];
        const char *cursor = step->text, *line;
        size_t len;
        while (step_is_rule(step) && line_next(&cursor, &line, &len)) {
            _cleanup_free_ char *text = strndup(line, len);
            if (n == room) {
                room = room ? room * 2 : 32;
                struct device_rule *grown = reallocarray(rules, room, sizeof(*rules));
                if (!grown || !text) {
                    free(grown ? grown : rules);
                    return err_nomem(err);
                }
                rules = grown;
            }
            if (!text || device_rule_parse(text, !strstr(step->file, "deny"), &rules[n]) < 0) {
                free(rules);
                return err_usage(err, "--device-cgroup-rule: '%.*s' is not a rule", (int)len, line);
            }
            n++;
        }
    }
    *ret = rules;
    *ret_n = n;
    return 0;
}

int devices_apply(int group_fd, const struct plan *plan, size_t index, const char *path,
                  char **ret_read_back, struct err *err)
{
    _cleanup_free_ struct device_rule *rules = NULL;
    _cleanup_free_ struct bpf_insn *insns = NULL;
    char log[LOG_BYTES] = "";
    size_t n_rules = 0, n_insns = 0;
    uint32_t id = 0;

    /* One program holds all rules: it is made when the first of them is met. */
    for (size_t i = 0; i < index; i++)
        if (step_is_rule(&plan->steps[i]))
            return 0;
    int r = rules_collect(plan, &rules, &n_rules, err);
    if (r < 0)
        return r;
    insns = device_program(rules, n_rules, &n_insns);
    if (!insns)
        return err_nomem(err);
    _cleanup_close_ int program_fd = program_load(insns, n_insns, NULL);
    if (program_fd < 0) {
        program_fd = program_load(insns, n_insns, log);
        log[strcspn(log, "\n")] = '\0';
    }
    if (program_fd < 0)
        return err_refuse(
            err, -program_fd,
            "--device-cgroup-rule: the kernel does not take the program for %zu rules: "
            "%s%s%.100s",
            n_rules, err_name(-program_fd), *log ? ": " : "", log);
    r = program_install(group_fd, program_fd, &id);
    if (r < 0)
        return err_refuse(err, -r,
                          "--device-cgroup-rule: cannot attach the device program to the group %s: "
                          "%s",
                          path, err_name(-r));
    free(*ret_read_back);
    *ret_read_back = text_format("program %u with %zu rules", id, n_rules);
    return *ret_read_back ? 0 : err_nomem(err);
}
