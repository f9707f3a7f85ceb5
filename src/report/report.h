/*
 * report: a result or a plan as text, JSON and the formats of other tools. Pure: text into a
 * buffer.
 */
#pragma once

#include "base/base.h"
#include "limit/limit.h"
#include "metric/metric.h"

/* Formats by name: "text", "json", "isolate", "runexec", "gnu-time", "go-judge". */
struct report_format {
    const char *name;
    const char *help;
    int (*print)(const struct result *result, struct buf *ret, struct err *err);
};
size_t report_format_count(void);
const struct report_format *report_format_at(size_t index);
const struct report_format *report_format_find(const char *name);

/* A plan and what belongs to showing it. */
struct plan_view {
    const struct plan *plan;
    const struct layout *layout;
    const struct plan_ceiling *ceilings;
    size_t n_ceilings;
    const char *refusal; /* why this user's run would be refused all the same, or NULL */
};

/* The plan as `ration plan` shows it. */
int report_plan_text(const struct plan_view *view, struct buf *ret, struct err *err);
int report_plan_json(const struct plan_view *view, struct buf *ret, struct err *err);
