/* config.json: the object itself, and what does not depend on the platform. */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>

#include "oci/reading.h"

#define HOSTNAME_MAX    64 /* __NEW_UTS_LEN */
#define STOP_TIMEOUT_US 10000000

/* ---- the version ------------------------------------------------------------------------------------------ */

/* One number of a version, no leading zeros; moves *at behind it. */
static bool version_number(const char **at, unsigned *ret)
{
    size_t n = strspn(*at, "0123456789");
    unsigned number = 0;

    if (n == 0 || n > 6 || (n > 1 && **at == '0'))
        return false;
    for (size_t i = 0; i < n; i++)
        number = number * 10 + (unsigned)((*at)[i] - '0');
    *at += n;
    *ret = number;
    return true;
}

/* "-rc.1" or "+build": dot-separated words. */
static bool version_words(const char **at)
{
    static const char letters[] = "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    do {
        ++*at;
        size_t n = strspn(*at, letters);
        if (n == 0)
            return false;
        *at += n;
    } while (**at == '.');
    return true;
}

/* Semantic Versioning 2.0.0: MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD] */
static bool version_parse(const char *text, unsigned ret[static 3], bool *ret_prerelease)
{
    for (int i = 0; i < 3; i++) {
        if ((i > 0 && *text++ != '.') || !version_number(&text, &ret[i]))
            return false;
    }
    *ret_prerelease = *text == '-';
    if (*text == '-' && !version_words(&text))
        return false;
    return (*text != '+' || version_words(&text)) && *text == '\0';
}

/*
 * Minor versions only add fields, and fields that we do not know are ignored: so all of 1.x is taken, but
 * for what came before 1.0.0.
 */
static int read_version(struct reading *r, const json_t *value, const char *path, void *target)
{
    const char *text = json_string_value(value);
    unsigned version[3];
    bool prerelease;

    (void)target;
    if (!version_parse(text, version, &prerelease))
        return err_usage(r->err, "%s must be a version such as %s, not %s", path, OCI_VERSION,
                         json_show_text(text).text);
    if (version[0] != 1 || (version[1] == 0 && version[2] == 0 && prerelease))
        return err_refuse(r->err, EOPNOTSUPP, "%s %s is not supported, versions from %s to 1.x are",
                          path, json_show_text(text).text, OCI_VERSION_MIN);
    return 0;
}

/* ---- root ------------------------------------------------------------------------------------------------- */

static int read_root_path(struct reading *r, const json_t *value, const char *path, void *target)
{
    const char *text = json_string_value(value);

    (void)target;
    if (!*text)
        return err_usage(r->err, "%s is empty", path);
    if (text[0] == '/')
        return text_copy(r, text, &r->spec->rootfs);
    r->spec->rootfs = text_format("%s/%s", r->context->bundle, text);
    return r->spec->rootfs ? 0 : err_nomem(r->err);
}

static int read_root(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "path", FIELD_TEXT, .required = true, .read = read_root_path },
        { "readonly", FIELD_FLAG, FIELD_AT(struct spec, root_readonly) },
    };

    return FIELDS_READ(r, value, path, table, target);
}

/* ---- annotations ------------------------------------------------------------------------------------------- */

/*
 * They are kept as "key=value"; a key with a '=' could not be told from its value again, and is not
 * changed silently.
 */
static int read_annotations(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;
    const char *key;
    json_t *item;

    spec->annotations = calloc(json_object_size(value) + 1, sizeof(*spec->annotations));
    if (!spec->annotations)
        return err_nomem(r->err);
    size_t n = 0;
    json_object_foreach((json_t *)value, key, item)
    {
        const char *text;
        if (!*key)
            return err_usage(r->err, "%s has an empty key", path);
        if (strchr(key, '='))
            return err_refuse(r->err, EOPNOTSUPP,
                              "%s: the key %s has a '=', which is not supported", path,
                              json_show_text(key).text);
        int result = json_as_string(item, json_path_key(path, key).text, &text, r->err);
        if (result < 0)
            return result;
        spec->annotations[n] = text_format("%s=%s", key, text);
        if (!spec->annotations[n++])
            return err_nomem(r->err);
    }
    return 0;
}

/* ---- names of the host --------------------------------------------------------------------------------------- */

/* Empty is not asked for: engines send it so where the container has the host's name. */
static int check_host_name(struct reading *r, const char *key, char **name)
{
    if (*name && !**name) {
        free(*name);
        *name = NULL;
    }
    if (!*name)
        return 0;
    if (!has_namespace(r, CLONE_NEWUTS))
        return err_usage(r->err,
                         "%s %s cannot be set: linux.namespaces has no uts namespace, and it would "
                         "be the host's",
                         key, json_show_text(*name).text);
    if (strlen(*name) > HOSTNAME_MAX)
        return err_usage(r->err, "%s has %zu characters, at most %d are allowed", key,
                         strlen(*name), HOSTNAME_MAX);
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static const struct field config_table[] = {
    { "ociVersion", FIELD_TEXT, .required = true, .read = read_version },
    { "root", FIELD_OBJECT, .required = true, .read = read_root },
    { "process", FIELD_OBJECT, .read = read_process },
    { "mounts", FIELD_ARRAY, .read = read_mounts },
    { "hooks", FIELD_OBJECT, .read = read_hooks },
    { "annotations", FIELD_OBJECT, .read = read_annotations },
    /* after mounts: what is masked comes on top of them */
    { "linux", FIELD_OBJECT, .read = read_linux },
    { "hostname", FIELD_TEXT, FIELD_AT(struct spec, hostname) },
    { "domainname", FIELD_TEXT, FIELD_AT(struct spec, domainname) },
};

/* The document on one line: there are line ends between its values only. */
static int keep_text(struct reading *r, const char *text, size_t len)
{
    struct spec *spec = r->spec;

    spec->text = strndup(text, len);
    if (!spec->text)
        return err_nomem(r->err);
    for (char *c = spec->text; (c = strpbrk(c, "\n\r"));)
        *c = ' ';
    return 0;
}

/* What a document does not say. */
static int spec_begin(struct reading *r)
{
    const struct oci_context *context = r->context;
    struct spec *spec = r->spec;

    spec->document = true;
    spec->limits_inside = true;
    spec->identity_set = true;
    spec->interactive = true;
    spec->measure = SPEC_MEASURE_ALL;
    spec->weight_map = WEIGHT_MAP_OCI;
    spec->stop_signal = SIGTERM;
    spec->stop_timeout_us = STOP_TIMEOUT_US;
    spec->soft_signal = SIGXCPU;
    spec->rootless = context->rootless;
    spec->no_pivot = context->no_pivot;
    spec->no_new_keyring = context->no_new_keyring;
    int result = text_copy(r, context->name, &spec->name);
    return result < 0 ? result : text_copy(r, context->bundle, &spec->bundle);
}

static int spec_finish(struct reading *r)
{
    struct spec *spec = r->spec;
    int result = check_namespaces(r);

    if (result == 0)
        result = check_identity(r);
    if (result == 0)
        result = check_host_name(r, "hostname", &spec->hostname);
    if (result == 0)
        result = check_host_name(r, "domainname", &spec->domainname);
    if (result == 0)
        result = add_default_devices(r);
    spec->network = has_namespace(r, CLONE_NEWNET) ? SPEC_NETWORK_NONE : SPEC_NETWORK_HOST;
    return result;
}

int oci_read_config(const char *text, size_t len, const struct oci_context *context,
                    struct spec **ret, struct err *err)
{
    _cleanup_json_ json_t *document = NULL;
    _cleanup_(spec_freep) struct spec *spec = calloc(1, sizeof(*spec));
    struct reading r = { .context = context, .spec = spec, .err = err };

    *ret = NULL;
    if (!spec)
        return err_nomem(err);
    r.policy = (struct json_find){ .outer = "linux", .inner = "seccomp" };
    int result = json_document_load_find(text, len, &r.policy, &document, err);
    if (result == 0)
        result = spec_begin(&r);
    if (result == 0)
        result = FIELDS_READ(&r, document, "", config_table, spec);
    if (result == 0)
        result = spec_finish(&r);
    if (result == 0)
        result = oci_resources_add_devices(&spec->limits, context, err);
    if (result == 0)
        result = keep_text(&r, text, len);
    if (result < 0)
        return result;
    *ret = TAKE_PTR(spec);
    return 0;
}
