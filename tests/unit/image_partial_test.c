/* Blobs that come in part: kept, gone on with, locked, forgotten. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "image/image.h"

/* ---- a sum instead of SHA-256: the store takes whatever it is given ------------------------------------ */

static void *sum_start(void)
{
    return calloc(1, sizeof(uint64_t));
}

static void sum_add(void *hash, const void *data, size_t len)
{
    uint64_t *sum = hash;

    for (size_t i = 0; i < len; i++)
        *sum = *sum * 31 + ((const uint8_t *)data)[i];
}

static void sum_end(void *hash, uint8_t ret[static 32])
{
    memset(ret, 0, 32);
    memcpy(ret, hash, sizeof(uint64_t));
}

static const struct image_hash sum = { sum_start, sum_add, sum_end, free };

static void digest_of(const char *text, char ret[static IMAGE_DIGEST_SIZE])
{
    uint64_t value = 0;
    uint8_t bytes[32];

    sum_add(&value, text, strlen(text));
    sum_end(&value, bytes);
    image_digest_format(bytes, ret);
}

/* ---- a store -------------------------------------------------------------------------------------------- */

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/image-partial.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    tree_remove(AT_FDCWD, dir);
    return access(dir, F_OK) == 0 ? -1 : 0;
}

static struct image_store *open_store(void)
{
    struct image_store *store = NULL;
    struct err err = ERR_INIT;

    if (image_store_open(dir, true, &store, &err) < 0)
        fail_msg("%s", err.text);
    return store;
}

static unsigned partials(void)
{
    char path[128];
    unsigned n = 0;

    snprintf(path, sizeof(path), "%s/image/tmp", dir);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));)
        n += entry->d_name[0] != '.';
    closedir(d);
    return n;
}

static struct image_blob *resume(struct image_store *store, const char *digest)
{
    struct image_blob *blob = NULL;
    struct err err = ERR_INIT;

    if (image_blob_resume(store, &sum, digest, &blob, &err) != 0)
        fail_msg("%s", err.text);
    return blob;
}

static void add(struct image_blob *blob, const char *text)
{
    struct err err = ERR_INIT;

    assert_int_equal(image_blob_add(blob, text, strlen(text), &err), 0);
}

/* ---- tests ------------------------------------------------------------------------------------------------ */

static void test_goes_on(void **state)
{
    char digest[IMAGE_DIGEST_SIZE];
    struct err err = ERR_INIT;
    struct image_store *store = open_store();

    (void)state;
    digest_of("one two three", digest);
    struct image_blob *blob = resume(store, digest);
    assert_int_equal(image_blob_written(blob), 0);
    add(blob, "one ");
    image_blob_free(blob);
    assert_int_equal(partials(), 1);
    blob = resume(store, digest);
    assert_int_equal(image_blob_written(blob), 4);
    add(blob, "two ");
    image_blob_free(blob);
    image_store_close(store);

    /* Opening the store reclaims what killed calls have left, but not this. */
    store = open_store();
    blob = resume(store, digest);
    assert_int_equal(image_blob_written(blob), 8);
    add(blob, "three");
    assert_int_equal(image_blob_finish(blob, digest, 13, NULL, &err), 0);
    image_blob_free(blob);
    assert_true(image_blob_has(store, digest));
    assert_int_equal(partials(), 0);
    image_store_close(store);
}

static void test_one_at_a_time(void **state)
{
    char digest[IMAGE_DIGEST_SIZE];
    struct err err = ERR_INIT;
    struct image_store *store = open_store();
    struct image_blob *second = NULL;

    (void)state;
    digest_of("x", digest);
    struct image_blob *first = resume(store, digest);
    assert_true(image_blob_resume(store, &sum, digest, &second, &err) > 0);
    assert_null(second);
    add(first, "x");
    assert_int_equal(image_blob_finish(first, digest, 1, NULL, &err), 0);
    image_blob_free(first);
    /* The lock goes with it; what is there is nothing. */
    second = resume(store, digest);
    assert_int_equal(image_blob_written(second), 0);
    image_blob_free(second);
    assert_int_equal(partials(), 0);
    image_store_close(store);
}

static void test_wrong_is_given_up(void **state)
{
    char digest[IMAGE_DIGEST_SIZE];
    struct err err = ERR_INIT;
    struct image_store *store = open_store();

    (void)state;
    digest_of("right", digest);
    struct image_blob *blob = resume(store, digest);
    add(blob, "wrong");
    assert_int_equal(image_blob_finish(blob, digest, 5, NULL, &err), -EBADMSG);
    assert_int_equal(image_blob_rewind(blob, &err), 0);
    image_blob_free(blob);
    assert_int_equal(partials(), 0);
    assert_false(image_blob_has(store, digest));
    assert_true(image_blob_resume(store, &sum, "sha256:no", &blob, &err) < 0);
    image_store_close(store);
}

static void test_forgotten(void **state)
{
    char digest[IMAGE_DIGEST_SIZE], path[256];
    struct image_store *store = open_store();

    (void)state;
    digest_of("abc", digest);
    struct image_blob *blob = resume(store, digest);
    add(blob, "a");
    /* Somebody is at it. */
    image_blob_forget(store);
    assert_int_equal(partials(), 1);
    image_blob_free(blob);
    image_blob_forget(store);
    assert_int_equal(partials(), 0);

    /* One that nobody has come back to for long goes by itself. */
    blob = resume(store, digest);
    add(blob, "a");
    image_blob_free(blob);
    image_store_close(store);
    snprintf(path, sizeof(path), "%s/image/tmp/partial-%s", dir, image_digest_hex(digest));
    const struct timespec old[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    image_store_close(open_store());
    assert_int_equal(partials(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_goes_on, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_one_at_a_time, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_wrong_is_given_up, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_forgotten, make_dir, remove_dir),
    };

    return cmocka_run_group_tests_name("image_partial", tests, NULL, NULL);
}
