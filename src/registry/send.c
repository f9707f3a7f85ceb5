/*
 * Blobs to a registry: not when it has them, from another of its repositories when it may, else in one piece or in
 * parts. After a broken connection the registry is asked how much of it has arrived.
 *
 * Source: OCI distribution specification 1.1, "Pushing blobs"; docker's registry API for the upload's status.
 */
#include <errno.h>
#include <string.h>

#include "registry/workers.h"

#define CHUNK_BYTES    (64ull << 20)
#define PROGRESS_BYTES (64u << 10)

struct sending {
    struct worker *w;
    struct registry_blob *blob;
    int fd;
    char *location;    /* where the next part goes; NULL: begin anew */
    uint64_t at_bytes; /* how much the registry has */
    uint64_t chunk_bytes;
    bool done;
    char what[100];
};

static int ask(struct sending *s, struct http_exchange *x, const char *url, struct err *err)
{
    x->body_max = HTTP_ERROR_BODY_MAX;
    return session_request(s->w->r, s->w->curl, x, url, s->what, err);
}

/* ---- what is there already ------------------------------------------------------------------------------------- */

/* Positive: the registry has it. */
static int is_there(struct sending *s, struct err *err)
{
    struct registry *r = s->w->r;
    _cleanup_free_ char *url = session_url(r, "blobs", s->blob->digest);
    _cleanup_exchange_ struct http_exchange x = { .method = "HEAD",
                                                  .total_us = 2 * r->http.timeout_us };

    if (!url)
        return err_nomem(err);
    int result = session_try(r, s->w->curl, &x, url, s->what, err);
    if (result < 0)
        return result;
    if (x.status == 200)
        return 1;
    return x.status == 404 ? 0 : session_explain(r, &x, s->what, err);
}

/* ---- an upload -------------------------------------------------------------------------------------------------- */

/* Where the answer says that it goes on. */
static int take_location(struct sending *s, const struct http_exchange *x, struct err *err)
{
    struct registry *r = s->w->r;
    char *next = NULL;

    if (!x->answer.location)
        return session_wrong(r, EPROTO, s->what, err,
                             "it does not say where to send it (no Location)");
    int result = url_resolve(x->url, x->answer.location, &next, err);
    if (result == 0)
        result = session_may_visit(r, next, err);
    if (result < 0) {
        free(next);
        err_prefix(err, "registry %.100s, asked for %.100s", r->host, s->what);
        return result;
    }
    free(s->location);
    s->location = next;
    return 0;
}

static char *upload_url(const struct sending *s)
{
    struct registry *r = s->w->r;
    const char *from = s->blob->mount_from;
    char *url = session_url(r, "blobs", "uploads/");

    if (!url || !from)
        return url;
    char *mount = url_with_query(url, "mount", s->blob->digest);
    free(url);
    url = mount ? url_with_query(mount, "from", from) : NULL;
    free(mount);
    return url;
}

/* Begin an upload, or have the blob taken from elsewhere, which ends it. */
static int begin(struct sending *s, struct err *err)
{
    struct registry *r = s->w->r;
    _cleanup_free_ char *url = upload_url(s);
    _cleanup_exchange_ struct http_exchange x = { .method = "POST",
                                                  .body_max = HTTP_ERROR_BODY_MAX,
                                                  .total_us = 4 * r->http.timeout_us };

    if (!url)
        return err_nomem(err);
    s->at_bytes = 0;
    atomic_store(&s->blob->done_bytes, 0);
    int result = session_try(r, s->w->curl, &x, url, s->what, err);
    if (result < 0)
        return result;
    if (x.status == 201 && s->blob->mount_from) {
        blob_state(s->blob, REGISTRY_MOUNTED);
        s->done = true;
        return 0;
    }
    if (x.status != 202)
        return session_explain(r, &x, s->what, err);
    return take_location(s, &x, err);
}

/* Some registries want larger parts. */
static void heed_minimum(struct sending *s, const struct http_exchange *x)
{
    uint64_t bytes = 0;

    if (x->answer.chunk_min && number_parse(x->answer.chunk_min, UINT64_MAX, &bytes) == 0 &&
        bytes > s->chunk_bytes)
        s->chunk_bytes = bytes;
}

static int take_patch(struct sending *s, const struct http_exchange *x, struct err *err)
{
    s->at_bytes = x->body_at + x->body_size;
    heed_minimum(s, x);
    return take_location(s, x, err);
}

/*
 * The next request of an upload: all of it and its digest (PUT), a part (PATCH), or the digest alone when all is
 * there. Positive: something came in between that may pass.
 */
static int step(struct sending *s, struct http_exchange *x, struct err *err)
{
    struct registry *r = s->w->r;
    uint64_t left = s->blob->size_bytes - s->at_bytes;
    bool part = left > 0 && (s->at_bytes > 0 || left > s->chunk_bytes);
    uint64_t bytes = part && left > s->chunk_bytes ? s->chunk_bytes : left;
    _cleanup_free_ char *url =
        part ? strdup(s->location) : url_with_query(s->location, "digest", s->blob->digest);
    char range[64];

    if (!url)
        return err_nomem(err);
    snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)s->at_bytes,
             (unsigned long long)(s->at_bytes + bytes - 1));
    x->method = part ? "PATCH" : "PUT";
    x->content_range = part ? range : NULL;
    x->content_type = "application/octet-stream";
    x->body_fd = s->fd;
    x->body_at = s->at_bytes;
    x->body_size = bytes;
    x->sent_bytes = &s->blob->done_bytes;
    blob_state(s->blob, bytes > 0 ? REGISTRY_MOVING : REGISTRY_CHECKING);
    int result = ask(s, x, url, err);
    x->content_range = NULL;
    if (result < 0 && x->failure == HTTP_OURS)
        return result;
    if (result == 0 && part && x->status == 202)
        return take_patch(s, x, err);
    if (result == 0 && !part && (x->status == 201 || x->status == 204)) {
        s->done = true;
        return 0;
    }
    /* 416: we do not agree on what is there. 404: the upload is gone. */
    if (session_may_pass(x) || (result == 0 && (x->status == 416 || x->status == 404)))
        return 1;
    return session_explain(r, x, s->what, err);
}

/* How far did it come? An upload that is gone, or that nothing is told of, begins anew. */
static int find_place(struct sending *s, struct err *err)
{
    _cleanup_exchange_ struct http_exchange x = { .method = "GET",
                                                  .total_us = 2 * s->w->r->http.timeout_us };
    uint64_t bytes = 0;

    int result = ask(s, &x, s->location, err);
    if (result < 0 && x.failure == HTTP_OURS)
        return result;
    if (result == 0 && x.status == 204 && x.answer.range &&
        upload_range_parse(x.answer.range, &bytes) == 0 && bytes <= s->blob->size_bytes) {
        s->at_bytes = bytes;
        atomic_store(&s->blob->done_bytes, bytes);
        heed_minimum(s, &x);
        return x.answer.location ? take_location(s, &x, err) : 0;
    }
    free(s->location);
    s->location = NULL;
    s->at_bytes = 0;
    return 0;
}

static int upload(struct sending *s, struct err *err)
{
    struct registry *r = s->w->r;
    _cleanup_exchange_ struct http_exchange x = { 0 };

    for (unsigned attempt = 0; !s->done;) {
        uint64_t before = s->at_bytes;
        int result = s->location ? 0 : begin(s, err);
        if (result == 0 && !s->done)
            result = step(s, &x, err);
        if (result < 0)
            return result;
        if (result == 0)
            continue;
        blob_state(s->blob, REGISTRY_RETRYING);
        if (attempt >= r->options->retries || session_pause(r, &x, attempt) < 0)
            return session_explain(r, &x, s->what, err);
        attempt++;
        /* The answer alone may have been lost. */
        result = is_there(s, err);
        if (result > 0)
            break;
        if (result == 0)
            result = find_place(s, err);
        if (result < 0)
            return result;
        if (s->at_bytes > before + PROGRESS_BYTES)
            attempt = 0;
    }
    return 0;
}

static int send_one(struct worker *w, struct registry_blob *blob, struct err *err)
{
    const struct registry_options *o = w->r->options;
    _cleanup_close_ int fd = -1;
    struct sending s = { .w = w, .blob = blob };
    uint64_t size = 0;

    snprintf(s.what, sizeof(s.what), "room for the blob %.26s", blob->digest);
    s.chunk_bytes = o->chunk_bytes ? o->chunk_bytes : CHUNK_BYTES;
    int result = is_there(&s, err);
    if (result > 0) {
        atomic_store(&blob->done_bytes, blob->size_bytes);
        blob_state(blob, REGISTRY_THERE);
        return 0;
    }
    if (result < 0)
        return result;
    fd = image_blob_open(w->store, blob->digest, &size, err);
    if (fd < 0)
        return fd;
    if (size != blob->size_bytes)
        return err_set(err, EBADMSG,
                       "the blob %s in the store has %llu bytes, and not the %llu of its manifest: "
                       "ration image verify",
                       blob->digest, (unsigned long long)size,
                       (unsigned long long)blob->size_bytes);
    s.fd = fd;
    result = upload(&s, err);
    free(s.location);
    if (result < 0)
        return result;
    if (atomic_load(&blob->state) != REGISTRY_MOUNTED)
        blob_state(blob, REGISTRY_DONE);
    atomic_store(&blob->done_bytes, blob->size_bytes);
    return 0;
}

/* Repositories that we take from have to be in the token, too. */
static int add_scopes(struct registry *r, const struct registry_blob *blobs, size_t n)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < n; i++) {
        bool known = !blobs[i].mount_from || strcmp(blobs[i].mount_from, r->ref->path) == 0;
        for (char **s = r->mount_scopes; !known && s && *s; s++)
            known = strcmp(*s, blobs[i].mount_from) == 0;
        if (known)
            continue;
        result = strv_push(&r->mount_scopes, blobs[i].mount_from);
        r->authorized = 0;
    }
    return result;
}

int registry_send(struct registry *r, struct image_store *store, struct registry_blob *blobs,
                  size_t n, struct err *err)
{
    if (add_scopes(r, blobs, n) < 0)
        return err_nomem(err);
    return workers_run(r, store, blobs, n, send_one, err);
}
