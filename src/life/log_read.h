/* Private to life: reading a container's log, also while it is written and rotated. */
#pragma once

#include "base/base.h"

struct log_entry {
    uint64_t time_ns; /* since 1970 */
    int stream;       /* 1: stdout, 2: stderr */
    const char *text;
    size_t length;
};

struct log_query {
    bool follow;
    uint64_t tail;               /* so many entries of the end; UINT64_MAX: all */
    uint64_t since_us, until_us; /* since 1970; 0: no bound */
    /* Will there be more? Asked when all that is there was read. NULL: no. */
    bool (*goes_on)(void *data);
    /* 0 to go on; anything else ends the reading and is returned. */
    int (*fn)(void *data, const struct log_entry *entry);
    void *data;
};

/*
 * The log of a container in dir_fd: the files log.N, ..., log.1, log, in this order, each a JSON object a line with
 * the members log, stream and time, as docker writes them. What is no such line (the last one of a writer that was
 * killed) is passed over. With follow, inotify(7) tells of more, and a file that gets another name is read to its
 * end before the next one is begun. A container that has written nothing has no file, which is no error.
 */
int log_read(int dir_fd, const struct log_query *query, struct err *err);

/* One line without its newline, which is changed: false when it is none of a log. Pure. */
bool log_line_parse(char *line, size_t len, struct log_entry *ret);
/* "2026-11-22T09:08:56.123456789Z", any number of digits behind the point, also "+01:00" for the Z. Pure. */
bool log_time_parse(const char *text, uint64_t *ret_ns);
