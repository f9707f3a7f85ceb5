/*
 * From a file to the bytes of a tar, by threads of their own:
 *
 *     reader:  read ─► hash (digest) ─► decompress ─► pieces
 *     hasher:                                         pieces ─► hash (diff_id)
 *     caller:                                         pieces ─► tar ─► files
 *
 * A fixed ring of pieces lies between them; a piece is free again when both have had it.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_private.h"

#define PIECE_SIZE  (256u * 1024u)
#define PIECES      16u
#define INPUT_SIZE  (256u * 1024u)
#define RATIO_FLOOR (256ull << 20) /* below this many bytes nobody asks for the ratio */

enum { TAKER_CALLER, TAKER_HASHER, TAKERS };

struct stream {
    int fd;
    const struct layer_unpack *how;
    pthread_t reader, hasher;
    bool reader_runs, hasher_runs;
    pthread_mutex_t mutex;
    pthread_cond_t filled, freed;
    unsigned char *pieces; /* PIECES of PIECE_SIZE */
    size_t length[PIECES];
    uint64_t made;          /* pieces ever filled */
    uint64_t taken[TAKERS]; /* and given back */
    bool holding;           /* the caller has one */
    bool ended, stopped;
    struct err err; /* of the reader */
    /* the reader's alone until it has ended */
    unsigned char *input;
    void *digest, *diff_id;
    uint64_t packed_bytes, stream_bytes;
};

/* ---- the ring ------------------------------------------------------------------------------------------ */

static uint64_t given_back(const struct stream *stream)
{
    return stream->taken[0] < stream->taken[1] ? stream->taken[0] : stream->taken[1];
}

/* A free piece to fill; NULL: nobody wants it any more. */
static unsigned char *ring_free(struct stream *stream)
{
    unsigned char *piece = NULL;

    pthread_mutex_lock(&stream->mutex);
    while (!stream->stopped && stream->made - given_back(stream) == PIECES)
        pthread_cond_wait(&stream->freed, &stream->mutex);
    if (!stream->stopped)
        piece = stream->pieces + (stream->made % PIECES) * PIECE_SIZE;
    pthread_mutex_unlock(&stream->mutex);
    return piece;
}

static void ring_filled(struct stream *stream, size_t length)
{
    pthread_mutex_lock(&stream->mutex);
    stream->length[stream->made++ % PIECES] = length;
    pthread_cond_broadcast(&stream->filled);
    pthread_mutex_unlock(&stream->mutex);
}

static void ring_end(struct stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    stream->ended = true;
    pthread_cond_broadcast(&stream->filled);
    pthread_mutex_unlock(&stream->mutex);
}

/* The next piece for a taker, after giving back the last. 0: there is no more. */
static size_t ring_take(struct stream *stream, unsigned taker, bool give_back, const void **ret)
{
    size_t length = 0;

    pthread_mutex_lock(&stream->mutex);
    if (give_back) {
        stream->taken[taker]++;
        pthread_cond_signal(&stream->freed);
    }
    while (!stream->stopped && !stream->ended && stream->taken[taker] == stream->made)
        pthread_cond_wait(&stream->filled, &stream->mutex);
    if (!stream->stopped && stream->taken[taker] < stream->made) {
        unsigned index = stream->taken[taker] % PIECES;
        length = stream->length[index];
        *ret = stream->pieces + (size_t)index * PIECE_SIZE;
    }
    pthread_mutex_unlock(&stream->mutex);
    return length;
}

/* ---- the reader -------------------------------------------------------------------------------------------- */

static la_ssize_t read_input(struct archive *archive, void *data, const void **ret)
{
    struct stream *stream = data;
    ssize_t n;

    do
        n = read(stream->fd, stream->input, INPUT_SIZE);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        archive_set_error(archive, errno, "it cannot be read: %s", err_name(errno));
        return -1;
    }
    layer_hash_add(stream->digest, stream->input, (size_t)n);
    stream->packed_bytes += (uint64_t)n;
    if (stream->how->progress)
        stream->how->progress(stream->how->progress_data, stream->packed_bytes);
    *ret = stream->input;
    return n;
}

static int check_ceilings(struct stream *stream)
{
    const struct layer_ceilings *c = &stream->how->ceilings;
    char shown[32];

    if (stream->stream_bytes > c->bytes) {
        size_format(c->bytes, shown, sizeof(shown));
        return err_refuse(&stream->err, E2BIG, "it unpacks to more than %s (--max-bytes)", shown);
    }
    if (stream->stream_bytes > RATIO_FLOOR &&
        stream->stream_bytes / c->ratio > stream->packed_bytes)
        return err_refuse(&stream->err, E2BIG,
                          "it unpacks to more than %u times its size (--max-ratio)", c->ratio);
    return 0;
}

/* Fill pieces from what libarchive gives; what is not filled to the brim goes on in the next call. */
struct filling {
    unsigned char *piece;
    size_t length;
};

static int pour(struct stream *stream, struct filling *filling, const unsigned char *data,
                size_t len)
{
    while (len > 0) {
        if (!filling->piece)
            *filling = (struct filling){ .piece = ring_free(stream) };
        if (!filling->piece)
            return -ECANCELED;
        size_t n = PIECE_SIZE - filling->length < len ? PIECE_SIZE - filling->length : len;
        memcpy(filling->piece + filling->length, data, n);
        filling->length += n;
        data += n;
        len -= n;
        if (filling->length == PIECE_SIZE) {
            ring_filled(stream, filling->length);
            filling->piece = NULL;
        }
    }
    return 0;
}

static int decompress(struct stream *stream, struct archive *archive)
{
    struct filling filling = { 0 };
    const void *block;
    size_t len;
    la_int64_t offset;
    int r;

    while ((r = archive_read_data_block(archive, &block, &len, &offset)) == ARCHIVE_OK ||
           r == ARCHIVE_WARN) {
        stream->stream_bytes += len;
        r = check_ceilings(stream);
        if (r == 0)
            r = pour(stream, &filling, block, len);
        if (r < 0)
            return r;
    }
    if (filling.piece && filling.length > 0)
        ring_filled(stream, filling.length);
    if (r != ARCHIVE_EOF)
        return err_set(&stream->err, EBADMSG, "it is damaged: %.200s",
                       text_or_empty(archive_error_string(archive)));
    return 0;
}

static int read_stream(struct stream *stream, struct archive *archive)
{
    struct archive_entry *entry;

    archive_read_support_filter_all(archive);
    archive_read_support_format_raw(archive);
    if (archive_read_open(archive, stream, NULL, read_input, NULL) != ARCHIVE_OK ||
        archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        return err_set(&stream->err, EBADMSG, "it is empty or damaged: %.200s",
                       text_or_empty(archive_error_string(archive)));
    int r = decompress(stream, archive);
    /* What stands behind a compressed stream's end is part of the file all the same. */
    const void *rest;
    while (r == 0 && read_input(archive, stream, &rest) > 0)
        continue;
    return r;
}

static void *reader_main(void *data)
{
    struct stream *stream = data;
    struct archive *archive = archive_read_new();

    if (!archive)
        err_nomem(&stream->err);
    else
        read_stream(stream, archive);
    archive_read_free(archive);
    ring_end(stream);
    return NULL;
}

static void *hasher_main(void *data)
{
    struct stream *stream = data;
    const void *piece;
    size_t length = ring_take(stream, TAKER_HASHER, false, &piece);

    while (length > 0) {
        layer_hash_add(stream->diff_id, piece, length);
        length = ring_take(stream, TAKER_HASHER, true, &piece);
    }
    return NULL;
}

/* ---- from outside --------------------------------------------------------------------------------------------- */

int stream_open(int fd, const struct layer_unpack *how, struct stream **ret, struct err *err)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    if (!stream)
        return err_nomem(err);
    stream->fd = fd;
    stream->how = how;
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->filled, NULL);
    pthread_cond_init(&stream->freed, NULL);
    stream->pieces = malloc((size_t)PIECES * PIECE_SIZE);
    stream->input = malloc(INPUT_SIZE);
    stream->digest = layer_hash_start();
    stream->diff_id = layer_hash_start();
    if (!stream->pieces || !stream->input || !stream->digest || !stream->diff_id) {
        stream_close(stream);
        return err_nomem(err);
    }
    int r = pthread_create(&stream->reader, NULL, reader_main, stream);
    stream->reader_runs = r == 0;
    if (r == 0) {
        r = pthread_create(&stream->hasher, NULL, hasher_main, stream);
        stream->hasher_runs = r == 0;
    }
    if (r != 0) {
        stream_close(stream);
        return err_set(err, r, "cannot start a thread: %s", err_name(r));
    }
    *ret = stream;
    return 0;
}

ssize_t stream_next(struct stream *stream, const void **ret)
{
    size_t length = ring_take(stream, TAKER_CALLER, stream->holding, ret);

    stream->holding = length > 0;
    return (ssize_t)length;
}

int stream_error(struct stream *stream, struct err *err)
{
    /* Written before the end was told under the mutex. */
    pthread_mutex_lock(&stream->mutex);
    bool failed = stream->ended && stream->err.code != 0;
    pthread_mutex_unlock(&stream->mutex);
    if (!failed)
        return 0;
    if (err)
        *err = stream->err;
    return -stream->err.code;
}

void stream_sums(struct stream *stream, struct layer_unpacked *ret)
{
    if (stream->reader_runs)
        pthread_join(stream->reader, NULL);
    if (stream->hasher_runs)
        pthread_join(stream->hasher, NULL);
    stream->reader_runs = stream->hasher_runs = false;
    layer_hash_format(stream->digest, ret->digest);
    layer_hash_format(stream->diff_id, ret->diff_id);
    ret->packed_bytes = stream->packed_bytes;
    ret->stream_bytes = stream->stream_bytes;
}

void stream_close(struct stream *stream)
{
    if (!stream)
        return;
    pthread_mutex_lock(&stream->mutex);
    stream->stopped = true;
    pthread_cond_broadcast(&stream->filled);
    pthread_cond_broadcast(&stream->freed);
    pthread_mutex_unlock(&stream->mutex);
    if (stream->reader_runs)
        pthread_join(stream->reader, NULL);
    if (stream->hasher_runs)
        pthread_join(stream->hasher, NULL);
    pthread_mutex_destroy(&stream->mutex);
    pthread_cond_destroy(&stream->filled);
    pthread_cond_destroy(&stream->freed);
    if (stream->digest)
        layer_hash_free(stream->digest);
    if (stream->diff_id)
        layer_hash_free(stream->diff_id);
    free(stream->pieces);
    free(stream->input);
    free(stream);
}
