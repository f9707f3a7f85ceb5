/*
 * A request and its answer. Everything that the other side could draw out or blow up has a bound here: the
 * time for connecting, the time in which nothing comes, the headers, the body.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "registry/http.h"

/* ---- the answer's headers ----------------------------------------------------------------------------- */

static void answer_done(struct http_answer *a)
{
    free(a->location);
    free(a->content_type);
    free(a->content_encoding);
    free(a->content_range);
    free(a->range);
    free(a->docker_digest);
    free(a->retry_after);
    free(a->link);
    free(a->chunk_min);
    free(a->api_version);
    free(a->content_length);
    challenge_done(&a->challenge);
    *a = (struct http_answer){ 0 };
}

static char **header_place(struct http_answer *a, const char *name, size_t n)
{
    const struct {
        const char *name;
        char **place;
    } header_table[] = {
        { "Location", &a->location },
        { "Content-Type", &a->content_type },
        { "Content-Encoding", &a->content_encoding },
        { "Content-Range", &a->content_range },
        { "Content-Length", &a->content_length },
        { "Range", &a->range },
        { "Docker-Content-Digest", &a->docker_digest },
        { "Docker-Distribution-Api-Version", &a->api_version },
        { "Retry-After", &a->retry_after },
        { "Link", &a->link },
        { "OCI-Chunk-Min-Length", &a->chunk_min },
    };

    for (size_t i = 0; i < ARRAY_SIZE(header_table); i++) {
        if (strlen(header_table[i].name) == n && strncasecmp(header_table[i].name, name, n) == 0)
            return header_table[i].place;
    }
    return NULL;
}

/* One header line, without its end. Of one that stands twice the first counts, but for challenges. */
static int take_header(struct http_exchange *x, const char *line)
{
    size_t n = strcspn(line, ":");

    if (line[n] == '\0')
        return 0;
    const char *value = line + n + 1;
    value += strspn(value, " \t");
    if (n == 16 && strncasecmp(line, "WWW-Authenticate", n) == 0) {
        struct err err = ERR_INIT;
        if (challenge_parse(value, &x->answer.challenge, &err) == -ENOMEM)
            return -ENOMEM;
        if (err.code) {
            x->answer.bad_challenge = true;
            snprintf(x->answer.why, sizeof(x->answer.why), "%s", err.text);
        }
        return 0;
    }
    char **place = header_place(&x->answer, line, n);
    if (!place || *place)
        return 0;
    *place = strdup(value);
    return *place ? 0 : -ENOMEM;
}

/* CURLOPT_HEADERFUNCTION(3): a whole line each time. */
static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
    struct http_exchange *x = data;
    size_t len = size * count;

    x->header_bytes += len;
    if (x->header_bytes > HTTP_HEADERS_MAX) {
        x->failure = HTTP_TOO_BIG;
        snprintf(x->why, sizeof(x->why), "more than %u KiB of headers", HTTP_HEADERS_MAX >> 10);
        return 0;
    }
    /* An interim answer's headers do not count for the one that follows. */
    if (len > 5 && strncasecmp(bytes, "HTTP/", 5) == 0) {
        answer_done(&x->answer);
        return len;
    }
    _cleanup_free_ char *line = strndup(bytes, len);
    if (!line)
        return 0;
    line[strcspn(line, "\r\n")] = '\0';
    return take_header(x, line) == 0 ? len : 0;
}

/* ---- the answer's body ------------------------------------------------------------------------------------ */

/* A body that only people read: its beginning is enough. */
static size_t take_error_body(struct http_exchange *x, const char *bytes, size_t len)
{
    size_t room = HTTP_ERROR_BODY_MAX - x->answer_body.len;

    buf_add(&x->answer_body, bytes, len < room ? len : room);
    if (len < room)
        return len;
    x->cut = true;
    return 0;
}

static int take_body(struct http_exchange *x, const char *bytes, size_t len)
{
    if (x->add)
        return x->add(x->data, bytes, len, &x->err);
    if (len > x->body_max - x->answer_body.len) {
        x->failure = HTTP_TOO_BIG;
        snprintf(x->why, sizeof(x->why), "more than the %zu KiB that it may have",
                 x->body_max >> 10);
        return -EFBIG;
    }
    buf_add(&x->answer_body, bytes, len);
    return buf_error(&x->answer_body) == 0 ? 0 : err_nomem(&x->err);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct http_exchange *x = data;
    size_t len = size * count;
    int r = 0;

    if (!x->begun) {
        x->begun = true;
        curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
        if (x->begin && x->status / 100 == 2)
            r = x->begin(x->data, x, &x->err);
    }
    if (r == 0 && x->status / 100 != 2)
        return take_error_body(x, bytes, len);
    if (r == 0)
        r = take_body(x, bytes, len);
    if (r < 0 && x->failure == HTTP_OK)
        x->failure = HTTP_OURS;
    return r < 0 ? 0 : len;
}

/* ---- the question's body ---------------------------------------------------------------------------------- */

static size_t on_read(char *bytes, size_t size, size_t count, void *data)
{
    struct http_exchange *x = data;
    size_t room = size * count;
    uint64_t left = x->body_size - x->body_read;

    if (room > left)
        room = (size_t)left;
    if (room > 0 && x->body) {
        memcpy(bytes, (const char *)x->body + x->body_read, room);
    } else if (room > 0) {
        ssize_t n = pread(x->body_fd, bytes, room, (off_t)(x->body_at + x->body_read));
        if (n <= 0) {
            x->failure = HTTP_OURS;
            err_set(&x->err, n < 0 ? errno : EIO, "the blob in the store cannot be read%s",
                    n < 0 ? ": %m" : ": it is shorter than it was");
            return CURL_READFUNC_ABORT;
        }
        room = (size_t)n;
    }
    x->body_read += room;
    if (x->sent_bytes)
        atomic_store(x->sent_bytes, x->body_at + x->body_read);
    return room;
}

/* libcurl sends once more from the start, on a connection that it had kept and that was gone. */
static int on_seek(void *data, curl_off_t offset, int origin)
{
    struct http_exchange *x = data;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->body_size)
        return CURL_SEEKFUNC_CANTSEEK;
    x->body_read = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- time ------------------------------------------------------------------------------------------------- */

static int give_up(struct http_exchange *x, enum http_failure failure, const char *fmt, uint64_t us)
{
    char time[32];

    x->failure = failure;
    duration_format(us, time, sizeof(time));
    snprintf(x->why, sizeof(x->why), fmt, time);
    return 1;
}

/* How long nothing may come just now: a registry may take its time to look at a blob that is all there. */
static uint64_t stall_us(struct http_exchange *x, uint64_t now_us)
{
    if (x->body_size == 0 || x->body_read < x->body_size)
        return x->options->timeout_us;
    if (x->sent_all_us == 0) {
        x->sent_all_us = now_us;
        x->window_at_us = now_us;
    }
    return x->answer_us > x->options->timeout_us ? x->answer_us : x->options->timeout_us;
}

/* CURLOPT_XFERINFOFUNCTION(3): at least about once in a second. */
static int on_progress(void *data, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct http_exchange *x = data;
    uint64_t now_us = clock_us(CLOCK_MONOTONIC), bytes = (uint64_t)down + (uint64_t)up;

    (void)down_total;
    (void)up_total;
    if (x->options->cancelled && atomic_load(x->options->cancelled))
        return give_up(x, HTTP_CANCELLED, "ended after %s", now_us - x->started_us);
    if (x->total_us && now_us - x->started_us > x->total_us)
        return give_up(x, HTTP_STALLED, "was not at its end after %s", x->total_us);
    uint64_t limit_us = stall_us(x, now_us);
    if (bytes >= x->window_bytes + HTTP_STALL_BYTES) {
        x->window_bytes = bytes;
        x->window_at_us = now_us;
    } else if (now_us - x->window_at_us > limit_us) {
        return give_up(x, HTTP_STALLED,
                       bytes == 0 ? "sent nothing for %s" : "came to a halt for %s", limit_us);
    }
    return 0;
}

/* ---- libcurl ------------------------------------------------------------------------------------------------ */

static const struct code_row {
    CURLcode code;
    enum http_failure failure;
} code_table[] = {
    { CURLE_COULDNT_RESOLVE_HOST, HTTP_NO_HOST },
    { CURLE_COULDNT_RESOLVE_PROXY, HTTP_NO_HOST },
    { CURLE_COULDNT_CONNECT, HTTP_REFUSED },
    { CURLE_SSL_CONNECT_ERROR, HTTP_NO_TLS },
    { CURLE_PEER_FAILED_VERIFICATION, HTTP_UNTRUSTED },
    { CURLE_SSL_CERTPROBLEM, HTTP_UNTRUSTED },
    { CURLE_SSL_CACERT_BADFILE, HTTP_UNTRUSTED },
    { CURLE_OPERATION_TIMEDOUT, HTTP_STALLED },
    { CURLE_GOT_NOTHING, HTTP_BROKEN },
    { CURLE_PARTIAL_FILE, HTTP_BROKEN },
    { CURLE_SEND_ERROR, HTTP_BROKEN },
    { CURLE_RECV_ERROR, HTTP_BROKEN },
    { CURLE_OUT_OF_MEMORY, HTTP_TOO_BIG },
    { CURLE_HTTP2, HTTP_BROKEN },
    { CURLE_HTTP2_STREAM, HTTP_BROKEN },
};

static const int failure_errno_table[] = {
    [HTTP_OK] = 0,
    [HTTP_CANCELLED] = ECANCELED,
    [HTTP_OURS] = EIO,
    [HTTP_NO_HOST] = EHOSTUNREACH,
    [HTTP_REFUSED] = ECONNREFUSED,
    [HTTP_NO_TLS] = EPROTO,
    [HTTP_UNTRUSTED] = EKEYREJECTED,
    [HTTP_STALLED] = ETIMEDOUT,
    [HTTP_BROKEN] = ECONNRESET,
    [HTTP_TOO_BIG] = EFBIG,
    [HTTP_OTHER] = EPROTO,
};

static void set_common(struct http_exchange *x, char *why)
{
    CURL *c = x->curl;
    long timeout_ms = (long)(x->options->timeout_us / 1000);

    curl_easy_setopt(c, CURLOPT_URL, x->url);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "ration/" RATION_VERSION);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    /* libcurl undoes no Content-Encoding: digests are of what came. */
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, NULL);
    struct curl_blob ca = { x->options->ca.data, x->options->ca.len, CURL_BLOB_NOCOPY };
    if (ca.len > 0)
        curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
    if (x->options->client_cert)
        curl_easy_setopt(c, CURLOPT_SSLCERT, x->options->client_cert);
    if (x->options->client_key)
        curl_easy_setopt(c, CURLOPT_SSLKEY, x->options->client_key);
}

static void set_method(struct http_exchange *x)
{
    CURL *c = x->curl;

    if (strcmp(x->method, "HEAD") == 0) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (x->body_size > 0) {
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, x->method);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->body_size);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(c, CURLOPT_READDATA, x);
        curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(c, CURLOPT_SEEKDATA, x);
    } else if (strcmp(x->method, "GET") != 0) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, 0L);
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, x->method);
    }
}

static int add_header(struct curl_slist **list, const char *name, const char *value)
{
    if (!value)
        return 0;
    _cleanup_free_ char *line = text_format("%s: %s", name, value);
    struct curl_slist *longer = line ? curl_slist_append(*list, line) : NULL;
    if (!longer)
        return -ENOMEM;
    *list = longer;
    return 0;
}

/* "Expect:" alone: no waiting for a 100 that many never send. */
static int make_headers(const struct http_exchange *x, struct curl_slist **ret)
{
    struct curl_slist *expect = curl_slist_append(NULL, "Expect:");
    char range[40];

    *ret = expect;
    /* Nor does libcurl say that nothing at all is a form. */
    if (!x->content_type && expect && curl_slist_append(expect, "Content-Type:") == NULL)
        return -ENOMEM;
    snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)x->from_bytes);
    if (!expect || add_header(ret, "Accept", x->accept) < 0 ||
        add_header(ret, "Content-Type", x->content_type) < 0 ||
        add_header(ret, "Content-Range", x->content_range) < 0 ||
        add_header(ret, "Authorization", x->authorization) < 0 ||
        add_header(ret, "Range", x->from_bytes > 0 ? range : NULL) < 0)
        return -ENOMEM;
    return 0;
}

/* libcurl's code, unless one of ours has said already why it has to end. */
static int judge(struct http_exchange *x, CURLcode code, const char *why)
{
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
    if (code == CURLE_OK || (x->cut && x->failure == HTTP_OK)) {
        x->failure = HTTP_OK;
        return 0;
    }
    if (x->failure == HTTP_OK) {
        x->failure = HTTP_OTHER;
        for (size_t i = 0; i < ARRAY_SIZE(code_table); i++) {
            if (code_table[i].code == code)
                x->failure = code_table[i].failure;
        }
        /* What libcurl calls so is a line of more than CURL_MAX_HTTP_HEADER. */
        if (code == CURLE_OUT_OF_MEMORY)
            why = "a header line of more than 100 KiB";
        wire_quote(*why ? why : curl_easy_strerror(code), x->why, sizeof(x->why));
    }
    if (x->failure == HTTP_OURS && x->err.code)
        return -x->err.code;
    return -failure_errno_table[x->failure];
}

static void exchange_reset(struct http_exchange *x)
{
    answer_done(&x->answer);
    buf_done(&x->answer_body);
    x->status = 0;
    x->failure = HTTP_OK;
    x->why[0] = '\0';
    x->err = ERR_INIT;
    x->header_bytes = 0;
    x->begun = x->cut = false;
    x->window_bytes = x->sent_all_us = x->body_read = 0;
}

void http_exchange_done(struct http_exchange *x)
{
    exchange_reset(x);
    free(x->url);
    x->url = NULL;
}

int http_exchange(struct http_exchange *x, CURL *curl, const struct http_options *options)
{
    struct curl_slist *headers = NULL;
    char why[CURL_ERROR_SIZE] = "";
    _cleanup_free_ char *host = url_host(x->url);

    exchange_reset(x);
    x->curl = curl;
    x->options = options;
    x->started_us = x->window_at_us = clock_us(CLOCK_MONOTONIC);
    /* A registry may hash some gigabytes before it answers. */
    if (x->answer_us == 0)
        x->answer_us = 10 * options->timeout_us;
    curl_easy_reset(curl);
    if (!host || make_headers(x, &headers) < 0) {
        curl_slist_free_all(headers);
        x->failure = HTTP_OURS;
        return err_nomem(&x->err);
    }
    set_common(x, why);
    set_method(x);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    /* This machine is not behind a proxy of its own. */
    if (host_is_loopback(host))
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    CURLcode code = curl_easy_perform(curl);
    int r = judge(x, code, why);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(headers);
    return r;
}
