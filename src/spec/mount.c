/* The three spellings of a mount: -v SOURCE:TARGET:OPTIONS, --mount KEY=VALUE,..., --tmpfs. */
#include <errno.h>
#include <limits.h>
#include <linux/mount.h>
#include <string.h>

#include "spec/check.h"

void spec_mount_done(struct spec_mount *mount)
{
    free(mount->fstype);
    free(mount->source);
    free(mount->volume);
    free(mount->target);
    free(mount->data);
    free(mount->uid_maps);
    free(mount->gid_maps);
    *mount = (struct spec_mount){ 0 };
}

/* Said to docker about SELinux labels, caches and trees: nothing to do for a mount here. */
static const char *const nothing_table[] = {
    "rbind", "z", "Z", "cached", "delegated", "consistent",
};

static bool mount_apply_propagation(struct spec_mount *mount, const char *word)
{
    uint64_t flags = spec_mount_propagation(word);

    if (flags == 0 || (flags & MS_UNBINDABLE))
        return false;
    mount->propagation = flags & ~(uint64_t)MS_REC;
    return true;
}

/* In force after docker's own manner: the later word wins. */
static bool mount_apply_word(struct spec_mount *mount, const char *word)
{
    if (strcmp(word, "readonly") == 0)
        word = "ro";
    if (spec_mount_attribute(word, &mount->attr_set, &mount->attr_clear) ||
        mount_apply_propagation(mount, word))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(nothing_table); i++) {
        if (strcmp(nothing_table[i], word) == 0)
            return true;
    }
    return false;
}

/*
 * An absolute path inside, cleaned. The root itself and what is beneath /proc are refused: a mount
 * there would stand in the way of what later reads the kernel's own files.
 */
int parse_target(const char *what, const char *text, char **ret, struct err *err)
{
    _cleanup_free_ char *clean = NULL;

    if (text[0] != '/')
        return err_usage(err, "%s must be an absolute path, not %s", what, quote(text).text);
    int r = path_clean(text, &clean);
    if (r == -ENOMEM)
        return err_nomem(err);
    if (r < 0)
        return err_usage(err, "%s %s has a \"..\"", what, quote(text).text);
    if (strcmp(clean, "/") == 0)
        return err_usage(err, "%s cannot be the root itself", what);
    if (strlen(clean) >= PATH_MAX)
        return err_usage(err, "%s %s is longer than a path can be", what, quote(clean).text);
    if (path_is_beneath(clean, "/proc"))
        return err_usage(err, "%s %s cannot be at or beneath /proc", what, quote(clean).text);
    *ret = TAKE_PTR(clean);
    return 0;
}

static int take_target(const char *name, const char *text, struct spec_mount *mount,
                       struct err *err)
{
    char what[64], *clean = NULL;

    snprintf(what, sizeof(what), "--%s: the target", name);
    int r = parse_target(what, text, &clean, err);
    if (r < 0)
        return r;
    free(mount->target);
    mount->target = clean;
    return 0;
}

static bool is_path(const char *text)
{
    return text[0] == '/' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
           text_starts(text, "./") || text_starts(text, "../");
}

/* A volume of ration's own: what it holds is there for its target, so an empty one gets the target's content. */
static int take_volume(const char *name, const char *text, struct spec_mount *mount,
                       struct err *err)
{
    if (*text && check_name(name, NULL, text, NULL) < 0)
        return err_usage(err,
                         "--%s: %s is neither a path (write it with / or ./ in front) nor a "
                         "volume's name",
                         name, quote(text).text);
    mount->copy_up = true;
    return text_replace(&mount->volume, text) < 0 ? err_nomem(err) : 0;
}

/* As docker has it, a bare word names a volume. */
static int take_source(const char *name, const char *text, struct spec_mount *mount,
                       struct err *err)
{
    if (!*text)
        return err_usage(err, "--%s: the source is empty", name);
    if (!is_path(text))
        return take_volume(name, text, mount, err);
    return text_replace(&mount->source, text) < 0 ? err_nomem(err) : 0;
}

/* ---- -v ---------------------------------------------------------------------------------------------- */

static int volume_options(const char *name, const char *text, struct spec_mount *mount,
                          struct err *err)
{
    for (;; text++) {
        size_t n = strcspn(text, ",");
        _cleanup_free_ char *word = strndup(text, n);
        if (!word)
            return err_nomem(err);
        if (strcmp(word, "bind") == 0)
            mount->recursive = false;
        else if (strcmp(word, "nocopy") == 0)
            mount->copy_up = false;
        else if (!mount_apply_word(mount, word))
            return err_usage(err, "--%s: there is no mount option %s", name, quote(word).text);
        text += n;
        if (!*text)
            return 0;
    }
}

int parse_volume(const char *name, const char *value, struct spec_mount *ret, struct err *err)
{
    _cleanup_(spec_mount_done) struct spec_mount mount = {
        .kind = MOUNT_BIND,
        .recursive = true,
        .propagation = MS_PRIVATE,
    };
    size_t source = strcspn(value, ":");
    bool alone = value[source] == '\0' && value[0] == '/';
    const char *rest = alone ? value : value + source + (value[source] == ':');
    size_t target = strcspn(rest, ":");
    _cleanup_free_ char *source_text = strndup(value, alone ? 0 : source);
    _cleanup_free_ char *target_text = strndup(rest, target);

    if (!source_text || !target_text)
        return err_nomem(err);
    if (!alone && value[source] == '\0')
        return err_usage(err, "--%s takes [SOURCE:]TARGET[:OPTIONS], not %s", name,
                         quote(value).text);
    int r =
        alone ? take_volume(name, "", &mount, err) : take_source(name, source_text, &mount, err);
    if (r == 0)
        r = take_target(name, target_text, &mount, err);
    rest += target;
    if (r == 0 && *rest)
        r = volume_options(name, rest + 1, &mount, err);
    if (r < 0)
        return r;
    *ret = mount;
    mount = (struct spec_mount){ 0 };
    return 0;
}

/* ---- tmpfs --------------------------------------------------------------------------------------------- */

static int data_add(struct spec_mount *mount, const char *key, const char *value, struct err *err)
{
    char *data =
        text_format("%s%s%s=%s", text_or_empty(mount->data), mount->data ? "," : "", key, value);

    if (!data)
        return err_nomem(err);
    free(mount->data);
    mount->data = data;
    return 0;
}

/* Is value one that tmpfs(5) takes for key? Sizes become plain bytes: units are ours, not its. */
static int tmpfs_value(const char *key, const char *value, char *ret, size_t size)
{
    uint64_t number;
    unsigned mode;
    uint32_t id;
    int r = -EINVAL;

    if (strcmp(key, "size") == 0 && *value && value[strlen(value) - 1] == '%') {
        _cleanup_free_ char *digits = strndup(value, strlen(value) - 1);
        r = digits ? number_parse(digits, 100, &number) : -ENOMEM;
        if (r == 0)
            snprintf(ret, size, "%llu%%", (unsigned long long)number);
    } else if (strcmp(key, "size") == 0 || strcmp(key, "nr_inodes") == 0) {
        r = size_parse(value, &number);
        if (r == 0)
            snprintf(ret, size, "%llu", (unsigned long long)number);
    } else if (strcmp(key, "mode") == 0) {
        r = parse_octal(value, 07777, &mode);
        if (r == 0)
            snprintf(ret, size, "%o", mode);
    } else if (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0) {
        r = parse_id(value, strlen(value), &id);
        if (r == 0)
            snprintf(ret, size, "%u", id);
    }
    return r;
}

static int tmpfs_option(const char *name, const char *word, struct spec_mount *mount,
                        struct err *err)
{
    const char *equals = strchr(word, '=');
    char clean[32];

    if (!equals) {
        if (mount_apply_word(mount, word))
            return 0;
        return err_usage(err, "--%s: there is no tmpfs option %s", name, quote(word).text);
    }
    _cleanup_free_ char *key = strndup(word, (size_t)(equals - word));
    if (!key)
        return err_nomem(err);
    if (!words_have("size nr_inodes mode uid gid", key, strlen(key)))
        return err_usage(err, "--%s: there is no tmpfs option %s", name, quote(word).text);
    if (tmpfs_value(key, equals + 1, clean, sizeof(clean)) < 0)
        return err_usage(err, "--%s: %s is not a value for %s", name, quote(equals + 1).text, key);
    return data_add(mount, key, clean, err);
}

static int tmpfs_init(struct spec_mount *mount)
{
    *mount = (struct spec_mount){
        .kind = MOUNT_FILESYSTEM,
        .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
    };
    mount->fstype = strdup("tmpfs");
    return mount->fstype ? 0 : -ENOMEM;
}

int parse_tmpfs(const char *name, const char *value, struct spec_mount *ret, struct err *err)
{
    _cleanup_(spec_mount_done) struct spec_mount mount = { 0 };
    size_t n = strcspn(value, ":");
    _cleanup_free_ char *target = strndup(value, n);

    if (!target || tmpfs_init(&mount) < 0)
        return err_nomem(err);
    int r = take_target(name, target, &mount, err);
    for (const char *text = value + n; r == 0 && *text; text += n) {
        text++;
        n = strcspn(text, ",");
        _cleanup_free_ char *word = strndup(text, n);
        r = word ? tmpfs_option(name, word, &mount, err) : err_nomem(err);
    }
    if (r < 0)
        return r;
    *ret = mount;
    mount = (struct spec_mount){ 0 };
    return 0;
}

/* ---- --mount ------------------------------------------------------------------------------------------- */

/* The next field of a comma-separated line; one in quotes may hold commas ("" is a quote). */
static int csv_next(const char **cursor, char **ret)
{
    _cleanup_buf_ struct buf field = BUF_INIT;
    const char *c = *cursor;
    bool quoted = *c == '"';

    for (c += quoted; *c && (quoted || *c != ','); c++) {
        if (quoted && *c == '"' && *++c != '"') {
            if (*c && *c != ',')
                return -EINVAL;
            quoted = false;
            break;
        }
        buf_putc(&field, *c);
    }
    if (quoted)
        return -EINVAL;
    *cursor = *c ? c + 1 : c;
    *ret = buf_take(&field);
    return *ret ? 0 : -ENOMEM;
}

/* A flag of --mount: bare, "=true" or "=false". */
static bool mount_flag(const char *value, bool *ret)
{
    *ret = !value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    return *ret || strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
}

static int mount_bind_field(const char *name, const char *key, const char *value,
                            struct spec_mount *mount, struct err *err)
{
    bool on;

    if (strcmp(key, "bind-propagation") == 0) {
        if (value && mount_apply_propagation(mount, value))
            return 0;
        return err_usage(err, "--%s: there is no propagation %s", name,
                         quote(text_or_empty(value)).text);
    }
    if (strcmp(key, "bind-nonrecursive") == 0 && mount_flag(value, &on)) {
        mount->recursive = !on;
        return 0;
    }
    if (strcmp(key, "bind-recursive") == 0 && value &&
        words_have("enabled disabled", value, strlen(value))) {
        mount->recursive = strcmp(value, "enabled") == 0;
        return 0;
    }
    return err_usage(err, "--%s: type=bind has no %s", name, quote(key).text);
}

static int mount_volume_field(const char *name, const char *key, const char *value,
                              struct spec_mount *mount, struct err *err)
{
    bool on;

    if (words_have("source src", key, strlen(key))) {
        if (value && is_path(value))
            return err_usage(err, "--%s: type=volume takes a name, not the path %s", name,
                             quote(value).text);
        return take_volume(name, text_or_empty(value), mount, err);
    }
    if (strcmp(key, "volume-nocopy") == 0 && mount_flag(value, &on)) {
        mount->copy_up = !on;
        return 0;
    }
    return err_usage(err, "--%s: type=volume has no %s", name, quote(key).text);
}

static int mount_tmpfs_field(const char *name, const char *key, const char *value,
                             struct spec_mount *mount, struct err *err)
{
    char clean[32];

    if (!text_starts(key, "tmpfs-") || !value ||
        !words_have("size mode nr_inodes", key + 6, strlen(key + 6)))
        return err_usage(err, "--%s: type=tmpfs has no %s", name, quote(key).text);
    if (tmpfs_value(key + 6, value, clean, sizeof(clean)) < 0)
        return err_usage(err, "--%s: %s is not a value for %s", name, quote(value).text, key);
    return data_add(mount, key + 6, clean, err);
}

static int mount_field(const char *name, char *field, struct spec_mount *mount, struct err *err)
{
    char *value = strchr(field, '=');
    bool on;

    if (value)
        *value++ = '\0';
    if (strcmp(field, "type") == 0)
        return 0; /* read before all others */
    if (words_have("target dst destination", field, strlen(field)))
        return take_target(name, text_or_empty(value), mount, err);
    if (words_have("readonly ro", field, strlen(field))) {
        if (!mount_flag(value, &on))
            return err_usage(err, "--%s: readonly is true or false, not %s", name,
                             quote(value).text);
        mount_apply_word(mount, on ? "ro" : "rw");
        return 0;
    }
    if (mount->kind == MOUNT_FILESYSTEM)
        return mount_tmpfs_field(name, field, value, mount, err);
    if (mount->volume)
        return mount_volume_field(name, field, value, mount, err);
    if (words_have("source src", field, strlen(field))) {
        if (value && *value && !is_path(value))
            return err_usage(err, "--%s: type=bind takes a path (with / or ./ in front), not %s",
                             name, quote(value).text);
        return take_source(name, text_or_empty(value), mount, err);
    }
    return mount_bind_field(name, field, value, mount, err);
}

/* What the fields say about the type, which the meaning of the others depends on. */
static int mount_type(const char *name, const char *value, struct spec_mount *mount,
                      struct err *err)
{
    const char *cursor = value;
    _cleanup_free_ char *type = NULL;

    while (*cursor) {
        char *field;
        int r = csv_next(&cursor, &field);
        if (r == -ENOMEM)
            return err_nomem(err);
        if (r < 0)
            return err_usage(err, "--%s: a quote is not closed in %s", name, quote(value).text);
        if (text_starts(field, "type=")) {
            free(type);
            type = field;
        } else {
            free(field);
        }
    }
    if (type && strcmp(type, "type=tmpfs") == 0)
        return tmpfs_init(mount) < 0 ? err_nomem(err) : 0;
    bool volume = !type || strcmp(type, "type=volume") == 0;
    if (!volume && strcmp(type, "type=bind") != 0)
        return err_usage(err, "--%s takes type=bind, type=volume or type=tmpfs, not %s", name,
                         quote(type).text);
    *mount = (struct spec_mount){
        .kind = MOUNT_BIND,
        .recursive = true,
        .propagation = MS_PRIVATE,
    };
    return volume ? take_volume(name, "", mount, err) : 0;
}

int parse_mount(const char *name, const char *value, struct spec_mount *ret, struct err *err)
{
    _cleanup_(spec_mount_done) struct spec_mount mount = { 0 };
    const char *cursor = value;
    int r = mount_type(name, value, &mount, err);

    while (r == 0 && *cursor) {
        _cleanup_free_ char *field = NULL;
        r = csv_next(&cursor, &field);
        r = r < 0 ? err_nomem(err) : mount_field(name, field, &mount, err);
    }
    if (r < 0)
        return r;
    if (!mount.target)
        return err_usage(err, "--%s: target= is missing in %s", name, quote(value).text);
    if (mount.kind == MOUNT_BIND && !mount.source && !mount.volume)
        return err_usage(err, "--%s: source= is missing in %s", name, quote(value).text);
    *ret = mount;
    mount = (struct spec_mount){ 0 };
    return 0;
}

/* ---- volumes without a name ------------------------------------------------------------------------------ */

int volume_of_image(const char *target, struct spec_mount *ret, struct err *err)
{
    _cleanup_(spec_mount_done) struct spec_mount mount = {
        .kind = MOUNT_BIND,
        .recursive = true,
        .propagation = MS_PRIVATE,
    };
    int r = take_volume("volume", "", &mount, err);

    if (r == 0)
        r = parse_target("the image's volume", target, &mount.target, err);
    if (r < 0)
        return r;
    *ret = mount;
    mount = (struct spec_mount){ 0 };
    return 0;
}

/* ---- the checks ------------------------------------------------------------------------------------------ */

CHECK(volume)
{
    _cleanup_(spec_mount_done) struct spec_mount mount = { 0 };

    (void)world;
    return parse_volume(name, value, &mount, err);
}

CHECK(mount)
{
    _cleanup_(spec_mount_done) struct spec_mount mount = { 0 };

    (void)world;
    return parse_mount(name, value, &mount, err);
}

CHECK(tmpfs)
{
    _cleanup_(spec_mount_done) struct spec_mount mount = { 0 };

    (void)world;
    return parse_tmpfs(name, value, &mount, err);
}
