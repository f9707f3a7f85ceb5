/*
 * The cgroup room by itself: the groups of containers, which the command line of runs does not make.
 *
 *     groups RECORD make [OPTION...] LIMIT=VALUE ...     OPTION: path=PATH named mirror halves
 *     groups RECORD enter COMMAND [ARG...]                executes COMMAND in the groups
 *     groups RECORD update [mirror] LIMIT=VALUE ... -- LIMIT=VALUE ...   what they are and what they become
 *     groups RECORD pids | frozen | freeze | thaw | kill | remove | reclaim
 *     groups RECORD signal NUMBER                         tells how many got it
 *     groups RECORD oom COMMAND [ARG...]                  executes it in the groups, tells of memory that ran out
 *     groups RECORD count                                 counters of the limits
 *
 * RECORD is a file with the lines of group_paths(). What cannot be done is told on stderr, status 125.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup/cgroup.h"

static struct err err = ERR_INIT;

static void check(int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "groups: %s\n", *err.text ? err.text : strerror(-r));
    exit(125);
}

static struct cgroups *discover(const char *path, bool named)
{
    struct cgroups_options options = {
        .root_fd = -1, .path = path, .named = named, .rootless = geteuid() != 0
    };
    struct cgroups *cgroups = NULL;

    check(cgroups_open(&options, &cgroups, &err));
    return cgroups;
}

/* "memory=50m" ... up to "--"; returns how many words. */
static int limits_read(char **words, struct limit_set *ret)
{
    int n = 0;

    for (; words[n] && strcmp(words[n], "--") != 0; n++) {
        char name[64];
        const char *equals = strchr(words[n], '=');
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(words[n], "="), words[n]);
        enum limit_id id = limit_find(name);
        if (id == LIMIT_NONE) {
            fprintf(stderr, "groups: there is no limit %s\n", name);
            exit(2);
        }
        check(limit_parse(id, equals ? equals + 1 : NULL, &(struct limit_context){ 0 }, ret, &err));
    }
    return n;
}

static struct plan *plan_make(struct cgroups *cgroups, const struct limit_set *set, bool mirror,
                              const struct limit_set *current, struct machine *machine)
{
    struct plan_options options = { .mirror = mirror,
                                    .measure = ~0u,
                                    .literal = true,
                                    .beyond_machine = true,
                                    .current = current };
    struct plan *plan = NULL;

    check(machine_read(-1, machine, &err));
    check(limits_plan(set, cgroups_layout(cgroups), machine, &options, &plan, &err));
    return plan;
}

/* Somebody lives there already when the limits come. */
static void settle(int group_fd)
{
    int procs = openat(group_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC), ready[2];
    char byte;

    check(procs < 0 || pipe(ready) < 0 ? -errno : 0);
    if (fork() == 0) {
        check(write(procs, "0", 1) == 1 ? 0 : -errno);
        close(ready[0]);
        close(ready[1]);
        pause();
    }
    close(ready[1]);
    while (read(ready[0], &byte, 1) > 0)
        continue;
    close(ready[0]);
    close(procs);
}

static void make(const char *record, char **words)
{
    bool named = false, mirror = false, halves = false;
    const char *path = NULL;
    struct limit_set set = { 0 };
    struct machine machine;
    struct buf paths = BUF_INIT;
    struct group *group = NULL;

    for (;; words++) {
        if (*words && strcmp(*words, "named") == 0)
            named = true;
        else if (*words && strcmp(*words, "mirror") == 0)
            mirror = true;
        else if (*words && strcmp(*words, "halves") == 0)
            halves = true;
        else if (*words && strncmp(*words, "path=", 5) == 0)
            path = *words + 5;
        else
            break;
    }
    limits_read(words, &set);
    struct cgroups *cgroups = discover(path, named);
    struct plan *plan = plan_make(cgroups, &set, mirror, NULL, &machine);
    check(group_paths(cgroups, plan, "groups-test", &paths, &err));
    int fd = open(record, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(fd < 0 || write(fd, paths.data, paths.len) < 0 ? -errno : 0);
    check(group_begin(cgroups, plan, &machine, "groups-test", &group, &err));
    if (halves && group_entry(group).v2_fd >= 0)
        settle(group_entry(group).v2_fd);
    int r = group_complete(group, &err);
    if (r < 0) { /* whoever makes groups in halves undoes them */
        group_kill(group, 5000000, NULL);
        group_remove(group, NULL);
    }
    check(r);
}

static struct group *open_again(const char *record)
{
    struct buf paths = BUF_INIT;
    struct group *group = NULL;

    check(file_read(AT_FDCWD, record, 1 << 20, &paths));
    check(group_open(discover(NULL, true), buf_text(&paths), &group, &err));
    return group;
}

static void enter(struct group *group, char **words)
{
    struct group_entry entry = group_entry(group);

    if (entry.v2_fd >= 0) {
        int procs = openat(entry.v2_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        check(write(procs, "0", 1) == 1 ? 0 : -errno);
    }
    for (size_t i = 0; i < entry.n_tasks_fds; i++)
        check(write(entry.tasks_fds[i], "0", 1) == 1 ? 0 : -errno);
    execvp(words[0], words);
    check(-errno);
}

static void update(const char *record, char **words)
{
    struct limit_set old = { 0 }, new = { 0 };
    bool mirror = strcmp(words[0], "mirror") == 0;
    struct cgroups *cgroups = discover(NULL, true);
    struct machine machine;
    char **read_back = NULL;

    words += mirror;
    words += limits_read(words, &old);
    limits_read(*words ? words + 1 : words, &new);
    struct plan *made = plan_make(cgroups, &old, mirror, NULL, &machine);
    struct plan *plan = plan_make(cgroups, &new, mirror, &made->in_force, &machine);
    check(group_update(open_again(record), made, plan, &machine, &read_back, &err));
    for (size_t i = 0; i < plan->n_steps; i++)
        printf("%s%s %s\n", plan->steps[i].target == PLAN_INNER ? "box/" : "", plan->steps[i].file,
               read_back[i] ? read_back[i] : "-");
}

static void watch_oom(struct group *group, char **words)
{
    uint64_t before = 0, now = 0;
    int fd, status;

    check(group_oom_open(group, &fd, &err));
    check(group_oom_read(group, fd, &before));
    pid_t pid = fork();
    if (pid == 0)
        enter(group, words);
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    int ready = poll(&poll_fd, 1, 20000);
    waitpid(pid, &status, 0);
    check(group_oom_read(group, fd, &now));
    printf("%s %s\n", ready > 0 ? "told" : "not told", now > before ? "more" : "no more");
}

static void count(struct group *group)
{
    struct event_counts counts;
    struct sample sample;

    group_events(group, true, false, &counts);
    group_sample(group, &sample, NULL);
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        if (counts.event[i].known)
            printf("%s %llu\n", counts.event[i].source, (unsigned long long)counts.event[i].after);
    if (sample.value[METRIC_MEMORY_FAILCNT].known)
        printf("failcnt %llu\n", (unsigned long long)sample.value[METRIC_MEMORY_FAILCNT].value);
}

static void pids(const struct group *group)
{
    pid_t *list;
    size_t n;

    check(group_pids(group, &list, &n, &err));
    for (size_t i = 0; i < n; i++)
        printf("%d\n", list[i]);
    free(list);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    const char *record = argv[1], *verb = argv[2];
    struct buf paths = BUF_INIT;

    if (strcmp(verb, "make") == 0)
        make(record, argv + 3);
    else if (strcmp(verb, "enter") == 0)
        enter(open_again(record), argv + 3);
    else if (strcmp(verb, "update") == 0)
        update(record, argv + 3);
    else if (strcmp(verb, "pids") == 0)
        pids(open_again(record));
    else if (strcmp(verb, "frozen") == 0)
        puts(group_is_frozen(open_again(record)) ? "yes" : "no");
    else if (strcmp(verb, "freeze") == 0 || strcmp(verb, "thaw") == 0)
        check(group_freeze(open_again(record), verb[0] == 'f', 5000000, &err));
    else if (strcmp(verb, "kill") == 0)
        check(group_kill(open_again(record), 10000000, &err));
    else if (strcmp(verb, "remove") == 0)
        check(group_remove(open_again(record), &err));
    else if (strcmp(verb, "signal") == 0 && argc > 3)
        printf("%d\n", group_signal(open_again(record), atoi(argv[3]), &err));
    else if (strcmp(verb, "oom") == 0)
        watch_oom(open_again(record), argv + 3);
    else if (strcmp(verb, "count") == 0)
        count(open_again(record));
    else if (strcmp(verb, "reclaim") == 0) {
        check(file_read(AT_FDCWD, record, 1 << 20, &paths));
        check(group_reclaim(buf_text(&paths), -1, RECLAIM_KILL, &err));
    } else
        return 2;
    return 0;
}
