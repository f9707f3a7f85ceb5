/* The options of a registry. */
#include <errno.h>

#include "imagecli/transfer.h"

#define RETRIES      3
#define RETRIES_MAX  100
#define PARALLEL_MAX 16
#define TIMEOUT_MAX  86400000000u
#define CHUNK_MIN    (64u << 10)

static int read_count(const struct call *call, const char *name, uint64_t min, uint64_t max,
                      unsigned *ret, struct err *err)
{
    const char *text = call_option(call, name);
    uint64_t value = 0;

    if (!text)
        return 0;
    if (number_parse(text, max, &value) < 0 || value < min)
        return err_usage(err, "--%s takes a number from %llu to %llu, not \"%.60s\"", name,
                         (unsigned long long)min, (unsigned long long)max, text);
    *ret = (unsigned)value;
    return 0;
}

static int read_timeout(const struct call *call, uint64_t *ret_us, struct err *err)
{
    const char *text = call_option(call, "timeout");

    if (!text)
        return 0;
    if (duration_parse(text, 1000000, ret_us) < 0 || *ret_us < 1000 || *ret_us > TIMEOUT_MAX)
        return err_usage(err, "--timeout takes a time such as 30s or 2m, not \"%.60s\"", text);
    return 0;
}

static int read_chunk(const struct call *call, uint64_t *ret_bytes, struct err *err)
{
    const char *text = call_option(call, "chunk-size");

    if (!text)
        return 0;
    if (size_parse(text, ret_bytes) < 0 || *ret_bytes < CHUNK_MIN)
        return err_usage(err, "--chunk-size takes a size of 64k or more, not \"%.60s\"", text);
    return 0;
}

int transfer_init(struct transfer *t, struct call *call, struct err *err)
{
    *t = (struct transfer){ .call = call };
    t->options = (struct registry_options){
        .plain_http = call_flag(call, "plain-http"),
        .cert_dir = call_option(call, "cert-dir"),
        .auth_file = call_option(call, "authfile"),
        .retries = RETRIES,
        .hash = &image_sha256,
        .tick = progress_tick,
        .tick_data = &t->progress,
    };
    progress_init(&t->progress, call_flag(call, "quiet"));
    int r = read_count(call, "parallel", 1, PARALLEL_MAX, &t->options.parallel, err);
    if (r == 0)
        r = read_count(call, "retries", 0, RETRIES_MAX, &t->options.retries, err);
    if (r == 0)
        r = read_timeout(call, &t->options.timeout_us, err);
    return r < 0 ? r : read_chunk(call, &t->options.chunk_bytes, err);
}

void transfer_done(struct transfer *t)
{
    registry_close(t->registry);
    image_ref_done(&t->ref);
    progress_done(&t->progress);
}

int transfer_open(struct transfer *t, const char *name, bool push, struct err *err)
{
    int r = image_ref_parse(name, &t->ref, err);

    return r < 0 ? r : registry_open(&t->options, &t->ref, push, &t->registry, err);
}
