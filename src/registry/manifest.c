/* Manifests and indexes, read and written. */
#include <errno.h>
#include <string.h>

#include "registry/session.h"

void registry_document_done(struct registry_document *document)
{
    buf_done(&document->text);
    free(document->media_type);
    *document = (struct registry_document){ 0 };
}

static int digest_of(const struct image_hash *hash, const void *data, size_t len,
                     char ret[static IMAGE_DIGEST_SIZE], struct err *err)
{
    uint8_t sum[32];
    void *h = hash->start();

    if (!h)
        return err_nomem(err);
    hash->add(h, data, len);
    hash->end(h, sum);
    hash->free(h);
    image_digest_format(sum, ret);
    return 0;
}

static void name_document(const struct registry *r, const char *which, char *ret, size_t size)
{
    if (text_starts(which, "sha256:"))
        snprintf(ret, size, "the manifest %.60s@%.19s", r->ref->path, which);
    else
        snprintf(ret, size, "the manifest of %.60s:%.60s", r->ref->path, which);
}

/* What the headers say of a document that has come. */
static int check_headers(struct registry *r, const struct http_exchange *x, const char *what,
                         struct err *err)
{
    const struct http_answer *a = &x->answer;
    enum media_kind kind = media_kind(a->content_type);

    if (x->status != 200)
        return session_explain(r, x, what, err);
    if (a->content_encoding && strcmp(a->content_encoding, "identity") != 0)
        return session_wrong(r, EPROTO, what, err, "it sends it as '%s', unasked",
                             WIRE_QUOTE(a->content_encoding));
    if (kind == MEDIA_OUTDATED)
        return session_wrong(r, EPROTO, what, err,
                             "it has it as schema 1 alone, which nothing can be checked by; it has "
                             "to be pushed anew from a newer client");
    if (kind == MEDIA_PAGE)
        return session_wrong(r, EPROTO, what, err,
                             "it sends a page (%s) instead of a manifest; is the name right?",
                             WIRE_QUOTE(a->content_type));
    return 0;
}

/* What was asked for, what is told, and what has come have to be the same. */
static int check_digest(struct registry *r, const struct http_exchange *x, const char *which,
                        const char *digest, const char *what, struct err *err)
{
    const char *told = x->answer.docker_digest;

    if (text_starts(which, "sha256:") && strcmp(which, digest) != 0)
        return session_wrong(r, EBADMSG, what, err,
                             "what it sends has the digest %.19s...: it is damaged or forged",
                             digest);
    if (told && text_starts(told, "sha256:") && strcmp(told, digest) != 0)
        return session_wrong(
            r, EBADMSG, what, err,
            "it tells the digest %.19s... and sends something with %.19s...: it is "
            "damaged or forged",
            WIRE_QUOTE(told), digest);
    return 0;
}

static int take_document(struct registry *r, struct http_exchange *x, const char *which,
                         const char *what, struct registry_document *ret, struct err *err)
{
    int result = check_headers(r, x, what, err);
    if (result == 0)
        result = digest_of(r->options->hash, buf_text(&x->answer_body), x->answer_body.len,
                           ret->digest, err);
    if (result == 0)
        result = check_digest(r, x, which, ret->digest, what, err);
    if (result < 0)
        return result;
    ret->media_type = media_name(text_or_empty(x->answer.content_type));
    ret->text = x->answer_body;
    x->answer_body = BUF_INIT;
    return ret->media_type ? 0 : err_nomem(err);
}

int registry_read(struct registry *r, const char *tag_or_digest, struct registry_document *ret,
                  struct err *err)
{
    _cleanup_free_ char *url = session_url(r, "manifests", tag_or_digest);
    _cleanup_free_ char *accept = media_accept();
    _cleanup_exchange_ struct http_exchange x = { .method = "GET",
                                                  .accept = accept,
                                                  .body_max = IMAGE_DOCUMENT_MAX,
                                                  .total_us = 4 * r->http.timeout_us };
    char what[200];

    *ret = (struct registry_document){ 0 };
    if (!url || !accept)
        return err_nomem(err);
    name_document(r, tag_or_digest, what, sizeof(what));
    int result = session_try(r, r->curl, &x, url, what, err);
    if (result == 0)
        result = take_document(r, &x, tag_or_digest, what, ret, err);
    if (result < 0)
        registry_document_done(ret);
    return result;
}

int registry_write(struct registry *r, const char *tag_or_digest, const char *media_type,
                   const char *text, size_t len, const char *digest, struct err *err)
{
    _cleanup_free_ char *url = session_url(r, "manifests", tag_or_digest);
    _cleanup_exchange_ struct http_exchange x = { .method = "PUT",
                                                  .content_type = media_type,
                                                  .body = text,
                                                  .body_size = len,
                                                  .body_max = HTTP_ERROR_BODY_MAX,
                                                  .total_us = 8 * r->http.timeout_us };
    char what[200], name[160];

    if (!url)
        return err_nomem(err);
    name_document(r, tag_or_digest, name, sizeof(name));
    snprintf(what, sizeof(what), "room for %s", name);
    int result = session_try(r, r->curl, &x, url, what, err);
    if (result < 0)
        return result;
    if (x.status != 201 && x.status != 200 && x.status != 202)
        return session_explain(r, &x, what, err);
    return check_digest(r, &x, "", digest, what, err);
}
