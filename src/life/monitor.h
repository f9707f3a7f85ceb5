/* life, private: the monitor of one container, in the foreground or by itself. */
#pragma once

#include "life/life_private.h"
#include "root/root.h"

struct monitor;
struct watch;
typedef void (*watch_fn)(struct monitor *monitor, struct watch *watch, uint32_t events);

/* A descriptor in the monitor's epoll set. */
struct watch {
    watch_fn fn;
    void *data;
    int fd;          /* -1: none */
    uint32_t events; /* 0: not in the set */
};
#define WATCH_INIT ((struct watch){ .fd = -1 })

/* Whom output goes to. */
struct sink {
    struct watch watch; /* for room to write */
    unsigned stream;
    size_t taken; /* of the stream's bytes */
    bool owner;   /* whoever has us in the foreground: has all the time he wants */
    bool pollable;
    bool waiting;
    bool behind;      /* was too slow: what does not fit is dropped */
    uint64_t dropped; /* and not told yet */
};

struct client {
    struct client *next;
    struct watch connection, in;
    struct sink sinks[2];
    bool wants_start, wants_end, attached;
    bool gone; /* freed when nobody looks at it */
};

/* COMMAND's output, through a pipe of ours. */
struct stream {
    struct watch watch;
    char *data; /* owned, LOG_LINE_BYTES; NULL: nothing came yet */
    size_t length;
};

/* Asking it whether it is well: health.c. */
#define HEALTH_OUTPUT_BYTES 4096u

enum health_status { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

struct health {
    struct spec_health plan;   /* test is owned; NULL: it is not asked */
    enum health_status status; /* NONE outside of a run */
    unsigned failures;         /* in a row */
    uint64_t due_us; /* CLOCK_MONOTONIC: of the next check, or the end of its time; 0: none */
    struct run_process *process; /* the check that is on its way, owned; NULL: none */
    struct watch ended, out;     /* its end, its output */
    bool late;                   /* it took too long */
    uint64_t begun_us;           /* CLOCK_REALTIME */
    size_t length;
    char output[HEALTH_OUTPUT_BYTES];
};

struct monitor {
    struct life *life;
    struct container_dir dir;
    int lock_fd;    /* LOCK_MONITOR */
    int command_fd; /* LOCK_COMMAND, until COMMAND has begun; or -1 */
    int epoll_fd;
    struct watch listener, timer, signals;
    struct client *clients;
    struct stream streams[2];
    struct watch in; /* the pipe that is COMMAND's stdin; fd -1: none */
    struct log log;

    bool foreground;
    int stdio[3];

    struct spec *spec;
    struct restart_policy policy;
    struct root_volumes volumes; /* held while it runs */
    struct run *run;             /* while there is one */
    int inner[3];                /* the ends of pipes that are COMMAND's */
    char **environ;              /* owned: of the host's root */
    char *origin;                /* owned */
    struct result *result;       /* of the last run */
    struct err error;            /* of one that could not be made */
    bool begun, paused;
    bool stopped; /* by a user's word: no restart */
    bool ended;   /* for good */
    int status;   /* 0..255 of the last run */
    unsigned restarts;
    struct health health;
    uint64_t begun_us, delay_us;
    uint64_t kill_us, patience_us, restart_us, settle_us; /* CLOCK_MONOTONIC; 0: not armed */
};

/* monitor.c */
void monitor_wake_at(struct monitor *monitor);
int monitor_watch(struct monitor *monitor, struct watch *watch, uint32_t events);
/* Handle what has happened; wait: until something has. */
int monitor_dispatch(struct monitor *monitor, bool wait);
/* Ask COMMAND to end, or end it: timeout_us 0 at once, UINT64_MAX after the container's own time. */
int monitor_stop(struct monitor *monitor, uint64_t timeout_us, struct err *err);

/* output.c */
void stream_open(struct monitor *monitor, unsigned index, int fd);
/* What is still in the pipes, when nobody writes any more. */
void streams_drain(struct monitor *monitor);
void streams_close(struct monitor *monitor);
void sink_open(struct sink *sink, unsigned stream, int fd, bool owner);
void sink_close(struct monitor *monitor, struct sink *sink);
/* Those that have held COMMAND up for long enough do so no more. */
void sinks_give_up(struct monitor *monitor);

/* client.c */
int clients_listen(struct monitor *monitor, struct err *err);
/* fd is taken over. NULL: no memory. */
struct client *client_add(struct monitor *monitor, int fd);
/* What a client has sent so far, before anything else. */
void client_read_now(struct monitor *monitor, struct client *client);
void clients_tell_started(struct monitor *monitor);
/* err NULL: it has ended. */
void clients_tell_end(struct monitor *monitor, const struct err *err);
void clients_done(struct monitor *monitor);

/* supervise.c */
/* One run from start to end: monitor->result, or an error. */
int monitor_run_once(struct monitor *monitor, struct err *err);
