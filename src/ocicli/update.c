/* ration-oci update: other limits for a container that runs. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ocicli/bundle.h"

static int command_update(struct session *session, const void *values, char *const *operands,
                          struct err *err);

struct update_values {
    const char *resources;
    const char *limits[LIMIT_COUNT]; /* the texts of options that set one limit */
    const char *kernel_memory, *l3_cache_schema, *memory_schema;
};

#define LIMIT_AT(id) CLI_TEXT, offsetof(struct update_values, limits[LIMIT_##id])

static const struct cli_option update_options[] = {
    { "resources", 'r', CLI_TEXT, offsetof(struct update_values, resources), "FILE|-",
      "the limits as the specification's \"resources\" object, from a file or standard input; no "
      "other option counts then",
      NULL },
    { "memory", 'm', LIMIT_AT(MEMORY), "SIZE", "most memory; -1: no limit", NULL },
    { "memory-swap", 0, LIMIT_AT(MEMORY_SWAP), "SIZE", "most memory and swap together", NULL },
    { "memory-reservation", 0, LIMIT_AT(MEMORY_RESERVATION), "SIZE",
      "memory that is left to it when the machine is short of it", NULL },
    { "memory-swappiness", 0, LIMIT_AT(MEMORY_SWAPPINESS), "NUMBER",
      "inclination to swap, 0 to 100", NULL },
    { "kernel-memory-tcp", 0, LIMIT_AT(KERNEL_MEMORY_TCP), "SIZE",
      "most kernel memory for TCP buffers", NULL },
    { "kernel-memory", 0, CLI_TEXT, offsetof(struct update_values, kernel_memory), "SIZE",
      "only 0: kernels no longer limit it apart from memory", NULL },
    { "cpu-shares", 0, LIMIT_AT(CPU_SHARES), "NUMBER", "relative share of CPU time", "cpu-share" },
    { "cpu-quota", 0, LIMIT_AT(CPU_QUOTA), "US", "CPU time per period, microseconds", NULL },
    { "cpu-period", 0, LIMIT_AT(CPU_PERIOD), "US", "that period, microseconds", NULL },
    { "cpu-burst", 0, LIMIT_AT(CPU_BURST), "US", "unused CPU time that may be saved up", NULL },
    { "cpu-rt-period", 0, LIMIT_AT(CPU_RT_PERIOD), "US", "period of the real-time budget", NULL },
    { "cpu-rt-runtime", 0, LIMIT_AT(CPU_RT_RUNTIME), "US", "real-time CPU time per period", NULL },
    { "cpu-idle", 0, LIMIT_AT(CPU_IDLE), "0|1", "run only when nothing else wants the CPU", NULL },
    { "cpuset-cpus", 0, LIMIT_AT(CPUSET_CPUS), "LIST", "CPUs that may be used", NULL },
    { "cpuset-mems", 0, LIMIT_AT(CPUSET_MEMS), "LIST", "memory nodes that may be used", NULL },
    { "pids-limit", 0, LIMIT_AT(PIDS_LIMIT), "NUMBER", "most processes and threads", NULL },
    { "blkio-weight", 0, LIMIT_AT(BLKIO_WEIGHT), "NUMBER",
      "relative share of block device time, 10 to 1000", NULL },
    { "l3-cache-schema", 0, CLI_TEXT, offsetof(struct update_values, l3_cache_schema), "SCHEMA",
      "not supported: Intel RDT is set when a container is made", NULL },
    { "mem-bw-schema", 0, CLI_TEXT, offsetof(struct update_values, memory_schema), "SCHEMA",
      "not supported, likewise", NULL },
};

const struct command update_command = {
    .name = "update",
    .args = "ID",
    .summary = "change the limits of a container",
    .description = "All limits that are named are in force afterwards, or none is changed.",
    .options = update_options,
    .n_options = ARRAY_SIZE(update_options),
    .values_size = sizeof(struct update_values),
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_update,
};

/* Standard input may be a pipe: read until its end. */
static int read_stdin(struct buf *ret, struct err *err)
{
    char chunk[4096];

    for (;;) {
        ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, errno, "cannot read standard input: %s", err_name(errno));
        if (n == 0)
            return buf_error(ret) < 0 ? err_nomem(err) : 0;
        if (ret->len + (size_t)n > OCI_DOCUMENT_MAX)
            return err_set(err, EFBIG, "standard input is larger than 16 MiB");
        buf_add(ret, chunk, (size_t)n);
    }
}

static int read_resources(const char *path, const struct limit_context *context,
                          struct limit_set *ret, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = strcmp(path, "-") == 0 ? read_stdin(&text, err)
                                   : document_read(AT_FDCWD, path, "the resources", &text, err);

    return r < 0 ? r : oci_read_resources(buf_text(&text), text.len, context, ret, err);
}

/* What cannot be changed is refused rather than passed over, unless it is said to be no limit. */
static int check_unsupported(const struct update_values *update, struct err *err)
{
    if (update->kernel_memory && strcmp(update->kernel_memory, "0") != 0 &&
        strcmp(update->kernel_memory, "-1") != 0)
        return err_refuse(err, ENOTSUP,
                          "--kernel-memory: kernels no longer limit it apart from --memory");
    if (update->l3_cache_schema || update->memory_schema)
        return err_refuse(err, ENOTSUP,
                          "--%s: Intel RDT is set when a container is made, and not "
                          "changed afterwards",
                          update->l3_cache_schema ? "l3-cache-schema" : "mem-bw-schema");
    return 0;
}

static int read_options(const struct update_values *update, const struct limit_context *context,
                        struct limit_set *ret, struct err *err)
{
    int r = check_unsupported(update, err);

    for (size_t id = 0; r == 0 && id < LIMIT_COUNT; id++) {
        /* An empty text or 0 is unset, as clients send it. */
        if (update->limits[id] && update->limits[id][0])
            r = limit_parse((enum limit_id)id, update->limits[id], context, ret, err);
    }
    return r;
}

static int command_update(struct session *session, const void *values, char *const *operands,
                          struct err *err)
{
    const struct update_values *update = values;
    _cleanup_(limit_set_done) struct limit_set limits = { 0 };
    const struct spec_world *world;
    struct engine *engine;
    int r = session_engine(session, &engine, err);

    if (r == 0)
        r = session_world(session, &world, err);
    if (r == 0 && update->resources)
        r = read_resources(update->resources, &world->limit_context, &limits, err);
    else if (r == 0)
        r = read_options(update, &world->limit_context, &limits, err);
    return r < 0 ? r : container_update(engine, operands[0], &limits, err);
}
