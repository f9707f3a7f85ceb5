/* Which file descriptors stay open. */
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

#define KEEP_MAX 8

int descriptors_close_but(unsigned first, const int *keep, size_t n)
{
    int sorted[KEEP_MAX];
    size_t n_sorted = 0;
    int r = 0;

    for (size_t i = 0; i < n && n_sorted < KEEP_MAX; i++) {
        size_t at = n_sorted;

        if (keep[i] < 0 || (unsigned)keep[i] < first)
            continue;
        for (; at > 0 && sorted[at - 1] > keep[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = keep[i];
        n_sorted++;
    }
    for (size_t i = 0; i < n_sorted && r >= 0; i++) {
        if ((unsigned)sorted[i] < first) /* twice in the list */
            continue;
        if ((unsigned)sorted[i] > first)
            r = sys_close_range(first, (unsigned)sorted[i] - 1, 0);
        first = (unsigned)sorted[i] + 1;
    }
    return r < 0 ? r : sys_close_range(first, ~0u, 0);
}

unsigned descriptors_first(const struct launch *launch)
{
    return STDERR_FILENO + 1 + launch->options->n_preserved_fds;
}
