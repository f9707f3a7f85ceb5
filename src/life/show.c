/* Looking at containers: ps and prune. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "life/life_private.h"

/* ---- collecting --------------------------------------------------------------------------------------------- */

struct shown {
    char id[LIFE_ID_SIZE];
    struct life_state state;
};

struct shown_list {
    struct shown *all;
    size_t n, cap;
};

static void shown_list_done(struct shown_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        life_state_done(&list->all[i].state);
    free(list->all);
}

static int shown_add(struct life *life, struct shown_list *list, const char *id, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 64;
        struct shown *grown = reallocarray(list->all, cap, sizeof(*grown));
        if (!grown)
            return err_nomem(err);
        list->all = grown;
        list->cap = cap;
    }
    struct shown *shown = &list->all[list->n];
    int r = life_open_directory(life, "", id, &dir);
    if (r >= 0) {
        r = life_read_state(life, &dir, &shown->state, err);
        if (r < 0)
            life_state_done(&shown->state);
    }
    /* It has been removed meanwhile. */
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    snprintf(shown->id, sizeof(shown->id), "%s", id);
    list->n++;
    return 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;

    if (x->state.created_us != y->state.created_us)
        return x->state.created_us < y->state.created_us ? 1 : -1;
    return strcmp(x->id, y->id);
}

static int shown_collect(struct life *life, struct shown_list *ret, struct err *err)
{
    _cleanup_buf_ struct buf ids = BUF_INIT;
    const char *cursor, *line;
    char id[LIFE_ID_SIZE];
    size_t len;
    int r = life_containers(life, false, err);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    life_tidy(life);
    r = life_list_ids(life, "", &ids);
    if (r < 0)
        return err_set(err, -r, "cannot list the containers: %s", err_name(-r));
    cursor = buf_text(&ids);
    while (r >= 0 && line_next(&cursor, &line, &len)) {
        snprintf(id, sizeof(id), "%.*s", (int)len, line);
        r = shown_add(life, ret, id, err);
    }
    if (ret->n > 1)
        qsort(ret->all, ret->n, sizeof(*ret->all), newest_first);
    return r;
}

/* ---- filters ------------------------------------------------------------------------------------------------- */

struct shown_query {
    const struct shown *shown;
    const struct shown_list *list;
};

/* A word of a comma-separated list that is value, or begins with it and a colon. */
static bool list_has(const char *list, const char *value)
{
    size_t len = strlen(value);

    while (*list) {
        size_t n = strcspn(list, ",");
        if (n >= len && strncmp(list, value, len) == 0 && (n == len || list[len] == ':'))
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}

static bool labels_have(const struct life_state *state, const char *value)
{
    for (char *const *label = state->labels; label && *label; label++) {
        if (label_matches(*label, value))
            return true;
    }
    return false;
}

/* "busybox" is had by "busybox:latest", too. */
static bool image_is(struct life_state *state, const char *value)
{
    const char *image = life_state_get(state, "image"), *id = life_state_get(state, "image_id");
    size_t len = strlen(value);

    return strcmp(image, value) == 0 || (strncmp(image, value, len) == 0 && image[len] == ':') ||
           (len >= 12 && (text_starts(id, value) || text_starts(id + strcspn(id, ":") + 1, value)));
}

static bool is_beside(const struct shown_query *query, const char *value, bool before)
{
    uint64_t created_us = query->shown->state.created_us;

    for (size_t i = 0; i < query->list->n; i++) {
        struct shown *other = &query->list->all[i];
        if (text_starts(other->id, value) ||
            strcmp(life_state_get(&other->state, "name"), value) == 0)
            return before ? created_us < other->state.created_us
                          : created_us > other->state.created_us;
    }
    return false;
}

static const char *const filter_table[] = { "ancestor", "before", "exited", "health",
                                            "id",       "label",  "name",   "network",
                                            "since",    "status", "volume" };

static bool shown_matches(const void *data, const char *key, const char *value)
{
    const struct shown_query *query = data;
    struct life_state state = query->shown->state;
    const char *health = life_state_get(&state, "health");
    uint64_t number;

    switch (key[0]) {
    case 'a':
        return image_is(&state, value);
    case 'b':
        return is_beside(query, value, true);
    case 'e':
        return state.status == LIFE_EXITED && number_parse(value, 255, &number) == 0 &&
               state.exit_status == (int)number;
    case 'h':
        return strcmp(*health ? health : "none", value) == 0;
    case 'i':
        return text_starts(query->shown->id, value);
    case 'l':
        return labels_have(&state, value);
    case 'n':
        return key[1] == 'a' ? strstr(life_state_get(&state, "name"), value) != NULL
                             : list_has(life_state_get(&state, "network"), value);
    case 'v':
        return list_has(life_state_get(&state, "mounts"), value);
    default:
        return key[1] == 'i' ? is_beside(query, value, false)
                             : strcmp(life_status_name(state.status), value) == 0;
    }
}

/* A status that was asked for is shown, whether it runs or not. */
static bool asks_for_status(const char *const *filters)
{
    for (; filters && *filters; filters++) {
        if (text_starts(*filters, "status=") || text_starts(*filters, "exited="))
            return true;
    }
    return false;
}

static bool is_alive(enum life_status status)
{
    return status == LIFE_RUNNING || status == LIFE_PAUSED || status == LIFE_RESTARTING;
}

static int show_one(const struct life *life, struct shown *shown, container_fn fn, void *data,
                    struct err *err)
{
    _cleanup_free_ char *directory = text_format("%s/containers/%s", life->data_dir, shown->id);
    _cleanup_buf_ struct buf status = BUF_INIT;

    status_format(&shown->state, clock_us(CLOCK_REALTIME), &status);
    if (!directory || buf_error(&status) < 0)
        return err_nomem(err);
    const struct container_facts facts = { .id = shown->id,
                                           .state = &shown->state,
                                           .directory = directory,
                                           .status_text = buf_text(&status) };
    return fn(data, &facts);
}

int life_visit(struct life *life, bool all, const char *const *filters, container_fn fn, void *data,
               struct err *err)
{
    _cleanup_(shown_list_done) struct shown_list list = { 0 };
    int r = filters_check(filters, filter_table, ARRAY_SIZE(filter_table), err);

    if (r >= 0)
        r = shown_collect(life, &list, err);
    all = all || asks_for_status(filters);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        const struct shown_query query = { &list.all[i], &list };
        if ((all || is_alive(list.all[i].state.status)) &&
            filters_match(filters, shown_matches, &query))
            r = show_one(life, &list.all[i], fn, data, err);
    }
    return r;
}

/* ---- prune --------------------------------------------------------------------------------------------------- */

struct pruned {
    const struct shown *shown;
    uint64_t now_us;
};

static bool prune_matches(const void *data, const char *key, const char *value)
{
    const struct pruned *pruned = data;
    uint64_t number, ns;
    char time[TIME_SIZE];

    if (strcmp(key, "label") == 0)
        return labels_have(&pruned->shown->state, value);
    /* until: made before that time, or longer ago than that. */
    snprintf(time, sizeof(time), "%s", value);
    if (time_parse(time, &ns))
        return pruned->shown->state.created_us < ns / 1000;
    if (number_parse(value, UINT64_MAX / 1000000, &number) == 0)
        return pruned->shown->state.created_us < number * 1000000;
    return duration_parse(value, 1000000, &number) == 0 &&
           pruned->shown->state.created_us + number < pruned->now_us;
}

/* What a container's own files take up; what is beneath upper is not counted one by one. */
static uint64_t size_of(const struct container_dir *dir)
{
    static const char *const file_table[] = { "log", "log.1", "log.2", "config", "state", "exit" };
    struct stat st;
    uint64_t bytes = 0;

    for (size_t i = 0; i < ARRAY_SIZE(file_table); i++) {
        if (fstatat(dir->fd, file_table[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            bytes += (uint64_t)st.st_blocks * 512;
    }
    return bytes;
}

static int prune_one(struct life *life, struct shown *shown, container_fn fn, void *data,
                     uint64_t *bytes, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;

    if (life_open_directory(life, "", shown->id, &dir) < 0)
        return 0;
    uint64_t size = size_of(&dir);
    int r = life_remove(life, shown->id, false, false, err);
    /* Somebody has started or removed it just now. */
    if (r == -EBUSY || r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    *bytes += size;
    return fn ? show_one(life, shown, fn, data, err) : 0;
}

int life_prune(struct life *life, const char *const *filters, container_fn fn, void *data,
               uint64_t *ret_bytes, struct err *err)
{
    static const char *const key_table[] = { "label", "until" };
    _cleanup_(shown_list_done) struct shown_list list = { 0 };
    int r = filters_check(filters, key_table, ARRAY_SIZE(key_table), err);

    *ret_bytes = 0;
    if (r >= 0)
        r = shown_collect(life, &list, err);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        const struct pruned pruned = { &list.all[i], clock_us(CLOCK_REALTIME) };
        if (!is_alive(list.all[i].state.status) && filters_match(filters, prune_matches, &pruned))
            r = prune_one(life, &list.all[i], fn, data, ret_bytes, err);
    }
    return r;
}
