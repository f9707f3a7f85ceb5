/* The state of a container as JSON (runtime.md, "State"), and points in time. */
#include <string.h>

#include "oci/write.h"

const char *oci_status_name(enum oci_status status)
{
    static const char *const name_table[] = {
        [OCI_CREATING] = "creating", [OCI_CREATED] = "created", [OCI_RUNNING] = "running",
        [OCI_PAUSED] = "paused",     [OCI_STOPPED] = "stopped",
    };

    return (size_t)status < ARRAY_SIZE(name_table) ? name_table[status] : "unknown";
}

/* ---- time ---------------------------------------------------------------------------------------------- */

#define DAYS_400_YEARS 146097
#define DAYS_TO_1970   719468 /* from March 1st of the year 0, where the leap day is a year's last */

/* The date of a day after 1970-01-01; libc's own would read the machine's time zone for it. */
static void date_of_day(uint64_t day, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    uint64_t since = day + DAYS_TO_1970;
    uint64_t era = since / DAYS_400_YEARS, in_era = since % DAYS_400_YEARS;
    uint64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    uint64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * in_year + 2) / 153; /* from March on */

    *ret_day = (unsigned)(in_year - (153 * month + 2) / 5 + 1);
    *ret_month = (unsigned)(month < 10 ? month + 3 : month - 9);
    *ret_year = (unsigned)(era * 400 + year + (month >= 10));
}

static void format_time(uint64_t realtime_us, char ret[static 64])
{
    uint64_t seconds = realtime_us / 1000000, in_day = seconds % 86400;
    unsigned year, month, day;

    date_of_day(seconds / 86400, &year, &month, &day);
    snprintf(ret, 64, "%04u-%02u-%02uT%02u:%02u:%02u.%06u000Z", year, month, day,
             (unsigned)(in_day / 3600), (unsigned)(in_day / 60 % 60), (unsigned)(in_day % 60),
             (unsigned)(realtime_us % 1000000));
}

void oci_write_time(uint64_t realtime_us, struct buf *ret)
{
    char text[64];

    format_time(realtime_us, text);
    buf_puts(ret, text);
}

/* ---- state --------------------------------------------------------------------------------------------- */

static bool add_annotations(json_t *object, char *const *annotations)
{
    json_t *map = json_object();
    bool ok = map != NULL;

    for (size_t i = 0; ok && annotations[i]; i++) {
        size_t len = strcspn(annotations[i], "=");
        const char *value = annotations[i][len] == '=' ? annotations[i] + len + 1 : "";
        _cleanup_free_ char *key = strndup(annotations[i], len);
        ok = key && json_object_set_new(map, key, write_text(value)) == 0;
    }
    if (!ok) {
        json_decref(map);
        return false;
    }
    return json_object_set_new(object, "annotations", map) == 0;
}

static bool add_text(json_t *object, const char *key, const char *text)
{
    return !text || json_object_set_new(object, key, write_text(text)) == 0;
}

void oci_write_state(const struct oci_state *state, struct buf *ret)
{
    json_t *object = json_object();
    char created[64];

    format_time(state->created_us, created);
    bool ok = object && add_text(object, "ociVersion", OCI_VERSION) &&
              add_text(object, "id", state->id) &&
              add_text(object, "status", oci_status_name(state->status)) &&
              json_object_set_new(object, "pid", json_integer(state->pid)) == 0 &&
              add_text(object, "bundle", state->bundle) &&
              add_text(object, "rootfs", state->rootfs) &&
              (state->created_us == 0 || add_text(object, "created", created)) &&
              add_text(object, "owner", state->owner) &&
              (!state->annotations || !state->annotations[0] ||
               add_annotations(object, state->annotations));
    if (!ok) {
        json_decref(object);
        object = NULL;
    }
    write_finish(object, ret);
}
