/*
 * Blobs into the store. What comes is counted and hashed as it comes; what is there from an earlier call, or from before
 * a connection broke, is not asked for again.
 */
#include <errno.h>
#include <string.h>

#include "registry/workers.h"

#define PROGRESS_BYTES (64u << 10) /* whoever got so far may fail as often again */

struct fetch {
    struct worker *w;
    struct registry_blob *blob;
    struct image_blob *file;
    char what[80];
};

/* ---- while it comes ------------------------------------------------------------------------------------------- */

/* The part that was asked for, of a blob of this size; or all of it, from a registry that knows no parts. */
static int check_part(struct fetch *f, const struct http_exchange *x, struct err *err)
{
    uint64_t first = 0, last = 0, size = 0;
    const char *text = x->answer.content_range;

    if (!text || content_range_parse(text, &first, &last, &size) < 0)
        return session_wrong(f->w->r, EPROTO, f->what, err,
                             "it sends a part of it (206), but says '%s' of where that belongs",
                             text ? WIRE_QUOTE(text) : "nothing");
    if (first != image_blob_written(f->file) || (size != UINT64_MAX && size != f->blob->size_bytes))
        return session_wrong(f->w->r, EPROTO, f->what, err,
                             "asked for what follows byte %llu of %llu it sends '%s'",
                             (unsigned long long)image_blob_written(f->file),
                             (unsigned long long)f->blob->size_bytes, WIRE_QUOTE(text));
    return 0;
}

static int check_length(struct fetch *f, const struct http_exchange *x, struct err *err)
{
    uint64_t length = 0, left = f->blob->size_bytes - image_blob_written(f->file);
    const char *text = x->answer.content_length;

    if (!text || x->answer.content_encoding || number_parse(text, UINT64_MAX, &length) < 0 ||
        length == left)
        return 0;
    return session_wrong(f->w->r, EPROTO, f->what, err,
                         "it announces %llu bytes where the manifest says %llu",
                         (unsigned long long)length, (unsigned long long)left);
}

static int on_begin(void *data, struct http_exchange *x, struct err *err)
{
    struct fetch *f = data;
    int r = 0;

    if (x->status == 206) {
        r = check_part(f, x, err);
    } else if (image_blob_written(f->file) > 0) {
        r = image_blob_rewind(f->file, err);
        atomic_store(&f->blob->done_bytes, 0);
        atomic_store(&f->blob->kept_bytes, 0);
    }
    return r == 0 ? check_length(f, x, err) : r;
}

static int on_bytes(void *data, const void *bytes, size_t len, struct err *err)
{
    struct fetch *f = data;
    uint64_t written = image_blob_written(f->file);

    if (len > f->blob->size_bytes - written)
        return session_wrong(f->w->r, EFBIG, f->what, err,
                             "it sends more than the %llu bytes that the manifest says",
                             (unsigned long long)f->blob->size_bytes);
    int r = image_blob_add(f->file, bytes, len, err);
    atomic_store(&f->blob->done_bytes, written + len);
    return r;
}

/* ---- one after the other ------------------------------------------------------------------------------------- */

/* Positive: it has all come. 0: the connection ended before, ask again. */
static int fetch_rest(struct fetch *f, struct http_exchange *x, const char *url, struct err *err)
{
    struct registry *r = f->w->r;

    x->from_bytes = image_blob_written(f->file);
    if (x->from_bytes == f->blob->size_bytes && x->from_bytes > 0)
        return 1;
    blob_state(f->blob, REGISTRY_MOVING);
    int result = session_request(r, f->w->curl, x, url, f->what, err);
    if (result < 0 && x->failure == HTTP_OURS)
        return result;
    if (result == 0 && (x->status == 200 || x->status == 206)) {
        if (image_blob_written(f->file) == f->blob->size_bytes)
            return 1;
        /* The end of the connection was taken for the end of the blob. */
        x->failure = HTTP_BROKEN;
        snprintf(x->why, sizeof(x->why), "after %llu of %llu bytes",
                 (unsigned long long)image_blob_written(f->file),
                 (unsigned long long)f->blob->size_bytes);
        return 0;
    }
    if (result == 0 && x->status == 416 && x->from_bytes > 0) {
        x->failure = HTTP_BROKEN;
        return image_blob_rewind(f->file, err);
    }
    return session_may_pass(x) ? 0 : session_explain(r, x, f->what, err);
}

/* All of it, across connections that break. */
static int fetch_all(struct fetch *f, struct err *err)
{
    struct registry *r = f->w->r;
    _cleanup_free_ char *url = session_url(r, "blobs", f->blob->digest);
    _cleanup_exchange_ struct http_exchange x = {
        .method = "GET", .begin = on_begin, .add = on_bytes, .data = f
    };

    if (!url)
        return err_nomem(err);
    for (unsigned attempt = 0;;) {
        uint64_t before = image_blob_written(f->file);
        int result = fetch_rest(f, &x, url, err);
        if (result != 0)
            return result < 0 ? result : 0;
        if (image_blob_written(f->file) > before + PROGRESS_BYTES)
            attempt = 0;
        blob_state(f->blob, REGISTRY_RETRYING);
        if (attempt >= r->options->retries || session_pause(r, &x, attempt) < 0)
            return session_explain(r, &x, f->what, err);
        attempt++;
    }
}

/* Into its place. Positive: what an earlier call left was not right, all has to come again. */
static int put(struct fetch *f, bool kept, struct err *err)
{
    struct registry *r = f->w->r;

    blob_state(f->blob, REGISTRY_CHECKING);
    int result = image_blob_finish(f->file, f->blob->digest, f->blob->size_bytes, NULL, err);
    if (result != -EBADMSG)
        return result;
    /* Nothing of this is to be built on. */
    struct err again = ERR_INIT;
    int rewound = image_blob_rewind(f->file, &again);
    atomic_store(&f->blob->done_bytes, 0);
    if (kept && rewound == 0) {
        atomic_store(&f->blob->kept_bytes, 0);
        return 1;
    }
    return session_wrong(r, EBADMSG, f->what, err,
                         "what it sends has another digest: it is damaged or forged");
}

/* Positive: somebody else is at it just now. */
static int fetch_locked(struct worker *w, struct registry_blob *blob, struct err *err)
{
    _cleanup_image_blob_ struct image_blob *file = NULL;
    struct fetch f = { .w = w, .blob = blob };

    int result = image_blob_resume(w->store, w->r->options->hash, blob->digest, &file, err);
    if (result != 0)
        return result;
    f.file = file;
    snprintf(f.what, sizeof(f.what), "the blob %.26s", blob->digest);
    if (image_blob_written(file) > blob->size_bytes)
        result = image_blob_rewind(file, err);
    uint64_t kept = image_blob_written(file);
    atomic_store(&blob->kept_bytes, kept);
    atomic_store(&blob->done_bytes, kept);
    if (result == 0)
        result = fetch_all(&f, err);
    if (result == 0)
        result = put(&f, kept > 0, err);
    if (result > 0) {
        result = fetch_all(&f, err);
        if (result == 0)
            result = put(&f, false, err);
    }
    return result;
}

/* Until it is in the store, whoever puts it there. */
static int fetch_wait(struct worker *w, struct registry_blob *blob, enum registry_blob_state *end,
                      struct err *err)
{
    *end = REGISTRY_THERE;
    while (!image_blob_has(w->store, blob->digest)) {
        int r = fetch_locked(w, blob, err);
        if (r < 0)
            return r;
        if (r == 0) {
            *end = REGISTRY_DONE;
            break;
        }
        blob_state(blob, REGISTRY_ELSEWHERE);
        if (worker_nap(w) < 0)
            return err_set(err, ECANCELED,
                           "waiting for another call that fetches %.26s was given up",
                           blob->digest);
    }
    atomic_store(&blob->done_bytes, blob->size_bytes);
    return 0;
}

static int fetch_one(struct worker *w, struct registry_blob *blob, struct err *err)
{
    const struct registry_options *o = w->r->options;
    enum registry_blob_state end = REGISTRY_DONE;

    int r = fetch_wait(w, blob, &end, err);
    if (r == 0 && o->fetched) {
        blob_state(blob, REGISTRY_UNPACKING);
        r = o->fetched(o->fetched_data, blob, err);
    }
    if (r < 0)
        return r;
    blob_state(blob, end);
    return 0;
}

int registry_fetch(struct registry *r, struct image_store *store, struct registry_blob *blobs,
                   size_t n, struct err *err)
{
    return workers_run(r, store, blobs, n, fetch_one, err);
}
