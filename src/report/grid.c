/* Text in columns. */
#include <string.h>

#include "report/print.h"

void grid_done(struct grid *grid)
{
    strv_free(grid->cells);
    grid->cells = NULL;
}

void grid_add(struct grid *grid, const char *cell)
{
    if (strv_push(&grid->cells, text_or_empty(cell)) < 0)
        grid->failed = true;
}

void grid_take(struct grid *grid, struct buf *cell)
{
    if (buf_error(cell) < 0)
        grid->failed = true;
    grid_add(grid, buf_text(cell));
    buf_reset(cell);
}

/* Characters, not bytes: what is no first byte of a character takes no room. */
static int width(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

static void measure(const struct grid *grid, size_t n, int *ret_widths)
{
    for (size_t i = 0; i < n; i++) {
        int w = width(grid->cells[i]);
        if (w > ret_widths[i % grid->columns])
            ret_widths[i % grid->columns] = w;
    }
}

static void pad(struct buf *ret, int n)
{
    buf_printf(ret, "%*s", n > 0 ? n : 0, "");
}

/* Is there text to the right of this cell in its row? */
static bool more_in_row(const struct grid *grid, size_t index)
{
    for (size_t i = index + 1; i % grid->columns != 0; i++) {
        if (grid->cells[i][0])
            return true;
    }
    return false;
}

void grid_print(const struct grid *grid, int indent, struct buf *ret)
{
    int widths[GRID_COLUMNS_MAX] = { 0 };
    size_t n = strv_length(grid->cells);

    if (grid->failed || n % grid->columns != 0) {
        ret->failed = true;
        return;
    }
    measure(grid, n, widths);
    for (size_t i = 0; i < n; i++) {
        size_t column = i % grid->columns;
        bool right = grid->right & (1u << column), more = more_in_row(grid, i);
        int room = widths[column] - width(grid->cells[i]);

        if (column == 0)
            pad(ret, indent);
        if (right && (more || grid->cells[i][0]))
            pad(ret, room);
        buf_puts(ret, grid->cells[i]);
        if (more)
            pad(ret, right ? 2 : room + 2);
        if (column + 1 == grid->columns)
            buf_putc(ret, '\n');
    }
}
