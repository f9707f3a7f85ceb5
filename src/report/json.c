/* The result as JSON: docs/result.md describes it, docs/result.schema.json checks it. */
#include <string.h>

#include "report/print.h"

/* Of the shape below, not of the program. Grows when a key changes its meaning or goes away. */
#define JSON_VERSION 1

/* Sets key, and remembers in *failed when memory was short. value is consumed. */
static void put(json_t *object, const char *key, json_t *value, bool *failed)
{
    if (json_object_set_new(object, key, value) < 0)
        *failed = true;
}

static json_t *evidence_json(const struct verdict *verdict, bool *failed)
{
    json_t *list = json_array();

    for (size_t i = 0; i < verdict->n_evidence; i++) {
        const struct evidence *evidence = &verdict->evidence[i];
        json_t *item = json_object();

        put(item, "source", json_from_text(evidence->source), failed);
        put(item, "before", json_from_u64(evidence->before), failed);
        put(item, "after", json_from_u64(evidence->after), failed);
        if (json_array_append_new(list, item) < 0)
            *failed = true;
    }
    return list;
}

static json_t *verdict_json(const struct verdict *verdict, bool *failed)
{
    const struct limit_info *limit = limit_info(verdict->limit);
    json_t *object = json_object();

    put(object, "cause", json_from_text(cause_name(verdict->cause)), failed);
    put(object, "whose", json_from_text(whose_name(verdict->whose)), failed);
    put(object, "limit", json_from_text(limit ? limit->name : NULL), failed);
    put(object, "text", json_from_text(verdict->text), failed);
    put(object, "evidence", evidence_json(verdict, failed), failed);
    return object;
}

/* Is text what list, joined by "; ", holds already? */
static bool holds(const char *list, const char *text)
{
    size_t len = strlen(text);

    for (const char *p = list; p; p = strstr(p, "; "), p = p ? p + 2 : NULL) {
        if (strncmp(p, text, len) == 0 && (p[len] == '\0' || text_starts(p + len, "; ")))
            return true;
    }
    return false;
}

/* A limit that was given several times is one member: what differs is joined by "; ". */
static json_t *joined(json_t *before, const char *text)
{
    _cleanup_buf_ struct buf valid = BUF_INIT;
    const char *first = json_string_value(before);

    if (!first || !text)
        return first ? json_incref(before) : json_from_text(text);
    print_utf8(&valid, text);
    if (buf_error(&valid) < 0)
        return NULL;
    return holds(first, buf_text(&valid)) ? json_incref(before)
                                          : json_sprintf("%s; %s", first, buf_text(&valid));
}

static void put_limit(json_t *object, const struct limit_report *report, bool *failed)
{
    const struct {
        const char *key, *text;
    } member_table[] = {
        { "asked", report->asked },
        { "in_force", report->in_force },
        { "file", report->file },
        { "note", report->note },
    };

    for (size_t i = 0; i < ARRAY_SIZE(member_table); i++) {
        const char *key = member_table[i].key;
        put(object, key, joined(json_object_get(object, key), member_table[i].text), failed);
    }
}

static json_t *limits_json(const struct result *result, bool *failed)
{
    json_t *limits = json_object();

    for (size_t i = 0; i < result->n_limits && !*failed; i++) {
        const char *name = limit_info(result->limits[i].limit)->name;

        if (!json_object_get(limits, name))
            put(limits, name, json_object(), failed);
        put_limit(json_object_get(limits, name), &result->limits[i], failed);
    }
    return limits;
}

static json_t *metrics_json(const struct sample *sample, bool *failed)
{
    json_t *metrics = json_object();

    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        const struct metric_info *info = metric_info((enum metric_id)id);
        const struct sample_value *value = &sample->value[id];
        json_t *object = json_object();

        put(object, "value", value->known ? json_from_u64(value->value) : json_null(), failed);
        put(object, "unit", json_from_text(metric_unit_name(info->unit)), failed);
        put(object, "source", value->known ? json_from_text(value->source) : json_null(), failed);
        put(metrics, info->name, object, failed);
    }
    return metrics;
}

static json_t *per_cpu_json(const struct sample *sample, bool *failed)
{
    json_t *list;

    if (sample->n_cpus == 0)
        return json_null();
    list = json_array();
    for (unsigned i = 0; i < sample->n_cpus; i++) {
        if (json_array_append_new(list, json_from_u64(sample->per_cpu_us[i])) < 0)
            *failed = true;
    }
    return list;
}

/* exit_status, signal and what kept the command from starting. */
static void put_end(json_t *root, const struct result *result, bool *failed)
{
    const struct err *error = &result->error;
    char name[24];

    put(root, "exit_status", result->exited ? json_integer(result->exit_status) : json_null(),
        failed);
    put(root, "signal", result->signal ? json_integer(result->signal) : json_null(), failed);
    put(root, "signal_name",
        json_from_text(result->signal ? signal_format(result->signal, name, sizeof(name)) : NULL),
        failed);
    put(root, "core_dumped", json_boolean(result->core_dumped), failed);
    put(root, "step", json_from_text(error->step[0] ? error->step : NULL), failed);
    put(root, "errno", error->code ? json_integer(error->code) : json_null(), failed);
    put(root, "error", json_from_text(error->code ? error->text : NULL), failed);
    put(root, "program_status", json_integer(result->program_status), failed);
}

int json_print(const struct result *result, struct buf *ret, struct err *err)
{
    json_t *root = json_object();
    bool failed = false;

    put(root, "version", json_integer(JSON_VERSION), &failed);
    put(root, "name", json_from_text(result->name), &failed);
    put(root, "argv", json_from_argv(result->argv), &failed);
    put(root, "started_realtime_us", json_from_u64(result->started_realtime_us), &failed);
    put(root, "layout", json_from_text(result->layout), &failed);
    put(root, "rootless", json_boolean(result->rootless), &failed);
    put(root, "verdict", verdict_json(&result->verdict, &failed), &failed);
    put_end(root, result, &failed);
    put(root, "limits", limits_json(result, &failed), &failed);
    if (result->notes)
        put(root, "notes", json_from_argv(result->notes), &failed);
    put(root, "metrics", metrics_json(&result->final, &failed), &failed);
    put(root, "per_cpu_us", per_cpu_json(&result->final, &failed), &failed);
    return json_finish(root, failed, ret, err);
}
