/*
 * A run's network: what leads into it is taken before there is a box, what it needs is made while groups are, and all
 * of it is there before COMMAND begins. A run without one never comes here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/run_private.h"

bool network_is_wanted(const struct spec *spec)
{
    return spec->network == SPEC_NETWORK_BRIDGE || spec->net.files;
}

void network_record_lines(const struct run *run, struct buf *ret)
{
    const struct spec *spec = run->spec;

    if (spec->network == SPEC_NETWORK_BRIDGE)
        buf_printf(ret, "network %s\n", engine_data_dir(run->engine));
    if (spec->net.files)
        buf_printf(ret, "names %s\n", spec->net.files);
}

int network_reclaim(const char *name, const char *record, struct err *err)
{
    char data_dir[PATH_MAX], files[PATH_MAX];
    bool network = record_find(record, "network", data_dir, sizeof(data_dir));
    bool names = record_find(record, "names", files, sizeof(files));

    if (!network && !names)
        return 0;
    return net_down(network ? data_dir : NULL, name, names ? files : NULL, err);
}

/* ---- joining that of another run ------------------------------------------------------------------------- */

static int join_failed(const struct run *run, struct err *err)
{
    return err_refuse(err, ESRCH, "--network container:%s: no run of that name is under way",
                      run->spec->net.name);
}

int network_join(struct run *run, struct err *err)
{
    _cleanup_(state_closep) struct state *state = NULL;
    _cleanup_buf_ struct buf record = BUF_INIT;
    struct process command;
    char line[64], path[64];
    bool alive = false;
    int r;

    if (run->spec->network != SPEC_NETWORK_JOIN)
        return 0;
    r = engine_open_state(run->engine, &state, err);
    if (r < 0)
        return r;
    r = state_read(state, run->spec->net.name, &record, &alive, err);
    if (r == -ENOENT || (r >= 0 && !alive))
        return join_failed(run, err);
    if (r < 0)
        return r;
    if (!record_find(buf_text(&record), "command", line, sizeof(line)) ||
        !process_parse(line, &command))
        return join_failed(run, err);
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)command.pid);
    run->join_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (run->join_fd < 0 && errno != ENOENT)
        return err_refuse(err, errno, "--network container:%s: cannot open its network: %m",
                          run->spec->net.name);
    /* What was opened is its own if it was there all the while. */
    return run->join_fd < 0 || !process_is_alive(&command) ? join_failed(run, err) : 0;
}

/* ---- making ------------------------------------------------------------------------------------------------ */

static uint64_t bandwidth(const struct run *run, enum limit_id limit)
{
    const struct limit_value *value = &run->plan.plan->in_force.value[limit];

    return value->state == LIMIT_SET ? value->number : 0;
}

int network_prepare(struct run *run, struct err *err)
{
    const struct spec *spec = run->spec;
    const struct net_request request = {
        .data_dir = engine_data_dir(run->engine),
        .id = spec->name,
        .name = spec->net.called ? spec->net.called : spec->name,
        .hostname = spec->hostname,
        .network = spec->network,
        .net = &spec->net,
        .bandwidth_in = bandwidth(run, LIMIT_BANDWIDTH_IN),
        .bandwidth_out = bandwidth(run, LIMIT_BANDWIDTH_OUT),
    };

    if (!network_is_wanted(spec))
        return 0;
    if (!request.data_dir)
        return err_nomem(err);
    run->networked = true;
    return net_new(&request, &run->net, err);
}

int network_start(struct run *run, struct err *err)
{
    char path[64];

    if (run->spec->network != SPEC_NETWORK_BRIDGE)
        return 0;
    /* It is our child, and is not waited for: the number is its own. */
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)run->spawn.box_pid);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "--network %s: cannot open the run's network: %m",
                       run->spec->net.name);
    run->linked = true;
    return net_start(run->net, fd, err);
}

/* As it was read back. */
static int bandwidth_check(const struct run *run, enum limit_id limit, uint64_t have,
                           struct err *err)
{
    uint64_t want = bandwidth(run, limit);

    return want == have
               ? 0
               : err_refuse(err, EIO, "--%s: the kernel has %ju bytes per second instead of %ju",
                            limit_info(limit)->name, (uintmax_t)have, (uintmax_t)want);
}

int network_finish(struct run *run, struct err *err)
{
    const struct net_info *info;
    int r = run->linked ? net_finish(run->net, err) : 0;

    if (r < 0 || !run->linked)
        return r;
    info = net_result(run->net);
    r = bandwidth_check(run, LIMIT_BANDWIDTH_IN, info->bandwidth_in, err);
    return r < 0 ? r : bandwidth_check(run, LIMIT_BANDWIDTH_OUT, info->bandwidth_out, err);
}

const struct net_info *run_network(const struct run *run)
{
    return run->net && run->linked ? net_result(run->net) : NULL;
}

/* ---- removing ---------------------------------------------------------------------------------------------- */

int network_clean(struct run *run, struct err *err)
{
    int r = 0;

    if (!run->networked)
        return 0;
    /* Waits for the program, if it is still at work. */
    net_free(run->net);
    run->net = NULL;
    r = net_down(run->linked ? engine_data_dir(run->engine) : NULL, run->spec->name,
                 run->spec->net.files, err);
    if (r >= 0)
        run->networked = false;
    return r;
}
