/* ration-oci list. */
#include <errno.h>
#include <string.h>

#include "ocicli/bundle.h"
#include "ocicli/info.h"

static int command_list(struct session *session, const void *values, char *const *operands,
                        struct err *err);

struct list_values {
    const char *format;
    bool quiet;
};

static const struct cli_option list_options[] = {
    { "format", 'f', CLI_WORD, offsetof(struct list_values, format), "table|json",
      "form of the list", NULL },
    { "quiet", 'q', CLI_FLAG, offsetof(struct list_values, quiet), NULL, "ids alone", NULL },
};

const struct command list_command = {
    .name = "list",
    .args = "",
    .summary = "list the containers on record",
    .options = list_options,
    .n_options = ARRAY_SIZE(list_options),
    .values_size = sizeof(struct list_values),
    .run = command_list,
};

/* ---- the table ---------------------------------------------------------------------------------------- */

enum column { COLUMN_ID, COLUMN_PID, COLUMN_STATUS, COLUMN_BUNDLE, COLUMN_CREATED, COLUMN_OWNER };
#define COLUMN_COUNT 6

static const char *const heading_table[COLUMN_COUNT] = { "ID",     "PID",     "STATUS",
                                                         "BUNDLE", "CREATED", "OWNER" };

struct list {
    const struct list_values *values;
    char **cells; /* COLUMN_COUNT a row, the headings first */
    size_t n_containers;
    uid_t uid; /* whose name is known, when there is one */
    char *owner;
    struct buf text; /* of the other forms */
};

static void list_done(struct list *list)
{
    strv_free(list->cells);
    free(list->owner);
    buf_done(&list->text);
}

static int add_row(struct list *list, const struct container_info *info)
{
    _cleanup_buf_ struct buf created = BUF_INIT;
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", info->pid);
    oci_write_time(info->created_us, &created);
    const char *const cells[COLUMN_COUNT] = {
        [COLUMN_ID] = info->name,
        [COLUMN_PID] = pid,
        [COLUMN_STATUS] = oci_status_name(status_of(info->status)),
        [COLUMN_BUNDLE] = text_or_empty(info->bundle),
        [COLUMN_CREATED] = buf_text(&created),
        [COLUMN_OWNER] = list->owner,
    };
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (strv_push(&list->cells, cells[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Columns of twelve characters or more, three of them between texts: what scripts are used to. */
static void format_table(const struct list *list, struct buf *ret)
{
    size_t width[COLUMN_COUNT], n = strv_length(list->cells);

    for (size_t i = 0; i < COLUMN_COUNT; i++)
        width[i] = 12;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(list->cells[i]) + 3;
        if (len > width[i % COLUMN_COUNT])
            width[i % COLUMN_COUNT] = len;
    }
    for (size_t i = 0; i < n; i++) {
        if (i % COLUMN_COUNT == COLUMN_COUNT - 1)
            buf_printf(ret, "%s\n", list->cells[i]);
        else
            buf_printf(ret, "%-*s", (int)width[i % COLUMN_COUNT], list->cells[i]);
    }
}

/* ---- the list ---------------------------------------------------------------------------------------------- */

static int list_container(void *data, const struct container_info *info)
{
    struct list *list = data;
    const char *format = list->values->format;
    bool json = format && strcmp(format, "json") == 0;

    list->n_containers++;
    if (list->values->quiet) {
        buf_printf(&list->text, "%s\n", info->name);
        return buf_error(&list->text);
    }
    if (!list->owner || list->uid != info->owner) {
        free(list->owner);
        list->uid = info->owner;
        list->owner = owner_name(info->owner);
        if (!list->owner)
            return -ENOMEM;
    }
    if (!json)
        return add_row(list, info);
    buf_putc(&list->text, list->n_containers == 1 ? '[' : ',');
    info_write_state(info, list->owner, &list->text);
    return buf_error(&list->text);
}

static int command_list(struct session *session, const void *values, char *const *operands,
                        struct err *err)
{
    _cleanup_(list_done) struct list list = { .values = values };
    struct engine *engine;
    int r = session_engine(session, &engine, err);

    (void)operands;
    for (size_t i = 0; r == 0 && i < COLUMN_COUNT; i++)
        r = strv_push(&list.cells, heading_table[i]) < 0 ? err_nomem(err) : 0;
    if (r == 0)
        r = container_visit(engine, list_container, &list, err);
    if (r < 0)
        return r;
    if (!list.values->quiet && list.values->format && strcmp(list.values->format, "json") == 0)
        buf_puts(&list.text, list.n_containers ? "]\n" : "[]\n");
    else if (!list.values->quiet)
        format_table(&list, &list.text);
    return cli_print(&list.text, err);
}
