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

/* ---- lists, and templates of users ------------------------------------------------------------------------ */

/* A field of a row: its name in templates and JSON, docker's where docker has it. */
struct report_column {
    const char *field;
    const char *heading; /* above it in a table */
    bool hidden;         /* not in a table that nobody has said the columns of */
};

struct report_rows;

/*
 * format: NULL or "table" for a table of the columns, "json" for one object a line, "table TEMPLATE", or a
 * template for each row; report/template.c tells what can stand in one. columns must outlive the rows.
 */
int report_rows_new(const struct report_column *columns, size_t n, const char *format,
                    struct report_rows **ret, struct err *err);
/* One row: the text of each column in order, NULL for an empty one. Copied. */
int report_rows_add(struct report_rows *rows, const char *const *values, struct err *err);
int report_rows_print(const struct report_rows *rows, struct buf *ret, struct err *err);
void report_rows_free(struct report_rows *rows);

/* Documents (JSON) as `inspect` shows them: NULL: a list of them; "json": that on one line; else each by a template. */
int report_documents(const char *const *documents, size_t n, const char *format, struct buf *ret,
                     struct err *err);
