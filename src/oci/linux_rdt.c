/* intelRdt: a resource control group (Documentation/arch/x86/resctrl.rst). */
#include <errno.h>
#include <string.h>

#include "oci/reading.h"

/* The name of one directory. */
static int read_clos(struct reading *r, const json_t *value, const char *path, void *target)
{
    const char *text = json_string_value(value);

    if (!*text)
        return 0;
    if (strchr(text, '/') || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
        strlen(text) > 255)
        return err_usage(r->err, "%s must be the name of one directory, not %s", path,
                         json_show_text(text).text);
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return err_usage(r->err, "%s has a control character: %s", path,
                             json_show_text(text).text);
    }
    return text_copy(r, text, &((struct spec_rdt *)target)->clos_id);
}

static int read_l3(struct reading *r, const json_t *value, const char *path, void *target)
{
    const char *text = json_string_value(value);

    (void)path;
    return *text ? text_copy(r, text, &((struct spec_rdt *)target)->l3_schema) : 0;
}

static int read_bandwidth(struct reading *r, const json_t *value, const char *path, void *target)
{
    const char *text = json_string_value(value);

    if (!*text)
        return 0;
    if (!text_starts(text, "MB:") || strchr(text, '\n'))
        return err_usage(r->err, "%s must be one line that begins with MB:, not %s", path,
                         json_show_text(text).text);
    return text_copy(r, text, &((struct spec_rdt *)target)->mem_schema);
}

/* One string of lines in version 1.2 of the specification, an array of lines in later ones. */
static int read_schemata(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec_rdt *rdt = target;
    const char *text;
    int result;

    if (json_is_array(value)) {
        result = json_as_strv(value, path, &rdt->schemata, r->err);
        return result < 0 ? result : 0;
    }
    result = json_as_string(value, path, &text, r->err);
    while (result >= 0 && *text) {
        size_t n = strcspn(text, "\n");
        _cleanup_free_ char *line = strndup(text, n);
        if (!line || strv_push(&rdt->schemata, line) < 0)
            return err_nomem(r->err);
        text += n + (text[n] == '\n');
    }
    return result < 0 ? result : 0;
}

static int read_monitoring(struct reading *r, const json_t *value, const char *path, void *target)
{
    (void)r;
    (void)path;
    ((struct spec_rdt *)target)->monitoring |= json_is_true(value);
    return 0;
}

int read_rdt(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "closID", FIELD_TEXT, .read = read_clos },
        { "l3CacheSchema", FIELD_TEXT, .read = read_l3 },
        { "memBwSchema", FIELD_TEXT, .read = read_bandwidth },
        { "schemata", FIELD_ANY, .read = read_schemata },
        { "enableCMT", FIELD_FLAG, .read = read_monitoring },
        { "enableMBM", FIELD_FLAG, .read = read_monitoring },
        { "enableMonitoring", FIELD_FLAG, .read = read_monitoring },
    };
    struct spec_rdt *rdt = &((struct spec *)target)->rdt;

    rdt->set = true;
    return FIELDS_READ(r, value, path, table, rdt);
}
