/* libration: lists, and what --format makes of them. */
#include <errno.h>
#include <string.h>

#include "api/api_private.h"
#include "report/report.h"

struct ration_table {
    struct report_column *columns;
    struct report_rows *rows;
};

void ration_table_free(struct ration_table *table)
{
    if (!table)
        return;
    report_rows_free(table->rows);
    free(table->columns);
    free(table);
}

int ration_table_new(const struct ration_column *columns, size_t n, const char *format,
                     struct ration_table **ret, struct ration_error *error)
{
    struct ration_table *table = calloc(1, sizeof(*table));
    struct err err = ERR_INIT;

    if (table)
        table->columns = calloc(n + 1, sizeof(*table->columns));
    if (!table || !table->columns) {
        ration_table_free(table);
        return api_fail(error, ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++)
        table->columns[i] = (struct report_column){ .field = columns[i].field,
                                                    .heading = columns[i].heading,
                                                    .hidden = columns[i].hidden != 0 };
    int r = report_rows_new(table->columns, n, format, &table->rows, &err);
    if (r < 0) {
        ration_table_free(table);
        return api_error(error, &err, r);
    }
    *ret = table;
    return 0;
}

int ration_table_add(struct ration_table *table, const char *const *values,
                     struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, report_rows_add(table->rows, values, &err));
}

int ration_table_write(const struct ration_table *table, int fd, struct ration_error *error)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    int r = report_rows_print(table->rows, &text, &err);

    return r < 0 ? api_error(error, &err, r) : api_write(fd, &text, error);
}

int ration_documents_write(const char *const *documents, size_t n, const char *format, int fd,
                           struct ration_error *error)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    int r = report_documents(documents, n, format, &text, &err);

    return r < 0 ? api_error(error, &err, r) : api_write(fd, &text, error);
}

int ration_document_format(const char *document, const char *format, char **ret,
                           struct ration_error *error)
{
    struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    int r = report_documents(&document, 1, format, &text, &err);

    if (r >= 0) {
        if (text.len > 0 && text.data[text.len - 1] == '\n')
            text.data[text.len - 1] = '\0';
        *ret = buf_take(&text);
        if (*ret)
            return 0;
        r = err_nomem(&err);
    }
    buf_done(&text);
    return api_error(error, &err, r);
}
