/* What the tests of the limit room share: a made-up world of devices, and plans as text. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "limit/limit.h"

/* /dev/sda is 8:0, /dev/sdb 8:16; anything else does not exist. */
static inline int help_device(void *data, const char *path, uint32_t *ret_major,
                              uint32_t *ret_minor)
{
    (void)data;
    if (!text_starts(path, "/dev/sda") && strcmp(path, "/dev/sdb") != 0)
        return -ENOENT;
    *ret_major = 8;
    *ret_minor = strcmp(path, "/dev/sdb") == 0 ? 16 : 0;
    return 0;
}

static const struct limit_context help_context = { .device = help_device };

/* "memory=50m|cpus=0.5|oom-group" into set; fails the test when one is refused. */
static inline void help_set(struct limit_set *set, const char *texts)
{
    char *copy = strdup(texts), *rest = copy;
    struct err err = ERR_INIT;

    assert_non_null(copy);
    for (char *part; *texts != '\0' && (part = strsep(&rest, "|"));) {
        char *equals = strchr(part, '=');
        if (equals)
            *equals = '\0';
        enum limit_id id = limit_find(part);
        if (id == LIMIT_NONE)
            fail_msg("no limit is called %s", part);
        if (limit_parse(id, equals ? equals + 1 : NULL, &help_context, set, &err) < 0)
            fail_msg("%s", err.text);
    }
    free(copy);
}

struct help_world {
    struct layout layout;
    struct machine machine;
    struct plan_options options;
};

static inline struct help_world help_world(const char *layout)
{
    struct help_world world = { 0 };

    machine_example(&world.machine);
    assert_int_equal(layout_example(layout, &world.layout), 0);
    return world;
}

/* One line per step, "TARGET FILE=TEXT", and per unmet limit, "unmet NAME", with '\n' behind each. */
static inline char *help_plan_text(const struct plan *plan)
{
    static const char *const target_table[] = { "group", "inner", "process", "supervisor" };
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < plan->n_steps; i++)
        buf_printf(&text, "%s %s=%s\n", target_table[plan->steps[i].target], plan->steps[i].file,
                   plan->steps[i].text);
    for (size_t i = 0; i < plan->n_unmet; i++)
        buf_printf(&text, "unmet %s%s%s\n", limit_info(plan->unmet[i].limit)->name,
                   plan->unmet[i].stand_in ? ": " : "", text_or_empty(plan->unmet[i].stand_in));
    buf_puts(&text, "");
    return buf_take(&text);
}

/* The plan, or NULL with the sentence in err. */
static inline struct plan *help_plan(const struct help_world *world, const char *texts,
                                     struct err *err)
{
    struct limit_set set = { 0 };
    struct plan *plan = NULL;

    help_set(&set, texts);
    int r = limits_plan(&set, &world->layout, &world->machine, &world->options, &plan, err);
    limit_set_done(&set);
    assert_int_equal(r == 0, plan != NULL);
    if (r < 0)
        assert_int_equal(-r, err->code);
    return plan;
}

static inline void help_expect(const struct help_world *world, const char *texts, const char *want)
{
    struct err err = ERR_INIT;
    struct plan *plan = help_plan(world, texts, &err);

    if (!plan)
        fail_msg("%s: %s", texts, err.text);
    char *have = help_plan_text(plan);
    assert_string_equal(have, want);
    assert_string_equal(err.text, "");
    free(have);
    plan_free(plan);
}

/* The plan is refused in this class, and the sentence holds each of the parts, '|' between them. */
static inline void help_refused(const struct help_world *world, const char *texts,
                                enum err_class class, const char *parts)
{
    struct err err = ERR_INIT;
    struct plan *plan = help_plan(world, texts, &err);
    char *copy = strdup(parts), *rest = copy;

    if (plan)
        fail_msg("%s was not refused", texts);
    assert_int_equal(err.class, class);
    for (char *part; (part = strsep(&rest, "|"));) {
        if (!strstr(err.text, part))
            fail_msg("\"%s\" does not say \"%s\"", err.text, part);
    }
    free(copy);
}
