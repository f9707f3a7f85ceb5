/* What is seen of layers on their way: bars on a terminal, lines elsewhere. */
#pragma once

#include "registry/registry.h"

struct progress {
    bool quiet;
    bool terminal;  /* bars on stderr; else a line for each change */
    unsigned lines; /* drawn, and to be drawn over */
    /* For each blob, made at the first tick: what was seen of it last. */
    struct progress_blob {
        unsigned state;
        double rate; /* bytes in a second, smoothed */
        uint64_t rate_at_us, rate_bytes;
    } * blobs;
    size_t n;
};

/* Bars if stderr is a terminal that can draw over itself. */
void progress_init(struct progress *p, bool quiet);
void progress_done(struct progress *p);
/* registry_options.tick; data is the struct progress. */
void progress_tick(void *data, const struct registry_blob *blobs, size_t n);
/* The last look, when all has ended: the lines stay. */
void progress_end(struct progress *p, const struct registry_blob *blobs, size_t n);

/*
 * One blob's line, without its end, at most width columns: short digest, bar, bytes, rate, time left. Pure.
 * rate in bytes a second; 0: not known.
 */
void progress_line(const char *digest, enum registry_blob_state state, uint64_t done_bytes,
                   uint64_t size_bytes, double rate, unsigned width, struct buf *ret);
/* "4 s", "2 min 5 s", "1 h 3 min". Pure. */
void progress_time(uint64_t seconds, char *ret, size_t size);
