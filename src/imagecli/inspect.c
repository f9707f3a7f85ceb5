/* image inspect, history: what an image says of itself. */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "imagecli/imagecli.h"
#include "imagecli/list.h"

/* ---- inspect ---------------------------------------------------------------------------------------------- */

static json_t *shown_names(char *const *names)
{
    json_t *list = json_array();

    for (; names && *names; names++) {
        char *shown = image_name_show(*names);
        json_array_append_new(list, json_string(text_or_empty(shown)));
        free(shown);
    }
    return list;
}

static json_t *layer_list(const struct image *image, bool trees)
{
    json_t *list = json_array();

    for (size_t i = 0; i < image->n_layers; i++)
        json_array_append_new(
            list, json_string(trees ? image->layers[i].tree : image->layers[i].diff_id));
    return list;
}

/* As docker has it, and where the layers lie. */
static json_t *describe(const struct image *image)
{
    json_t *config = json_loads(image->config_text, 0, NULL);
    json_t *part = json_object_get(config, "config");
    json_t *history = json_object_get(config, "history");
    json_t *json = json_pack(
        "{s:s,s:o,s:s,s:s?,s:s?,s:s?,s:s?,s:O?,s:I,s:{s:s,s:o},s:{s:s,s:{s:o}}}", "Id", image->id,
        "RepoTags", shown_names(image->names), "Digest", image->manifest, "Created", image->created,
        "Author", image->author, "Architecture", image->architecture, "Os", image->os, "Config",
        part, "Size", (json_int_t)image->size_bytes, "RootFS", "Type", "layers", "Layers",
        layer_list(image, false), "GraphDriver", "Name", "overlay", "Data", "Layers",
        layer_list(image, true));

    if (history)
        json_object_set(json, "History", history);
    json_decref(config);
    return json;
}

/* "{{.Config.User}}" and "{{json .Config}}": one field, no more. */
static int print_field(const json_t *json, const char *format, struct buf *text, struct err *err)
{
    _cleanup_free_ char *copy = strdup(format);
    char *at = copy, *end = copy ? strstr(copy, "}}") : NULL, *rest = NULL;

    if (!copy)
        return err_nomem(err);
    if (!text_starts(copy, "{{") || !end || end[2] != '\0')
        return err_usage(err, "--format takes {{.FIELD}} or {{json .FIELD}}, not \"%.80s\"",
                         format);
    *end = '\0';
    at += 2 + strspn(copy + 2, " ");
    bool as_json = text_starts(at, "json ");
    at += as_json ? 5 : 0;
    for (char *word = strtok_r(at, ". ", &rest); word; word = strtok_r(NULL, ". ", &rest)) {
        json = json_object_get(json, word);
        if (!json)
            return err_usage(err, "an image has no field \"%.80s\"", word);
    }
    if (json_is_string(json) && !as_json) {
        buf_printf(text, "%s\n", json_string_value(json));
        return 0;
    }
    char *shown = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_printf(text, "%s\n", text_or_empty(shown));
    free(shown);
    return 0;
}

int command_inspect(struct call *call, struct err *err)
{
    const char *format = call_option(call, "format");
    _cleanup_buf_ struct buf text = BUF_INIT;
    json_t *list = json_array();
    int r = call_need(call, 1, 10000, "an IMAGE", err);

    if (r == 0)
        r = call_open(call, false, err);
    for (char *const *at = call->operands; r == 0 && *at; at++) {
        _cleanup_image_ struct image *image = NULL;
        r = image_find(call->store, *at, &image, err);
        if (r == 0)
            r = image_measure(call->store, image, err);
        if (r < 0)
            break;
        json_t *json = describe(image);
        if (format)
            r = print_field(json, format, &text, err);
        json_array_append_new(list, json);
    }
    if (r == 0 && !format) {
        char *shown = json_dumps(list, JSON_INDENT(4));
        buf_printf(&text, "%s\n", text_or_empty(shown));
        free(shown);
    }
    json_decref(list);
    return r < 0 ? r : call_print(&text, err);
}

/* ---- history ---------------------------------------------------------------------------------------------------- */

/* The layer that belongs to a step, lowest first, as the steps without one are left out; NULL: none. */
static const struct image_layer *layer_of(const struct image *image, size_t step)
{
    size_t layer = 0;

    for (size_t i = 0; i < step; i++)
        layer += !image->history[i].empty_layer;
    return !image->history[step].empty_layer && layer < image->n_layers ? &image->layers[layer]
                                                                        : NULL;
}

static uint64_t layer_bytes(struct call *call, const struct image_layer *layer)
{
    _cleanup_buf_ struct buf sum = BUF_INIT;
    uint64_t bytes = 0;

    if (layer && image_layer_sum(call->store, layer->diff_id, &sum) == 0)
        keyed_find_u64(buf_text(&sum), "bytes", &bytes);
    return bytes;
}

static void print_step(struct call *call, const struct image *image, size_t i, bool json,
                       struct buf *text)
{
    const struct image_history *step = &image->history[i];
    const char *id = i + 1 == image->n_history ? image->id : "<missing>";
    uint64_t bytes = layer_bytes(call, layer_of(image, i));
    bool whole = call_flag(call, "no-trunc");
    char age[48], size[32];

    if (json) {
        json_t *line = json_pack("{s:s,s:s?,s:s,s:I,s:s}", "ID", id, "CreatedAt", step->created,
                                 "CreatedBy", text_or_empty(step->created_by), "Size",
                                 (json_int_t)bytes, "Comment", text_or_empty(step->comment));
        char *shown = json_dumps(line, JSON_COMPACT);
        buf_printf(text, "%s\n", text_or_empty(shown));
        free(shown);
        json_decref(line);
        return;
    }
    if (!whole && *id == 's')
        id = image_digest_hex(id);
    if (call_flag(call, "quiet")) {
        buf_printf(text, "%.*s\n", whole ? 71 : 12, id);
        return;
    }
    age_show(time_of(step->created), age, sizeof(age));
    bytes_show(bytes, size, sizeof(size));
    const char *by = text_or_empty(step->created_by);
    int width = whole ? 71 : 12;
    buf_printf(text, "%-*.*s  %-16s  ", width, width, id, age);
    size_t from = text->len;
    buf_printf(text, "%-45.*s", whole ? 100000 : 45, by);
    /* A line is a line. */
    for (size_t at = from; at < text->len; at++) {
        if ((unsigned char)text->data[at] < 0x20)
            text->data[at] = ' ';
    }
    buf_printf(text, "  %-9s  %s\n", size, text_or_empty(step->comment));
}

int command_history(struct call *call, struct err *err)
{
    const char *format = call_option(call, "format");
    _cleanup_image_ struct image *image = NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool json = format && strcmp(format, "json") == 0;
    int r = call_need(call, 1, 1, "one IMAGE", err);

    if (r == 0 && format && !json && strcmp(format, "table") != 0)
        r = err_usage(err, "--format takes table or json, not \"%.60s\"", format);
    if (r == 0)
        r = call_open(call, false, err);
    if (r == 0)
        r = image_find(call->store, call->operands[0], &image, err);
    if (r < 0 || !image)
        return r;
    int width = call_flag(call, "no-trunc") ? 71 : 12;
    if (!json && !call_flag(call, "quiet"))
        buf_printf(&text, "%-*s  %-16s  %-45s  %-9s  %s\n", width, "IMAGE", "CREATED", "CREATED BY",
                   "SIZE", "COMMENT");
    for (size_t i = image->n_history; i > 0; i--)
        print_step(call, image, i - 1, json, &text);
    return call_print(&text, err);
}
