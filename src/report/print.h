/* Private to report: what the printers share. */
#pragma once

#include <jansson.h>

#include "report/report.h"

/* The printers of the formats (see report.c). Each appends to ret; -ENOMEM on failure. */
int text_print(const struct result *result, struct buf *ret, struct err *err);
int json_print(const struct result *result, struct buf *ret, struct err *err);
int isolate_print(const struct result *result, struct buf *ret, struct err *err);
int runexec_print(const struct result *result, struct buf *ret, struct err *err);
int gnu_time_print(const struct result *result, struct buf *ret, struct err *err);
int go_judge_print(const struct result *result, struct buf *ret, struct err *err);

/* 0, or -ENOMEM told in err when ret failed to grow. */
int print_end(const struct buf *ret, struct err *err);

/* ---- text that others chose ------------------------------------------------------------------ */

/* Length of the UTF-8 character at text (1 to 4), 0 when it is not valid there. */
size_t utf8_length(const char *text);
/* text with every byte that is not UTF-8 replaced by U+FFFD; control characters stay. */
void print_utf8(struct buf *ret, const char *text);
/*
 * The same with control characters replaced by '?': stays on its line, cannot speak to a terminal.
 */
void print_line(struct buf *ret, const char *text);
/* As a shell would read it back: plain, 'quoted' or $'escaped'. */
void print_word(struct buf *ret, const char *word);
void print_argv(struct buf *ret, char *const *argv);

/* ---- figures for people ---------------------------------------------------------------------- */

/* "41.3 MiB", "1.234 s", "17": rounded, JSON has the exact ones. Returns ret. */
const char *figure_format(enum metric_unit unit, uint64_t value, char *ret, size_t size);
/*
 * A kernel's value, and behind it in parentheses what it means where limit is a size or duration.
 */
void print_value(struct buf *ret, enum limit_id limit, const char *value);
/* Microseconds as seconds: "1.234567" with six digits, fewer when asked for (cut, not rounded). */
void print_seconds(struct buf *ret, uint64_t us, int digits);

/* ---- columns --------------------------------------------------------------------------------- */

#define GRID_COLUMNS_MAX 32

/* Cells row by row; printed when all are there, since only then are the widths known. */
struct grid {
    size_t columns;
    unsigned right; /* bit N: column N is aligned to the right */
    char **cells;   /* owned */
    bool failed;
};

void grid_done(struct grid *grid);
/* Add a copy of the next cell. */
void grid_add(struct grid *grid, const char *cell);
/* Add what a buffer holds as the next cell, and empty the buffer. */
void grid_take(struct grid *grid, struct buf *cell);
/* Every row behind indent blanks, columns two blanks apart, nothing behind the last text. */
void grid_print(const struct grid *grid, int indent, struct buf *ret);

/* ---- JSON ------------------------------------------------------------------------------------ */

/* A string made valid by print_utf8, null for NULL. */
json_t *json_from_text(const char *text);
/* A number; null above what JSON readers can be trusted with as a signed 64-bit integer. */
json_t *json_from_u64(uint64_t value);
json_t *json_from_argv(char *const *argv);
/*
 * Print root, with a final newline, and drop it; root may be NULL and failed true after a failed
 * allocation, which is the error then.
 */
int json_finish(json_t *root, bool failed, struct buf *ret, struct err *err);

/* ---- templates: template.c --------------------------------------------------------------------- */

struct template;

/* Errors are ERR_USAGE sentences about --format. */
int template_parse(const char *text, struct template **ret, struct err *err);
int template_print(const struct template *template, json_t *value, struct buf *ret,
                   struct err *err);
void template_free(struct template *template);
void template_freep(struct template **template);
