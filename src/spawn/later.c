/*
 * What a launch needs of the hierarchies, told when the box is at work already: while the box makes the first
 * mounts, the supervisor finds the hierarchies and makes the plan. The box waits where it comes to need it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "spawn/launch.h"

/* ---- the supervisor ------------------------------------------------------------------------------------- */

static bool text_fits(char *ret, size_t size, const char *text)
{
    size_t length = strlen(text);

    if (length >= size)
        return false;
    memcpy(ret, text, length + 1);
    return true;
}

static int later_fill(const struct spawn_options *options, struct later *ret)
{
    if (options->n_rlimits > ARRAY_SIZE(ret->rlimits) ||
        options->n_cgroup_mounts > ARRAY_SIZE(ret->mounts))
        return -E2BIG;
    ret->no_user_namespaces = options->no_user_namespaces;
    ret->n_rlimits = (unsigned)options->n_rlimits;
    for (size_t i = 0; i < options->n_rlimits; i++)
        ret->rlimits[i] = options->rlimits[i];
    ret->n_mounts = (unsigned)options->n_cgroup_mounts;
    for (size_t i = 0; i < options->n_cgroup_mounts; i++) {
        const struct spawn_cgroup_mount *mount = &options->cgroup_mounts[i];
        struct later_mount *to = &ret->mounts[i];

        to->version = mount->version;
        if (!text_fits(to->options, sizeof(to->options), text_or_empty(mount->options)) ||
            !text_fits(to->target, sizeof(to->target), mount->target))
            return -ENAMETOOLONG;
    }
    return 0;
}

static size_t later_size(const struct later *later)
{
    return offsetof(struct later, mounts) + later->n_mounts * sizeof(later->mounts[0]);
}

int spawn_tell(struct spawn *spawn, const struct spawn_options *options, struct err *err)
{
    struct later later;
    ssize_t n;
    int r = later_fill(options, &later);

    if (r < 0)
        return err_set(err, -r, "cannot tell the run's first process of the hierarchies: %s",
                       err_name(-r));
    do {
        n = send(spawn->channel_fd, &later, later_size(&later), MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    /* The box says itself why it is gone already; ECONNRESET: with something of ours unread. */
    if (n < 0 && errno != EPIPE && errno != ECONNRESET)
        return err_set(err, errno, "cannot write to the run's first process: %m");
    return 0;
}

/* ---- the box --------------------------------------------------------------------------------------------- */

static bool later_is_whole(const struct later *later, size_t size)
{
    return size >= offsetof(struct later, mounts) && later->n_mounts <= ARRAY_SIZE(later->mounts) &&
           later->n_rlimits <= ARRAY_SIZE(later->rlimits) && size == later_size(later);
}

static void later_take(struct launch *launch, struct later *later)
{
    later->told = *launch->options;
    for (unsigned i = 0; i < later->n_mounts; i++) {
        struct later_mount *mount = &later->mounts[i];

        later->shown[i] = (struct spawn_cgroup_mount){
            .version = mount->version,
            .options = *mount->options ? mount->options : NULL,
            .target = mount->target,
        };
    }
    later->told.later = false;
    later->told.no_user_namespaces = later->no_user_namespaces;
    later->told.rlimits = later->rlimits;
    later->told.n_rlimits = later->n_rlimits;
    later->told.cgroup_mounts = later->shown;
    later->told.n_cgroup_mounts = later->n_mounts;
    launch->options = &later->told;
}

int later_await(struct launch *launch, struct err *err)
{
    struct later *later = launch->later;
    ssize_t n;

    if (!launch->options->later)
        return 0;
    do {
        n = recv(launch->channel_fd, later, offsetof(struct later, told), 0);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return err_set(err, n < 0 ? errno : EPIPE, "the supervisor went away");
    if (!later_is_whole(later, (size_t)n))
        return err_set(err, EBADMSG, "the supervisor's word on the hierarchies is cut short");
    later_take(launch, later);
    return 0;
}
