/* images, tag: what is there, and what it is called. */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <time.h>

#include "imagecli/build.h"
#include "imagecli/list.h"

/* ---- words ---------------------------------------------------------------------------------------------- */

uint64_t time_of(const char *created)
{
    struct tm tm = { 0 };

    if (!created || !strptime(created, "%Y-%m-%dT%H:%M:%S", &tm))
        return 0;
    time_t at = timegm(&tm);
    return at < 0 ? 0 : (uint64_t)at;
}

void age_show(uint64_t created, char *ret, size_t size)
{
    static const struct {
        uint64_t seconds;
        const char *word;
    } unit_table[] = {
        { 365 * 86400, "years" }, { 30 * 86400, "months" }, { 7 * 86400, "weeks" },
        { 86400, "days" },        { 3600, "hours" },        { 60, "minutes" },
        { 1, "seconds" },
    };
    uint64_t now = clock_us(CLOCK_REALTIME) / 1000000, age = now > created ? now - created : 0;

    if (created == 0) {
        snprintf(ret, size, "N/A");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(unit_table); i++) {
        /* Two of a unit at least: "36 hours" says more than "1 days". */
        if (age >= 2 * unit_table[i].seconds) {
            snprintf(ret, size, "%llu %s ago", (unsigned long long)(age / unit_table[i].seconds),
                     unit_table[i].word);
            return;
        }
    }
    snprintf(ret, size, "a moment ago");
}

/* ---- filters ---------------------------------------------------------------------------------------------- */

struct filters {
    const struct call *call;
    const char *name;       /* the operand: "DOMAIN/PATH" or with a tag, in full; NULL: all */
    uint64_t before, since; /* UINT64_MAX, 0: all */
};

struct row {
    char *name; /* in full, or NULL */
    uint64_t created;
    struct image *image;
};

struct list {
    struct filters filters;
    struct row *rows;
    size_t n;
    int damaged;
};

static bool label_matches(const struct image *image, const char *wanted)
{
    size_t n = strlen(wanted);
    bool exact = strchr(wanted, '=') != NULL;

    for (char **at = image->labels; at && *at; at++) {
        if (strncmp(*at, wanted, n) == 0 && ((*at)[n] == '\0' || (!exact && (*at)[n] == '=')))
            return true;
    }
    return false;
}

static bool name_matches(const char *name, const char *pattern)
{
    _cleanup_free_ char *shown = image_name_show(name);
    _cleanup_free_ char *bare = shown ? strdup(shown) : NULL;

    if (!bare)
        return false;
    char *colon = strrchr(bare, ':');
    if (colon && !strchr(colon, '/'))
        *colon = '\0';
    return fnmatch(pattern, shown, FNM_PATHNAME) == 0 || fnmatch(pattern, bare, FNM_PATHNAME) == 0;
}

static bool filter_passes(const char *filter, const struct image *image, const char *name)
{
    if (text_starts(filter, "dangling="))
        return (strcmp(filter + 9, "true") == 0) == (name == NULL);
    if (text_starts(filter, "label="))
        return label_matches(image, filter + 6);
    if (text_starts(filter, "reference="))
        return name && name_matches(name, filter + 10);
    return true; /* before and since are numbers by now */
}

static bool passes(const struct filters *filters, const struct image *image, const char *name)
{
    const char *filter;
    uint64_t created = time_of(image->created);
    size_t n = filters->name ? strlen(filters->name) : 0;

    if (n > 0 && (!name || strncmp(name, filters->name, n) != 0 ||
                  (name[n] != '\0' && name[n] != ':' && name[n] != '@')))
        return false;
    if (created >= filters->before || (filters->since > 0 && created <= filters->since))
        return false;
    for (size_t i = 0; (filter = call_option_at(filters->call, "filter", i)); i++) {
        if (!filter_passes(filter, image, name))
            return false;
    }
    return true;
}

static int check_filters(struct call *call, struct filters *filters, struct err *err)
{
    static const char *const known[] = { "dangling=true", "dangling=false", "dangling=1",
                                         "dangling=0" };
    const char *filter;

    for (size_t i = 0; (filter = call_option_at(call, "filter", i)); i++) {
        bool time = text_starts(filter, "before=") || text_starts(filter, "since=");
        bool good = time || text_starts(filter, "label=") || text_starts(filter, "reference=");
        for (size_t j = 0; j < ARRAY_SIZE(known); j++)
            good |= strcmp(filter, known[j]) == 0;
        if (!good)
            return err_usage(
                err,
                "there is no filter \"%.80s\"; dangling=true|false, label=, reference=, "
                "before= and since= are known",
                filter);
        if (!time)
            continue;
        _cleanup_image_ struct image *image = NULL;
        int r = image_find(call->store, strchr(filter, '=') + 1, &image, err);
        if (r < 0)
            return r;
        *(*filter == 'b' ? &filters->before : &filters->since) = time_of(image->created);
    }
    return 0;
}

/* ---- collecting ---------------------------------------------------------------------------------------------- */

/* Of a name's own manifest: an image that came from two places has one of each. */
static int set_manifest(const struct list *list, struct image *row, const struct image *image,
                        const char *name)
{
    _cleanup_image_ struct image *named = NULL;

    if (name && strv_length(image->names) > 1 &&
        image_find(list->filters.call->store, name, &named, NULL) == 0 && named)
        return text_replace(&row->manifest, named->manifest);
    return text_replace(&row->manifest, image->manifest);
}

/* image is loaded anew for each row: rows outlive the walk. */
static int add_row(struct list *list, const struct image *image, const char *name)
{
    if (!passes(&list->filters, image, name))
        return 0;
    struct row *grown = reallocarray(list->rows, list->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    list->rows = grown;
    struct row *row = &list->rows[list->n];
    *row = (struct row){ .name = name ? strdup(name) : NULL, .created = time_of(image->created) };
    struct image *copy = NULL;
    int r = image_parse(image->manifest_text, strlen(image->manifest_text), image->config_text,
                        strlen(image->config_text), &copy, NULL);
    if (r < 0 || (name && !row->name)) {
        image_free(copy);
        free(row->name);
        return -ENOMEM;
    }
    copy->size_bytes = image->size_bytes;
    row->image = copy;
    list->n++;
    return set_manifest(list, copy, image, name);
}

static int visit(void *data, const struct image *image, const struct err *damage)
{
    struct list *list = data;

    if (!image) {
        call_say("%s", damage->text);
        list->damaged++;
        return 0;
    }
    if (!image->names)
        return add_row(list, image, NULL);
    int r = 0;
    for (char **at = image->names; r == 0 && *at; at++)
        r = add_row(list, image, *at);
    return r;
}

/* The newest first, as docker has it; names in order where that says nothing. */
static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->created != y->created)
        return x->created > y->created ? -1 : 1;
    return strcmp(text_or_empty(x->name), text_or_empty(y->name));
}

/* ---- printing -------------------------------------------------------------------------------------------------- */

/* "REPOSITORY" and "TAG" of a name in full. */
static void split_shown(const char *name, char **ret_repository, char **ret_tag)
{
    char *shown = name ? image_name_show(name) : NULL;
    char *mark = shown ? strchr(shown, '@') : NULL;

    if (shown && !mark) {
        mark = strrchr(shown, ':');
        *ret_tag = mark ? strdup(mark + 1) : NULL;
    }
    if (mark)
        *mark = '\0';
    *ret_repository = shown;
}

static void print_json(const struct row *row, struct buf *text)
{
    _cleanup_free_ char *repository = NULL, *tag = NULL;

    split_shown(row->name, &repository, &tag);
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:s,s:s?,s:I,s:I}", "ID", row->image->id, "Repository",
                  repository ? repository : "<none>", "Tag", tag ? tag : "<none>", "Digest",
                  row->image->manifest, "CreatedAt", row->image->created, "Created",
                  (json_int_t)row->created, "Size", (json_int_t)row->image->size_bytes);
    char *line = json_dumps(json, JSON_COMPACT);
    buf_puts(text, text_or_empty(line));
    buf_putc(text, '\n');
    free(line);
    json_decref(json);
}

static void print_row(const struct call *call, const struct row *row, int name_width,
                      struct buf *text)
{
    _cleanup_free_ char *repository = NULL, *tag = NULL;
    char age[48], size[32];

    split_shown(row->name, &repository, &tag);
    age_show(row->created, age, sizeof(age));
    bytes_show(row->image->size_bytes, size, sizeof(size));
    buf_printf(text, "%-*s  %-14s  ", name_width, repository ? repository : "<none>",
               tag ? tag : "<none>");
    if (call_flag(call, "digests"))
        buf_printf(text, "%-71s  ", row->image->manifest);
    buf_printf(text, "%-*.*s  %-16s  %s\n", call_flag(call, "no-trunc") ? 71 : 12,
               call_flag(call, "no-trunc") ? 71 : 12,
               call_flag(call, "no-trunc") ? row->image->id : image_digest_hex(row->image->id), age,
               size);
}

static void print_heading(const struct call *call, int name_width, struct buf *text)
{
    buf_printf(text, "%-*s  %-14s  ", name_width, "REPOSITORY", "TAG");
    if (call_flag(call, "digests"))
        buf_printf(text, "%-71s  ", "DIGEST");
    buf_printf(text, "%-*s  %-16s  %s\n", call_flag(call, "no-trunc") ? 71 : 12, "IMAGE ID",
               "CREATED", "SIZE");
}

static int widest_name(const struct list *list)
{
    size_t width = strlen("REPOSITORY");

    for (size_t i = 0; i < list->n; i++) {
        _cleanup_free_ char *repository = NULL, *tag = NULL;
        split_shown(list->rows[i].name, &repository, &tag);
        size_t n = strlen(text_or_empty(repository));
        width = n > width ? n : width;
    }
    return (int)width;
}

static void print_list(const struct call *call, const struct list *list, bool json,
                       struct buf *text)
{
    bool quiet = call_flag(call, "quiet");
    int width = widest_name(list);

    if (!json && !quiet)
        print_heading(call, width, text);
    for (size_t i = 0; i < list->n; i++) {
        const struct row *row = &list->rows[i];
        if (quiet)
            buf_printf(text, "%.*s\n", call_flag(call, "no-trunc") ? 71 : 12,
                       call_flag(call, "no-trunc") ? row->image->id
                                                   : image_digest_hex(row->image->id));
        else if (json)
            print_json(row, text);
        else
            print_row(call, row, width, text);
    }
}

/* Without a tag all of a repository's. */
static int operand_name(const char *text, char **ret, struct err *err)
{
    int r = build_name(text, ret, err);
    const char *slash = strrchr(text, '/');

    if (r == 0 && !strchr(slash ? slash : text, ':'))
        *strrchr(*ret, ':') = '\0';
    return r;
}

int command_images(struct call *call, struct err *err)
{
    const char *format = call_option(call, "format");
    struct list list = { .filters = { .call = call, .before = UINT64_MAX } };
    _cleanup_buf_ struct buf text = BUF_INIT;
    _cleanup_free_ char *name = NULL;
    bool json = format && strcmp(format, "json") == 0;
    int r = call_need(call, 0, 1, "one NAME", err);

    if (r == 0 && format && !json && strcmp(format, "table") != 0)
        r = err_usage(err, "--format takes table or json, not \"%.60s\"", format);
    if (r == 0 && call->operands[0])
        r = operand_name(call->operands[0], &name, err);
    if (r == 0)
        r = call_open(call, false, err);
    list.filters.name = name;
    if (r == 0)
        r = check_filters(call, &list.filters, err);
    if (r == 0)
        r = image_visit(call->store, visit, &list, err);
    if (r == 0) {
        if (list.n > 0)
            qsort(list.rows, list.n, sizeof(*list.rows), compare_rows);
        print_list(call, &list, json, &text);
        r = call_print(&text, err);
    }
    for (size_t i = 0; i < list.n; i++) {
        free(list.rows[i].name);
        image_free(list.rows[i].image);
    }
    free(list.rows);
    call->status = list.damaged > 0;
    return r;
}

int command_tag(struct call *call, struct err *err)
{
    _cleanup_image_ struct image *image = NULL;
    _cleanup_free_ char *name = NULL;
    int r = call_need(call, 2, 2, "an IMAGE and its new NAME", err);

    if (r == 0)
        r = build_name(call->operands[1], &name, err);
    if (r == 0)
        r = call_open(call, true, err);
    if (r == 0)
        r = image_find(call->store, call->operands[0], &image, err);
    return r < 0 || !image ? r : image_name_put(call->store, name, image->manifest, image->id, err);
}
