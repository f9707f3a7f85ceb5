/* Rows of named texts, as ps and its like list them: a table, JSON lines, or what a template makes of each. */
#include <errno.h>
#include <string.h>

#include "report/template.h"

#define COLUMNS_MAX 32

struct report_rows {
    const struct report_column *columns; /* not owned */
    size_t n_columns;
    bool table, json;
    struct template *template; /* NULL: the columns that have a heading, or JSON */
    json_t *rows;
};

void report_rows_free(struct report_rows *rows)
{
    if (!rows)
        return;
    template_free(rows->template);
    json_decref(rows->rows);
    free(rows);
}

/* A backslash and a letter, which nobody wants to type into a shell as what they stand for. */
static void unescape(const char *text, struct buf *ret)
{
    for (; *text; text++) {
        char c = *text == '\\' ? text[1] : '\0';
        if (c == 't' || c == 'n') {
            buf_putc(ret, c == 't' ? '\t' : '\n');
            text++;
        } else {
            buf_putc(ret, *text);
        }
    }
}

static int rows_template(struct report_rows *rows, const char *format, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    unescape(format, &text);
    return buf_error(&text) < 0 ? err_nomem(err)
                                : template_parse(buf_text(&text), &rows->template, err);
}

static int rows_format(struct report_rows *rows, const char *format, struct err *err)
{
    static const char table[] = "table";

    rows->json = format && strcmp(format, "json") == 0;
    rows->table = !format || !*format || strcmp(format, table) == 0;
    if (rows->json || rows->table)
        return 0;
    rows->table = text_starts(format, table) && strchr(" \t\\", format[strlen(table)]);
    if (rows->table)
        format += strlen(table) + (format[strlen(table)] == ' ');
    if (!rows->table && !strstr(format, "{{"))
        return err_usage(err,
                         "--format knows table, json, \"table {{.Field}}\" and \"{{.Field}}\", not "
                         "\"%.60s\"",
                         format);
    return rows_template(rows, format, err);
}

int report_rows_new(const struct report_column *columns, size_t n, const char *format,
                    struct report_rows **ret, struct err *err)
{
    struct report_rows *rows = calloc(1, sizeof(*rows));

    if (rows)
        rows->rows = json_array();
    if (!rows || !rows->rows || n > COLUMNS_MAX) {
        report_rows_free(rows);
        return err_nomem(err);
    }
    rows->columns = columns;
    rows->n_columns = n;
    int r = rows_format(rows, format, err);
    if (r < 0) {
        report_rows_free(rows);
        return r;
    }
    *ret = rows;
    return 0;
}

/* heading: instead of values, what stands above them. */
static json_t *row_object(const struct report_rows *rows, const char *const *values)
{
    json_t *row = json_object();

    for (size_t i = 0; i < rows->n_columns; i++) {
        const struct report_column *column = &rows->columns[i];
        const char *text = values ? values[i] : column->heading ? column->heading : column->field;
        if (json_object_set_new(row, column->field, json_from_text(text_or_empty(text))) < 0) {
            json_decref(row);
            return NULL;
        }
    }
    return row;
}

int report_rows_add(struct report_rows *rows, const char *const *values, struct err *err)
{
    json_t *row = row_object(rows, values);

    return row && json_array_append_new(rows->rows, row) == 0 ? 0 : err_nomem(err);
}

static int print_json_lines(const struct report_rows *rows, struct buf *ret)
{
    size_t index;
    json_t *row;

    json_array_foreach(rows->rows, index, row)
    {
        _cleanup_free_ char *text = json_dumps(row, JSON_COMPACT);
        if (!text)
            return -ENOMEM;
        buf_puts(ret, text);
        buf_putc(ret, '\n');
    }
    return 0;
}

static void print_default_table(const struct report_rows *rows, struct buf *ret)
{
    struct grid grid = { 0 };
    size_t index;
    json_t *row;

    for (size_t i = 0; i < rows->n_columns; i++) {
        if (!rows->columns[i].heading || rows->columns[i].hidden)
            continue;
        grid.columns++;
        grid_add(&grid, rows->columns[i].heading);
    }
    json_array_foreach(rows->rows, index, row)
    {
        for (size_t i = 0; i < rows->n_columns; i++) {
            _cleanup_buf_ struct buf cell = BUF_INIT;
            if (!rows->columns[i].heading || rows->columns[i].hidden)
                continue;
            print_line(&cell, json_string_value(json_object_get(row, rows->columns[i].field)));
            grid_take(&grid, &cell);
        }
    }
    grid_print(&grid, 0, ret);
    grid_done(&grid);
}

/* The cells of one line of a table; what is more than there are headings for joins the last. */
static void add_cells(struct grid *grid, const char *line)
{
    for (size_t i = 0; i < grid->columns; i++) {
        size_t length = i + 1 < grid->columns ? strcspn(line, "\t") : strlen(line);
        _cleanup_buf_ struct buf cell = BUF_INIT;
        _cleanup_free_ char *text = strndup(line, length);
        print_line(&cell, text_or_empty(text));
        grid->failed = grid->failed || !text;
        grid_take(grid, &cell);
        line += length + (line[length] == '\t');
    }
}

static int template_table(const struct report_rows *rows, struct buf *ret, struct err *err)
{
    _cleanup_buf_ struct buf line = BUF_INIT;
    struct grid grid = { .columns = 1 };
    json_t *heading = row_object(rows, NULL);
    size_t index;
    json_t *row;
    int r = heading ? template_print(rows->template, heading, &line, err) : err_nomem(err);

    json_decref(heading);
    for (const char *tab = buf_text(&line); (tab = strchr(tab, '\t')); tab++)
        grid.columns++;
    if (r == 0 && grid.columns > COLUMNS_MAX)
        r = err_usage(err, "--format: a table has at most %d columns", COLUMNS_MAX);
    if (r == 0)
        add_cells(&grid, buf_text(&line));
    json_array_foreach(rows->rows, index, row)
    {
        buf_reset(&line);
        if (r == 0)
            r = template_print(rows->template, row, &line, err);
        if (r == 0)
            add_cells(&grid, buf_text(&line));
    }
    if (r == 0)
        grid_print(&grid, 0, ret);
    grid_done(&grid);
    return r;
}

static int template_lines(const struct report_rows *rows, struct buf *ret, struct err *err)
{
    size_t index;
    json_t *row;
    int r = 0;

    json_array_foreach(rows->rows, index, row)
    {
        if (r < 0)
            break;
        r = template_print(rows->template, row, ret, err);
        buf_putc(ret, '\n');
    }
    return r;
}

int report_rows_print(const struct report_rows *rows, struct buf *ret, struct err *err)
{
    int r = 0;

    if (rows->json)
        r = print_json_lines(rows, ret) < 0 ? err_nomem(err) : 0;
    else if (rows->table && rows->template)
        r = template_table(rows, ret, err);
    else if (rows->table)
        print_default_table(rows, ret);
    else
        r = template_lines(rows, ret, err);
    return r < 0 ? r : print_end(ret, err);
}

/* ---- one document ---------------------------------------------------------------------------------------- */

int report_documents(const char *const *documents, size_t n, const char *format, struct buf *ret,
                     struct err *err)
{
    _cleanup_(template_freep) struct template *template = NULL;
    bool json = format && strcmp(format, "json") == 0;
    json_t *list = json_array();
    int r = !list ? err_nomem(err) : 0;

    if (r == 0 && format && !json)
        r = template_parse(format, &template, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        json_t *document = json_loads(documents[i], JSON_DECODE_ANY, NULL);
        if (!document)
            r = err_set(err, EBADMSG, "what there is to show is not JSON");
        else if (template)
            r = template_print(template, document, ret, err);
        if (r == 0 && template)
            buf_putc(ret, '\n');
        if (document && json_array_append_new(list, document) < 0)
            r = err_nomem(err);
    }
    if (r == 0 && !template) {
        _cleanup_free_ char *text = json_dumps(list, json ? JSON_COMPACT : JSON_INDENT(4));
        buf_puts(ret, text_or_empty(text));
        buf_putc(ret, '\n');
        ret->failed = ret->failed || !text;
    }
    json_decref(list);
    return r < 0 ? r : print_end(ret, err);
}
