/* Bars and lines of layers on their way. */
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "imagecli/imagecli.h"
#include "imagecli/progress.h"

#define DIGEST_COLUMNS 12
#define BAR_MIN        8
#define BAR_MAX        30
#define RATE_US        500000u /* how often the rate is looked at */

static const char *const state_table[] = {
    [REGISTRY_WAITING] = "waiting",
    [REGISTRY_ELSEWHERE] = "another call is at it",
    [REGISTRY_MOVING] = "",
    [REGISTRY_RETRYING] = "broken off, trying again",
    [REGISTRY_CHECKING] = "checking",
    [REGISTRY_UNPACKING] = "unpacking",
    [REGISTRY_DONE] = "done",
    [REGISTRY_THERE] = "there already",
    [REGISTRY_MOUNTED] = "taken from another repository",
};

/* ---- words -------------------------------------------------------------------------------------------------- */

void progress_time(uint64_t seconds, char *ret, size_t size)
{
    if (seconds < 60)
        snprintf(ret, size, "%u s", (unsigned)seconds);
    else if (seconds < 3600)
        snprintf(ret, size, "%u min %u s", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    else if (seconds < 360000)
        snprintf(ret, size, "%u h %u min", (unsigned)(seconds / 3600),
                 (unsigned)(seconds / 60 % 60));
    else
        snprintf(ret, size, "days");
}

static const char *short_digest(const char *digest)
{
    const char *colon = strchr(digest, ':');

    return colon ? colon + 1 : digest;
}

static void add_bar(uint64_t done, uint64_t size, unsigned columns, struct buf *ret)
{
    unsigned full = size ? (unsigned)((double)done / (double)size * columns) : columns;

    if (full > columns)
        full = columns;
    buf_putc(ret, '[');
    for (unsigned i = 0; i < columns; i++)
        buf_putc(ret, i < full ? '=' : i == full ? '>' : ' ');
    buf_putc(ret, ']');
}

/* "12.3 MiB of 45.0 MiB  8.1 MiB/s  4 s left" */
static void add_figures(uint64_t done, uint64_t size, double rate, struct buf *ret)
{
    char one[32], other[32], speed[32], left[32];

    bytes_show(done, one, sizeof(one));
    bytes_show(size, other, sizeof(other));
    buf_printf(ret, "%s of %s", one, other);
    if (rate < 1)
        return;
    bytes_show((uint64_t)rate, speed, sizeof(speed));
    double seconds = size > done ? (double)(size - done) / rate : 0;
    progress_time(seconds < 1e9 ? (uint64_t)(seconds + 0.999) : 1000000000, left, sizeof(left));
    buf_printf(ret, "  %s/s  %s left", speed, left);
}

void progress_line(const char *digest, enum registry_blob_state state, uint64_t done_bytes,
                   uint64_t size_bytes, double rate, unsigned width, struct buf *ret)
{
    _cleanup_buf_ struct buf figures = BUF_INIT;
    size_t start = ret->len;
    char size[32];

    buf_printf(ret, "%.*s  ", DIGEST_COLUMNS, short_digest(digest));
    if (state == REGISTRY_MOVING) {
        add_figures(done_bytes, size_bytes, rate, &figures);
        unsigned taken = DIGEST_COLUMNS + 2 + 2 + 2 + (unsigned)figures.len;
        unsigned room = width > taken ? width - taken : 0;
        if (room >= BAR_MIN) {
            add_bar(done_bytes, size_bytes, room < BAR_MAX ? room : BAR_MAX, ret);
            buf_puts(ret, "  ");
        }
        buf_puts(ret, buf_text(&figures));
    } else {
        bytes_show(size_bytes, size, sizeof(size));
        buf_printf(ret, "%s  %s", size, state_table[state]);
    }
    if (ret->data && ret->len > start + width) {
        ret->len = start + width;
        ret->data[ret->len] = '\0';
    }
}

/* ---- looking ------------------------------------------------------------------------------------------------ */

void progress_init(struct progress *p, bool quiet)
{
    const char *term = getenv("TERM");

    *p = (struct progress){ .quiet = quiet };
    p->terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void progress_done(struct progress *p)
{
    free(p->blobs);
    *p = (struct progress){ 0 };
}

/* The rate since a moment ago, smoothed; what an earlier call had left does not count. */
static void look(struct progress_blob *seen, const struct registry_blob *blob, uint64_t now_us)
{
    uint64_t done = atomic_load(&blob->done_bytes);
    unsigned state = atomic_load(&blob->state);

    if (state != REGISTRY_MOVING)
        return;
    if (seen->rate_at_us == 0 || done < seen->rate_bytes) {
        seen->rate_at_us = now_us;
        seen->rate_bytes = done;
        seen->rate = 0;
    } else if (now_us - seen->rate_at_us >= RATE_US) {
        double now = (double)(done - seen->rate_bytes) * 1e6 / (double)(now_us - seen->rate_at_us);
        seen->rate = seen->rate > 0 ? 0.7 * seen->rate + 0.3 * now : now;
        seen->rate_at_us = now_us;
        seen->rate_bytes = done;
    }
}

static void write_out(const struct buf *text)
{
    if (text->len > 0)
        (void)fd_write_all(STDERR_FILENO, text->data, text->len);
}

/* ---- lines -------------------------------------------------------------------------------------------------- */

/* One line for whatever became of a blob since the last look. */
static void tell_changes(struct progress *p, const struct registry_blob *blobs)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    for (size_t i = 0; i < p->n; i++) {
        unsigned state = atomic_load(&blobs[i].state);
        uint64_t kept = atomic_load(&blobs[i].kept_bytes);
        char size[32], had[32];
        if (state == p->blobs[i].state || state == REGISTRY_CHECKING || state == REGISTRY_UNPACKING)
            continue;
        p->blobs[i].state = state;
        bytes_show(blobs[i].size_bytes, size, sizeof(size));
        bytes_show(kept, had, sizeof(had));
        buf_printf(&text, "%.*s  %s  ", DIGEST_COLUMNS, short_digest(blobs[i].digest), size);
        if (state == REGISTRY_MOVING && kept > 0)
            buf_printf(&text, "going on after %s\n", had);
        else
            buf_printf(&text, "%s\n", state == REGISTRY_MOVING ? "begun" : state_table[state]);
    }
    write_out(&text);
}

/* ---- bars --------------------------------------------------------------------------------------------------- */

static struct winsize terminal_size(void)
{
    struct winsize size = { 0 };

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
        size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
    return size;
}

static bool is_settled(unsigned state)
{
    return state >= REGISTRY_DONE;
}

/* With more blobs than lines those on their way are what is worth seeing. */
static bool is_shown(const struct registry_blob *blob, bool all)
{
    unsigned state = atomic_load(&blob->state);

    return all || (!is_settled(state) && state != REGISTRY_WAITING);
}

static void add_total(const struct registry_blob *blobs, size_t n, struct buf *ret)
{
    uint64_t done = 0, size = 0;
    size_t settled = 0;
    char one[32], other[32];

    for (size_t i = 0; i < n; i++) {
        done += atomic_load(&blobs[i].done_bytes);
        size += blobs[i].size_bytes;
        settled += is_settled(atomic_load(&blobs[i].state));
    }
    bytes_show(done, one, sizeof(one));
    bytes_show(size, other, sizeof(other));
    buf_printf(ret, "%zu of %zu blobs, %s of %s\033[K\n", settled, n, one, other);
}

static void draw(struct progress *p, const struct registry_blob *blobs)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct winsize size = terminal_size();
    bool all = p->n + 2 < size.ws_row;
    unsigned lines = 0;

    if (p->lines > 0)
        buf_printf(&text, "\033[%uA", p->lines);
    for (size_t i = 0; i < p->n && lines + 2 < size.ws_row; i++) {
        if (!is_shown(&blobs[i], all))
            continue;
        progress_line(blobs[i].digest, atomic_load(&blobs[i].state),
                      atomic_load(&blobs[i].done_bytes), blobs[i].size_bytes, p->blobs[i].rate,
                      size.ws_col - 1u, &text);
        buf_puts(&text, "\033[K\n");
        lines++;
    }
    if (!all) {
        add_total(blobs, p->n, &text);
        lines++;
    }
    /* What was drawn further below is not there any more. */
    buf_puts(&text, "\033[J");
    p->lines = lines;
    write_out(&text);
}

void progress_tick(void *data, const struct registry_blob *blobs, size_t n)
{
    struct progress *p = data;
    uint64_t now_us = clock_us(CLOCK_MONOTONIC);

    if (p->quiet)
        return;
    if (!p->blobs) {
        p->blobs = calloc(n, sizeof(*p->blobs));
        if (!p->blobs)
            return;
        p->n = n;
    }
    for (size_t i = 0; i < p->n; i++)
        look(&p->blobs[i], &blobs[i], now_us);
    if (p->terminal)
        draw(p, blobs);
    else
        tell_changes(p, blobs);
}

void progress_end(struct progress *p, const struct registry_blob *blobs, size_t n)
{
    if (n > 0)
        progress_tick(p, blobs, n);
    /* The next ones are others. */
    free(p->blobs);
    p->blobs = NULL;
    p->n = 0;
    p->lines = 0;
}
