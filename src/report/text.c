/* The result for people: the verdict first, then the limits, then the figures side by side. */
#include <string.h>

#include "report/print.h"

/* ---- the head -------------------------------------------------------------------------------- */

static void print_exit(const struct result *result, struct buf *ret)
{
    char name[24];

    if (result->exited)
        buf_printf(ret, "status %d", result->exit_status);
    else if (result->signal)
        buf_printf(ret, "signal %d (%s%s)", result->signal,
                   signal_format(result->signal, name, sizeof(name)),
                   result->core_dumped ? ", core dumped" : "");
    else
        buf_puts(ret, "never started");
    buf_printf(ret, "; ration ends with %d", result->program_status);
}

static void print_head(const struct result *result, struct buf *ret)
{
    buf_puts(ret, "ration: ");
    print_line(ret, result->verdict.text);
    buf_puts(ret, "\n\n  command  ");
    print_argv(ret, result->argv);
    buf_puts(ret, "\n  run      ");
    print_line(ret, text_or_empty(result->name));
    buf_printf(ret, " (layout %s%s)\n  end      ", result->layout,
               result->rootless ? ", rootless" : "");
    print_exit(result, ret);
    buf_putc(ret, '\n');
}

static void print_evidence(const struct verdict *verdict, struct buf *ret)
{
    if (verdict->n_evidence == 0)
        return;
    buf_puts(ret, "\n  evidence\n");
    struct grid grid = { .columns = 2 };
    struct buf cell = BUF_INIT;
    for (size_t i = 0; i < verdict->n_evidence; i++) {
        const struct evidence *evidence = &verdict->evidence[i];
        print_line(&cell, evidence->source);
        grid_take(&grid, &cell);
        buf_printf(&cell, "%ju -> %ju", (uintmax_t)evidence->before, (uintmax_t)evidence->after);
        grid_take(&grid, &cell);
    }
    grid_print(&grid, 4, ret);
    buf_done(&cell);
    grid_done(&grid);
}

/* ---- the limits ------------------------------------------------------------------------------ */

static void add_limit(struct grid *grid, const struct limit_report *report, struct buf *cell)
{
    grid_add(grid, limit_info(report->limit)->name);
    print_line(cell, text_or_empty(report->asked));
    grid_take(grid, cell);
    if (report->in_force)
        print_value(cell, report->limit, report->in_force);
    else
        buf_puts(cell, "NOT IN FORCE");
    grid_take(grid, cell);
    print_line(cell, text_or_empty(report->file));
    grid_take(grid, cell);
    print_line(cell, text_or_empty(report->note));
    grid_take(grid, cell);
}

static void print_limits(const struct result *result, struct buf *ret)
{
    static const char *const head_table[] = { "limit", "asked", "in force", "where", "" };
    struct grid grid = { .columns = ARRAY_SIZE(head_table) };
    struct buf cell = BUF_INIT;

    if (result->n_limits == 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(head_table); i++)
        grid_add(&grid, head_table[i]);
    for (size_t i = 0; i < result->n_limits; i++)
        add_limit(&grid, &result->limits[i], &cell);
    buf_putc(ret, '\n');
    grid_print(&grid, 2, ret);
    buf_done(&cell);
    grid_done(&grid);
}

/* ---- the figures ----------------------------------------------------------------------------- */

/*
 * A line: the figure of the whole run, and beside it that of COMMAND and the children it waited
 * for.
 */
struct figure_row {
    const char *label;
    enum metric_id group;
    enum metric_id process, process_too; /* the sum of both; METRIC_NONE: nothing */
    bool hide_zero;                      /* only worth a line when it happened */
};

#define NO METRIC_NONE

static const struct figure_row figure_table[] = {
    { "wall time", METRIC_WALL_US, NO, NO, false },
    { "CPU time", METRIC_CPU_TOTAL_US, METRIC_RUSAGE_USER_US, METRIC_RUSAGE_SYSTEM_US, false },
    { "  user", METRIC_CPU_USER_US, METRIC_RUSAGE_USER_US, NO, false },
    { "  system", METRIC_CPU_SYSTEM_US, METRIC_RUSAGE_SYSTEM_US, NO, false },
    { "  held back by the quota", METRIC_THROTTLED_US, NO, NO, true },
    { "  quota periods", METRIC_NR_PERIODS, NO, NO, true },
    { "  of them throttled", METRIC_NR_THROTTLED, NO, NO, true },
    { "  periods with a burst", METRIC_NR_BURSTS, NO, NO, true },
    { "memory, peak", METRIC_MEMORY_PEAK_BYTES, METRIC_MAX_RSS_BYTES, NO, false },
    { "  at the end", METRIC_MEMORY_CURRENT_BYTES, NO, NO, false },
    { "  anonymous", METRIC_MEMORY_ANON_BYTES, NO, NO, true },
    { "  files", METRIC_MEMORY_FILE_BYTES, NO, NO, true },
    { "  shared", METRIC_MEMORY_SHMEM_BYTES, NO, NO, true },
    { "  kernel", METRIC_MEMORY_KERNEL_BYTES, NO, NO, true },
    { "  swap", METRIC_MEMORY_SWAP_BYTES, NO, NO, true },
    { "  swap, peak", METRIC_MEMORY_SWAP_PEAK_BYTES, NO, NO, true },
    { "  with swap, peak", METRIC_MEMORY_AND_SWAP_PEAK_BYTES, NO, NO, true },
    { "  limit reached", METRIC_MEMORY_FAILCNT, NO, NO, true },
    { "  slowed down", METRIC_MEMORY_HIGH_EVENTS, NO, NO, true },
    { "  killed", METRIC_OOM_KILLS, NO, NO, true },
    { "page faults", METRIC_GROUP_PAGE_FAULTS, METRIC_MINOR_FAULTS, METRIC_MAJOR_FAULTS, false },
    { "  from a device", METRIC_GROUP_MAJOR_FAULTS, METRIC_MAJOR_FAULTS, NO, true },
    { "processes, peak", METRIC_PIDS_PEAK, NO, NO, false },
    { "  forks refused", METRIC_PIDS_REFUSED, NO, NO, true },
    { "context switches, voluntary", NO, METRIC_VOLUNTARY_SWITCHES, NO, false },
    { "  involuntary", NO, METRIC_INVOLUNTARY_SWITCHES, NO, false },
    { "read from devices", METRIC_IO_READ_BYTES, NO, NO, true },
    { "  operations", METRIC_IO_READ_OPS, NO, NO, true },
    { "written to devices", METRIC_IO_WRITE_BYTES, NO, NO, true },
    { "  operations", METRIC_IO_WRITE_OPS, NO, NO, true },
    { "waited for a CPU", METRIC_PRESSURE_CPU_SOME_US, NO, NO, true },
    { "waited for memory", METRIC_PRESSURE_MEMORY_SOME_US, NO, NO, true },
    { "waited for devices", METRIC_PRESSURE_IO_SOME_US, NO, NO, true },
    { "output", METRIC_OUTPUT_BYTES, NO, NO, true },
};

static bool figure_get(const struct sample *sample, enum metric_id id, uint64_t *ret)
{
    return id != METRIC_NONE && sample_get(sample, id, ret);
}

/* Both columns of a row as text, "" where the figure is unknown. False: not worth a line. */
static bool figure_cells(const struct sample *sample, const struct figure_row *row,
                         char ret_group[32], char ret_process[32])
{
    uint64_t group = 0, process = 0, more = 0;
    bool has_group = figure_get(sample, row->group, &group);
    bool has_process = figure_get(sample, row->process, &process);

    ret_group[0] = ret_process[0] = '\0';
    if (row->process_too != METRIC_NONE && !sample_get(sample, row->process_too, &more))
        has_process = false;
    if (has_group)
        figure_format(metric_info(row->group)->unit, group, ret_group, 32);
    if (has_process)
        figure_format(metric_info(row->process)->unit, process + more, ret_process, 32);
    return (has_group || has_process) && !(row->hide_zero && group == 0 && process + more == 0);
}

static void print_figures(const struct result *result, struct buf *ret)
{
    struct grid grid = { .columns = 3, .right = 1u << 1 | 1u << 2 };
    char group[32], process[32];
    bool any = false;

    grid_add(&grid, "");
    grid_add(&grid, "all processes");
    grid_add(&grid, "COMMAND");
    for (size_t i = 0; i < ARRAY_SIZE(figure_table); i++) {
        if (!figure_cells(&result->final, &figure_table[i], group, process))
            continue;
        any = true;
        grid_add(&grid, figure_table[i].label);
        grid_add(&grid, group);
        grid_add(&grid, process);
    }
    if (any) {
        buf_putc(ret, '\n');
        grid_print(&grid, 2, ret);
        buf_puts(ret, "  (COMMAND: itself and the children it waited for; its peak is its largest "
                      "process)\n");
    }
    grid_done(&grid);
}

static void print_per_cpu(const struct sample *sample, struct buf *ret)
{
    char text[32];

    for (unsigned i = 0; i < sample->n_cpus; i++) {
        buf_puts(ret, i == 0 ? "  per CPU: " : ", ");
        buf_printf(ret, "%u: %s", i,
                   figure_format(METRIC_UNIT_US, sample->per_cpu_us[i], text, sizeof(text)));
    }
    if (sample->n_cpus > 0)
        buf_putc(ret, '\n');
}

static void print_notes(char *const *notes, struct buf *ret)
{
    for (; notes && *notes; notes++) {
        buf_puts(ret, "  note: ");
        print_line(ret, *notes);
        buf_putc(ret, '\n');
    }
}

int text_print(const struct result *result, struct buf *ret, struct err *err)
{
    print_head(result, ret);
    print_evidence(&result->verdict, ret);
    print_limits(result, ret);
    print_notes(result->notes, ret);
    print_figures(result, ret);
    print_per_cpu(&result->final, ret);
    return print_end(ret, err);
}
