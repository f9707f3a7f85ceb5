/* Manifests, indexes and configurations: what is read from them, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "image/image.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define MANIFEST                                                                        \
    "{\"schemaVersion\":2,\"mediaType\":\"application/"                                 \
    "vnd.oci.image.manifest.v1+json\",\"config\":"                                      \
    "{\"mediaType\":\"c\",\"digest\":\"" A "\",\"size\":7},\"layers\":[{\"mediaType\":" \
    "\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"" B "\",\"size\":4294967297}]}"
#define CONFIG(what)                                                                     \
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2020-01-01T00:00:00Z\"," \
    "\"config\":" what ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" B             \
    "\"]},\"history\":[{\"created_by\":\"x\"},{\"empty_layer\":true}]}"

static int parse(const char *manifest, const char *config, struct image **ret, struct err *err)
{
    return image_parse(manifest, manifest ? strlen(manifest) : 0, config, strlen(config), ret, err);
}

static void an_image_is_read(void **state)
{
    _cleanup_image_ struct image *image = NULL;
    struct err err = ERR_INIT;

    (void)state;
    int r = parse(MANIFEST,
                  CONFIG("{\"User\":\"www:adm\",\"Env\":[\"A=b\"],\"Entrypoint\":[\"/e\"],"
                         "\"Cmd\":[\"c\",\"d\"],\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/w\","
                         "\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGINT\",\"ExposedPorts\":"
                         "{\"80/tcp\":{}},\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],"
                         "\"Interval\":3000000000,\"Retries\":4},\"Unknown\":[]}"),
                  &image, &err);
    if (r < 0)
        fail_msg("%s", err.text);
    assert_string_equal(image->id, A);
    assert_string_equal(image->user, "www:adm");
    assert_string_equal(image->env[0], "A=b");
    assert_string_equal(image->entrypoint[0], "/e");
    assert_string_equal(image->cmd[1], "d");
    assert_string_equal(image->volumes[0], "/data");
    assert_string_equal(image->workdir, "/w");
    assert_string_equal(image->labels[0], "k=v");
    assert_string_equal(image->stop_signal, "SIGINT");
    assert_string_equal(image->exposed[0], "80/tcp");
    assert_string_equal(image->health.test[1], "true");
    assert_int_equal(image->health.interval_us, 3000000);
    assert_int_equal(image->health.retries, 4);
    assert_int_equal(image->n_layers, 1);
    assert_string_equal(image->layers[0].digest, B);
    assert_int_equal(image->layers[0].size_bytes, 4294967297);
    assert_int_equal(image->n_history, 2);
    assert_true(image->history[1].empty_layer);
}

static void nulls_are_nothing(void **state)
{
    _cleanup_image_ struct image *image = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(
        parse(NULL, CONFIG("{\"Cmd\":null,\"Volumes\":null,\"User\":\"\"}"), &image, &err), 0);
    assert_null(image->cmd);
    assert_null(image->user);
    assert_null(image->manifest_text);
}

static void bad_ones_are_told(void **state)
{
    static const struct {
        const char *manifest, *config, *word;
    } table[] = {
        { MANIFEST, "", "JSON" },
        { MANIFEST, "[]", "object" },
        { MANIFEST, "{\"a\":1,\"a\":2}", "JSON" },
        { MANIFEST, "{}", "layers" },
        { MANIFEST, CONFIG("[]"), "config" },
        { MANIFEST, CONFIG("{\"Cmd\":\"sh\"}"), "Cmd" },
        { MANIFEST, CONFIG("{\"Cmd\":[1]}"), "Cmd" },
        { MANIFEST, CONFIG("{\"User\":0}"), "User" },
        { MANIFEST, CONFIG("{\"User\":\"a\\u0000b\"}"), "JSON" },
        { MANIFEST, CONFIG("{\"Labels\":{\"a\":1}}"), "Labels" },
        { MANIFEST, CONFIG("{\"Healthcheck\":{\"Interval\":-1}}"), "Interval" },
        { "{}", CONFIG("{}"), "version" },
        { "{\"schemaVersion\":1}", CONFIG("{}"), "version 1" },
        { "{\"schemaVersion\":2}", CONFIG("{}"), "layers" },
        { "{\"schemaVersion\":2,\"manifests\":[]}", CONFIG("{}"), "index" },
        { "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", CONFIG("{}"), "at once" },
        { "{\"schemaVersion\":2,\"config\":{\"digest\":\"x\",\"size\":1},\"layers\":[]}",
          CONFIG("{}"), "digest" },
        { "{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\"},\"layers\":[]}", CONFIG("{}"),
          "large" },
        { "{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\",\"size\":1},\"layers\":[]}",
          CONFIG("{}"), "0 layers" },
        { "{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\",\"size\":-1},\"layers\":[]}",
          CONFIG("{}"), "number" },
        { "{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\",\"size\":1},\"layers\":[7]}",
          CONFIG("{}"), "object" },
        { MANIFEST, "{\"rootfs\":{\"diff_ids\":[\"sha256:../../../etc\"]}}", "diff_id" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _cleanup_image_ struct image *image = NULL;
        struct err err = ERR_INIT;
        if (parse(table[i].manifest, table[i].config, &image, &err) != -EBADMSG)
            fail_msg("%zu is taken: %s %s", i, table[i].manifest, table[i].config);
        if (!strstr(err.text, table[i].word))
            fail_msg("%zu: no \"%s\" in: %s", i, table[i].word, err.text);
    }
}

static void layers_have_a_number(void **state)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct image_document document;
    struct err err = ERR_INIT;

    (void)state;
    buf_puts(&text,
             "{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\",\"size\":1},\"layers\":[");
    for (unsigned i = 0; i < 10000; i++)
        buf_printf(&text, "%s{\"digest\":\"" B "\",\"size\":1}", i ? "," : "");
    buf_puts(&text, "]}");
    assert_int_equal(image_document_parse(buf_text(&text), text.len, &document, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "10000 layers"));
}

#define ENTRY(digest, platform) "{\"digest\":\"" digest "\",\"size\":1" platform "}"
#define PLATFORM(os, arch)      ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"

static void an_index_is_chosen_from(void **state)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"manifests\":[" ENTRY(A, PLATFORM("windows", "amd64")) "," ENTRY(
            B, PLATFORM("linux", "mips")) "," ENTRY(A, PLATFORM("linux", "s390x")) "]}";
    struct image_document document;
    struct err err = ERR_INIT;
    size_t index = 99;

    (void)state;
    assert_int_equal(image_document_parse(text, strlen(text), &document, &err), 0);
    assert_true(document.index);
    assert_int_equal(image_document_choose(&document, "linux/mips", &index, &err), 0);
    assert_int_equal(index, 1);
    assert_int_equal(image_document_choose(&document, "linux/none", &index, &err), -ENOENT);
    assert_non_null(strstr(err.text, "windows/amd64, linux/mips, linux/s390x"));
    image_document_done(&document);
}

static void an_index_of_one_needs_no_platform(void **state)
{
    static const char text[] = "{\"schemaVersion\":2,\"manifests\":[" ENTRY(
        A, ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"x:1\"}") "]}";
    struct image_document document;
    struct err err = ERR_INIT;
    size_t index = 99;

    (void)state;
    assert_int_equal(image_document_parse(text, strlen(text), &document, &err), 0);
    assert_int_equal(image_document_choose(&document, NULL, &index, &err), 0);
    assert_int_equal(index, 0);
    assert_string_equal(document.entries[0].name, "x:1");
    image_document_done(&document);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_read),
        cmocka_unit_test(nulls_are_nothing),
        cmocka_unit_test(bad_ones_are_told),
        cmocka_unit_test(layers_have_a_number),
        cmocka_unit_test(an_index_is_chosen_from),
        cmocka_unit_test(an_index_of_one_needs_no_platform),
    };

    return cmocka_run_group_tests_name("image_document", tests, NULL, NULL);
}
