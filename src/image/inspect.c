/* An image as `inspect` shows it: its configuration, with docker's names around it. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "image/image.h"

static json_t *text_json(const char *text)
{
    json_t *value = json_string(text_or_empty(text));

    return value ? value : json_string("");
}

/* By tag, or by digest, as a person would type them. */
static json_t *names_json(const struct image *image, bool digests)
{
    json_t *list = json_array();

    for (char *const *name = image->names; name && *name; name++) {
        _cleanup_free_ char *shown = image_name_show(*name);
        if (shown && (strchr(shown, '@') != NULL) == digests)
            json_array_append_new(list, text_json(shown));
    }
    return list;
}

static json_t *layers_json(const struct image *image)
{
    json_t *list = json_array();

    for (size_t i = 0; i < image->n_layers; i++)
        json_array_append_new(list, text_json(image->layers[i].diff_id));
    return list;
}

static json_t *history_json(const struct image *image)
{
    json_t *list = json_array();

    for (size_t i = 0; i < image->n_history; i++) {
        const struct image_history *entry = &image->history[i];
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:b}", "Created", text_json(entry->created),
                            "CreatedBy", text_json(entry->created_by), "Comment",
                            text_json(entry->comment), "EmptyLayer", (int)entry->empty_layer));
    }
    return list;
}

int image_describe(const struct image *image, char **ret, struct err *err)
{
    json_t *document = json_loads(text_or_empty(image->config_text), 0, NULL);
    json_t *config = json_object_get(document, "config");
    json_t *json = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:{s:s, s:o}, s:o}", "Id",
        text_json(image->id), "RepoTags", names_json(image, false), "RepoDigests",
        names_json(image, true), "Manifest", text_json(image->manifest), "Created",
        text_json(image->created), "Author", text_json(image->author), "Architecture",
        text_json(image->architecture), "Os", text_json(image->os), "Size",
        (json_int_t)image->size_bytes, "Config", config ? json_incref(config) : json_object(),
        "RootFS", "Type", "layers", "Layers", layers_json(image), "History", history_json(image));

    *ret = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    json_decref(document);
    return *ret ? 0 : err_nomem(err);
}
