/* The checks of options.def that need no reader of their own. Sentences begin with the option. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "spec/check.h"

#define NAME_MAX_BYTES     128
#define HOSTNAME_MAX_BYTES 64 /* __NEW_UTS_LEN */

struct quoted quote(const char *value)
{
    struct quoted q = { .text = "\"" };
    size_t room = sizeof(q.text) - sizeof("\"\"..."), n = 1;

    for (; *value && n < room; value++)
        q.text[n++] = (unsigned char)*value < 0x20 || *value == 0x7f ? '?' : *value;
    snprintf(q.text + n, sizeof(q.text) - n, "%s\"", *value ? "..." : "");
    return q;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The words that name a run or a host; they differ in how long they may be. */
static int check_word(const char *name, const char *value, size_t most, struct err *err)
{
    size_t len = strlen(value);

    if (len == 0)
        return err_usage(err, "--%s is empty", name);
    if (len > most)
        return err_usage(err, "--%s has %zu characters, at most %zu are allowed", name, len, most);
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(value[i]) && (i == 0 || !strchr("_.-", value[i])))
            return err_usage(err,
                             "--%s begins with a letter or digit and has only letters, digits, "
                             "'_', '.' and '-', unlike %s",
                             name, quote(value).text);
    }
    return 0;
}

CHECK(name)
{
    (void)world;
    return check_word(name, value, NAME_MAX_BYTES, err);
}

CHECK(hostname)
{
    (void)world;
    return check_word(name, value, HOSTNAME_MAX_BYTES, err);
}

CHECK(filled)
{
    (void)world;
    return *value ? 0 : err_usage(err, "--%s is empty", name);
}

CHECK(any)
{
    (void)name;
    (void)world;
    (void)value;
    (void)err;
    return 0;
}

CHECK(path)
{
    _cleanup_free_ char *clean = NULL;

    (void)world;
    if (value[0] != '/')
        return err_usage(err, "--%s takes an absolute path, not %s", name, quote(value).text);
    int r = path_clean(value, &clean);
    if (r == -ENOMEM)
        return err_nomem(err);
    if (r < 0)
        return err_usage(err, "--%s: %s has a \"..\"", name, quote(value).text);
    return 0;
}

/* ---- paths ---------------------------------------------------------------------------------------- */

int path_clean(const char *path, char **ret)
{
    char *clean = text_format("/%s", path), *end = clean;

    if (!clean)
        return -ENOMEM;
    /* In place: what is written never overtakes what is read. */
    path = clean + 1;
    while (*path) {
        path += strspn(path, "/");
        size_t n = strcspn(path, "/");
        if (n == 2 && memcmp(path, "..", 2) == 0) {
            free(clean);
            return -EINVAL;
        }
        if (n > 0 && !(n == 1 && *path == '.')) {
            *end++ = '/';
            memmove(end, path, n);
            end += n;
        }
        path += n;
    }
    if (end == clean)
        *end++ = '/';
    *end = '\0';
    *ret = clean;
    return 0;
}

bool path_is_beneath(const char *path, const char *top)
{
    size_t n = strlen(top);

    if (n == 1)
        return path[0] == '/';
    return strncmp(path, top, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* A path beneath the hierarchies, as docker's users write it: with or without a slash in front. */
CHECK(cgroup_parent)
{
    _cleanup_free_ char *clean = NULL;

    (void)world;
    for (const char *c = value; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return err_usage(err, "--%s has a control character: %s", name, quote(value).text);
    }
    int r = path_clean(value, &clean);
    if (r == -ENOMEM)
        return err_nomem(err);
    if (r < 0)
        return err_usage(err, "--%s: %s has a \"..\"", name, quote(value).text);
    if (strcmp(clean, "/") == 0 && strcmp(value, "/") != 0)
        return err_usage(err, "--%s names no group: %s", name, quote(value).text);
    if (strlen(clean) > 2048)
        return err_usage(err, "--%s has %zu characters, at most 2048 are allowed", name,
                         strlen(clean));
    return 0;
}

/* ---- numbers --------------------------------------------------------------------------------------- */

int parse_id(const char *text, size_t len, uint32_t *ret)
{
    char digits[12];
    uint64_t id;

    if (len == 0 || len >= sizeof(digits))
        return len == 0 ? -EINVAL : -ERANGE;
    memcpy(digits, text, len);
    digits[len] = '\0';
    int r = number_parse(digits, UINT32_MAX - 1, &id);
    if (r < 0)
        return r;
    *ret = (uint32_t)id;
    return 0;
}

int parse_octal(const char *value, unsigned max, unsigned *ret)
{
    unsigned number = 0;

    if (!*value)
        return -EINVAL;
    for (; *value; value++) {
        if (*value < '0' || *value > '7')
            return -EINVAL;
        number = number * 8 + (unsigned)(*value - '0');
        if (number > max)
            return -ERANGE;
    }
    *ret = number;
    return 0;
}

CHECK(umask)
{
    unsigned mask;

    (void)world;
    if (parse_octal(value, 0777, &mask) < 0)
        return err_usage(err, "--%s is an octal number up to 0777, not %s", name,
                         quote(value).text);
    return 0;
}

CHECK(oom_score_adj)
{
    int64_t number;

    (void)world;
    if (number_parse_signed(value, -1000, 1000, &number) < 0)
        return err_usage(err, "--%s is a number from -1000 to 1000, not %s", name,
                         quote(value).text);
    return 0;
}

CHECK(duration)
{
    uint64_t us;

    (void)world;
    int r = duration_parse(value, 1000000, &us);
    if (r == -ERANGE)
        return err_usage(err, "--%s: %s is too long a time", name, quote(value).text);
    if (r < 0)
        return err_usage(err, "--%s is a time (10, 500ms, 2m), not %s", name, quote(value).text);
    return 0;
}

CHECK(shm_size)
{
    uint64_t bytes;

    (void)world;
    int r = size_parse(value, &bytes);
    if (r == -ERANGE)
        return err_usage(err, "--%s: %s is more than the kernel can count", name,
                         quote(value).text);
    if (r < 0)
        return err_usage(err, "--%s is a size (64m), not %s", name, quote(value).text);
    if (bytes == 0)
        return err_usage(err, "--%s must be greater than 0", name);
    return 0;
}

/* ---- names ------------------------------------------------------------------------------------------ */

CHECK(signal)
{
    (void)world;
    if (signal_parse(value) < 0)
        return err_usage(err, "--%s: there is no signal %s", name, quote(value).text);
    return 0;
}

CHECK(capability)
{
    (void)world;
    if (strcasecmp(value, "ALL") != 0 && capability_parse(value) < 0)
        return err_usage(err, "--%s: there is no capability %s", name, quote(value).text);
    return 0;
}

/* A colon-separated list of absolute paths. */
static int check_path_list(const char *name, const char *option, const char *list, struct err *err)
{
    while (*list) {
        size_t n = strcspn(list, ":");
        _cleanup_free_ char *path = strndup(list, n), *clean = NULL;
        if (!path)
            return err_nomem(err);
        int r = path[0] == '/' ? path_clean(path, &clean) : -EINVAL;
        if (r == -ENOMEM)
            return err_nomem(err);
        if (r < 0)
            return err_usage(err, "--%s %s= takes absolute paths without \"..\", not %s", name,
                             option, quote(path).text);
        list += n + (list[n] == ':');
    }
    return 0;
}

/*
 * docker's and podman's. What is switched off there and was never on here (seccomp, AppArmor and
 * SELinux confinement) may be said; what would need them is refused, by name.
 */
CHECK(security_opt)
{
    static const char *const accepted_table[] = {
        "no-new-privileges",
        "no-new-privileges:true",
        "no-new-privileges=true",
        "no-new-privileges:false",
        "no-new-privileges=false",
        "systempaths=unconfined",
        "seccomp=unconfined",
        "apparmor=unconfined",
        "label=disable",
        "label:disable",
        "unmask=ALL",
    };

    (void)world;
    for (size_t i = 0; i < ARRAY_SIZE(accepted_table); i++) {
        if (strcmp(value, accepted_table[i]) == 0)
            return 0;
    }
    if (text_starts(value, "mask=/"))
        return check_path_list(name, "mask", value + strlen("mask="), err);
    if (text_starts(value, "unmask=/"))
        return check_path_list(name, "unmask", value + strlen("unmask="), err);
    return err_usage(err,
                     "--%s %s is not known; known are no-new-privileges, systempaths=unconfined, "
                     "mask=PATH and unmask=PATH",
                     name, quote(value).text);
}

CHECK(time_offset)
{
    int64_t monotonic, boottime;

    (void)world;
    return parse_time_offset(name, value, &monotonic, &boottime, err);
}

/* "SECONDS" shifts both clocks; "monotonic=SECONDS,boottime=SECONDS" each. Shifts: +-ten years. */
int parse_time_offset(const char *name, const char *value, int64_t *ret_monotonic_s,
                      int64_t *ret_boottime_s, struct err *err)
{
    const int64_t most_s = 10ll * 366 * 86400;
    int64_t seconds;

    *ret_monotonic_s = *ret_boottime_s = 0;
    if (number_parse_signed(value, -most_s, most_s, &seconds) == 0) {
        *ret_monotonic_s = *ret_boottime_s = seconds;
        return 0;
    }
    for (const char *part = value;; part++) {
        size_t n = strcspn(part, ",");
        _cleanup_free_ char *word = strndup(part, n);
        if (!word)
            return err_nomem(err);
        char *number = strchr(word, '=');
        bool monotonic = text_starts(word, "monotonic="), boottime = text_starts(word, "boottime=");
        if (!number || (!monotonic && !boottime) ||
            number_parse_signed(number + 1, -most_s, most_s, &seconds) < 0)
            return err_usage(err,
                             "--%s is a number of seconds, up to ten years either way, or "
                             "monotonic=SECONDS,boottime=SECONDS, not %s",
                             name, quote(value).text);
        *(monotonic ? ret_monotonic_s : ret_boottime_s) = seconds;
        part += n;
        if (!*part)
            return 0;
    }
}

/* ---- limits by docker's other name --------------------------------------------------------------------- */

int option_set_ulimit(struct draft *draft, const struct spec_world *world, const char *value,
                      struct err *err)
{
    size_t n = strcspn(value, "=");
    char name[32];

    if (value[n] != '=' || n == 0 || n > 16)
        return err_usage(err, "--ulimit takes NAME=SOFT[:HARD], not %s", quote(value).text);
    snprintf(name, sizeof(name), "rlimit-%.*s", (int)n, value);
    enum limit_id limit = limit_find(name);
    if (limit == LIMIT_NONE)
        return err_usage(err, "--ulimit: there is no resource limit named in %s",
                         quote(value).text);
    int r = draft_set_limit(draft, world, limit, value + n + 1, err);
    if (r < 0 && r != -ENOMEM)
        err_prefix(err, "--ulimit");
    return r;
}
