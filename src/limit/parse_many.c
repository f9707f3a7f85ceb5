/* Text to values: one entry of each many-valued kind. */
#include <errno.h>
#include <string.h>

#include "limit/parse.h"

/* Split "LEFT<separator>RIGHT" at the last separator; left is copied. */
static int split_last(const struct parser *p, const char *text, char separator, const char *form,
                      char *left, size_t size, const char **ret_right)
{
    const char *at = strrchr(text, separator);

    if (!at || at == text || at[1] == '\0')
        return parser_refuse(p, text, "is not of the form %s", form);
    if ((size_t)(at - text) >= size)
        return parser_refuse(p, text, "has too long a name before its last '%c'", separator);
    memcpy(left, text, (size_t)(at - text));
    left[at - text] = '\0';
    *ret_right = at + 1;
    return 0;
}

/* ---- devices ----------------------------------------------------------------------------------- */

/* One of the two numbers of a device, up to a byte of stop; NULL when it is none. */
static const char *device_number(const char *text, const char *stop, uint32_t *ret)
{
    char digits[16];
    size_t len = strcspn(text, stop);
    uint64_t number;

    if (len >= sizeof(digits))
        return NULL;
    memcpy(digits, text, len);
    digits[len] = '\0';
    if (number_parse(digits, UINT32_MAX - 1, &number) < 0)
        return NULL;
    *ret = (uint32_t)number;
    return text + len;
}

/* "8:0", or the path of a device node, whose numbers the context tells. */
static int parse_device(const struct parser *p, const char *text, const char *device,
                        struct limit_entry *entry)
{
    const char *at;
    int r;

    if (device[0] == '/') {
        if (!p->context || !p->context->device)
            return parser_refuse(p, text,
                                 "names a device by path, which cannot be looked up here; "
                                 "write its numbers, as in 8:0");
        r = p->context->device(p->context->data, device, &entry->major, &entry->minor);
        if (r < 0)
            return parser_refuse(p, text, "names %s, which is no usable device: %s", device,
                                 err_name(-r));
    } else {
        at = device_number(device, ":", &entry->major);
        at = at && *at == ':' ? device_number(at + 1, "", &entry->minor) : NULL;
        if (!at)
            return parser_refuse(p, text, "names neither a device's path nor its numbers");
    }
    if (strlen(device) < sizeof(entry->key))
        memcpy(entry->key, device, strlen(device) + 1);
    else
        snprintf(entry->key, sizeof(entry->key), "%u:%u", entry->major, entry->minor);
    return 0;
}

static int parse_device_value(const struct parser *p, const char *text, enum parse_unit unit,
                              struct limit_entry *entry)
{
    char form[64], device[4096] = "";
    const char *value = "";
    int r;

    snprintf(form, sizeof(form), "%s", p->info->metavar);
    r = split_last(p, text, ':', form, device, sizeof(device), &value);
    if (r < 0)
        return r;
    r = parse_device(p, text, device, entry);
    if (r < 0)
        return r;
    r = parser_quantity(p, unit, value, &entry->number);
    if (r < 0 || entry->number == LIMIT_NUMBER_UNLIMITED)
        return r;
    return parser_range(p, value, entry->number);
}

static int parse_device_number(const struct parser *p, const char *text, struct limit_entry *entry)
{
    return parse_device_value(p, text, PARSE_NUMBER, entry);
}

static int parse_device_size(const struct parser *p, const char *text, struct limit_entry *entry)
{
    return parse_device_value(p, text, PARSE_SIZE, entry);
}

static int parse_device_duration(const struct parser *p, const char *text,
                                 struct limit_entry *entry)
{
    return parse_device_value(p, text, PARSE_DURATION, entry);
}

#define RULE_FORM "is not a device rule such as \"c 1:3 rwm\", \"allow b *:* r\" or \"deny a\""

/* A number or '*' followed by stop. */
static const char *rule_number(const char *text, char stop, uint32_t *ret)
{
    const char stops[] = { stop, '\0' };

    if (text[0] == '*' && text[1] == stop) {
        *ret = UINT32_MAX;
        return text + 1;
    }
    text = device_number(text, stops, ret);
    return text && *text == stop ? text : NULL;
}

/* "rwm" in any order; kept in this one. */
static bool rule_access(const char *text, char ret[4])
{
    static const char order[] = "rwm";
    size_t n = 0;

    if (*text == '\0' || text[strspn(text, order)] != '\0')
        return false;
    for (size_t i = 0; order[i] != '\0'; i++) {
        if (strchr(text, order[i]))
            ret[n++] = order[i];
    }
    ret[n] = '\0';
    return n == strlen(text);
}

/*
 * "[allow|deny] TYPE MAJOR:MINOR ACCESS". Type a means every device and every access: to the kernel
 * on v1 whatever follows it is noise, so a narrower 'a' would silently allow more than it says.
 */
static int parse_device_rule(const struct parser *p, const char *text, struct limit_entry *entry)
{
    const char *at = text;

    entry->allow = !text_starts(at, "deny ");
    if (!entry->allow || text_starts(at, "allow "))
        at += strcspn(at, " ") + 1;
    if ((*at != 'a' && *at != 'b' && *at != 'c') || (at[1] != ' ' && at[1] != '\0'))
        return parser_refuse(p, text, RULE_FORM);
    entry->type = *at;
    if (at[1] == '\0') {
        if (*at != 'a')
            return parser_refuse(p, text, RULE_FORM);
        entry->major = entry->minor = UINT32_MAX;
        memcpy(entry->access, "rwm", 4);
        return 0;
    }
    at = rule_number(at + 2, ':', &entry->major);
    at = at ? rule_number(at + 1, ' ', &entry->minor) : NULL;
    if (!at || !rule_access(at + 1, entry->access))
        return parser_refuse(p, text, RULE_FORM);
    if (entry->type == 'a' && (entry->major != UINT32_MAX || entry->minor != UINT32_MAX ||
                               strcmp(entry->access, "rwm") != 0))
        return parser_refuse(p, text,
                             "narrows type a, which always means every device and every "
                             "access: write one rule for b and one for c");
    return 0;
}

/* ---- pairs ------------------------------------------------------------------------------------- */

static int parse_pair_name(const struct parser *p, const char *text, const char **ret_value,
                           struct limit_entry *entry)
{
    int r = split_last(p, text, ':', p->info->metavar, entry->key, sizeof(entry->key), ret_value);

    if (r < 0)
        return r;
    for (const char *c = entry->key; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f || *c == '/')
            return parser_refuse(p, text, "has a name with a slash, blank or unprintable byte");
    }
    return 0;
}

/* A huge page size as the kernel names its files, whatever way it was written: 2m is 2MB. */
static int parse_page_size(const struct parser *p, const char *text, struct limit_entry *entry)
{
    static const char *const unit_table[] = { "KB", "MB", "GB" };
    uint64_t bytes;
    unsigned shift;

    if (size_parse(entry->key, &bytes) < 0 || bytes < 4096 || bytes > UINT64_C(1) << 39 ||
        (bytes & (bytes - 1)) != 0)
        return parser_refuse(p, text, "does not begin with a huge page size such as 2MB or 1GB");
    shift = bytes >= UINT64_C(1) << 30 ? 2 : bytes >= UINT64_C(1) << 20 ? 1 : 0;
    snprintf(entry->key, sizeof(entry->key), "%llu%s",
             (unsigned long long)(bytes >> (10 * (shift + 1))), unit_table[shift]);
    return 0;
}

static int parse_pair_size(const struct parser *p, const char *text, struct limit_entry *entry)
{
    const char *value;
    int r = parse_pair_name(p, text, &value, entry);

    if (r == 0 && p->info->encoder == LIMIT_ENCODE_HUGETLB)
        r = parse_page_size(p, text, entry);
    if (r == 0)
        r = parser_quantity(p, PARSE_SIZE, value, &entry->number);
    if (r < 0 || entry->number == LIMIT_NUMBER_UNLIMITED)
        return r;
    return parser_range(p, value, entry->number);
}

static int parse_pair_number(const struct parser *p, const char *text, struct limit_entry *entry)
{
    const char *value;
    int r = parse_pair_name(p, text, &value, entry);

    if (r == 0)
        r = parser_quantity(p, PARSE_NUMBER, value, &entry->number);
    if (r < 0 || entry->number == LIMIT_NUMBER_UNLIMITED)
        return r;
    return parser_range(p, value, entry->number);
}

/* Printable text for one line of a cgroup file. */
static bool is_line(const char *text)
{
    size_t len = 0;

    for (; text[len] != '\0'; len++) {
        if (text[len] < ' ' || text[len] >= 0x7f)
            return false;
    }
    return len > 0 && len < 2048;
}

/* NAME:KEY=VALUE,KEY=VALUE; kept as the kernel writes it, with blanks between. */
static int parse_pair_text(const struct parser *p, const char *text, struct limit_entry *entry)
{
    const char *value = "";
    int r = parse_pair_name(p, text, &value, entry);

    if (r < 0)
        return r;
    if (!is_line(value) || !strchr(value, '='))
        return parser_refuse(p, text, "is not of the form %s", p->info->metavar);
    entry->text = strdup(value);
    if (!entry->text)
        return err_nomem(p->err);
    for (char *c = entry->text; *c != '\0'; c++) {
        if (*c == ',')
            *c = ' ';
    }
    return 0;
}

/* ---- any file of the group --------------------------------------------------------------------- */

/*
 * CONTROLLER.NAME=VALUE. The name may hold nothing that could lead out of the group's directory. Of the
 * core files only those that are limits are let through, and of the controllers only those whose files
 * are settings: writing to freezer, devices or memory.reclaim is an act, not a limit.
 */
static bool conf_is_setting(const char *file)
{
    static const char *const core_table[] = { "cgroup.max.depth", "cgroup.max.descendants" };
    static const char *const act_table[] = { "memory.reclaim", "memory.force_empty",
                                             "memory.pressure_level" };
    enum controller controller = controller_find(file, strcspn(file, "."));

    for (size_t i = 0; i < ARRAY_SIZE(core_table); i++) {
        if (strcmp(file, core_table[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(act_table); i++) {
        if (strcmp(file, act_table[i]) == 0)
            return false;
    }
    return controller != CONTROLLER_NONE && controller != CONTROLLER_FREEZER &&
           controller != CONTROLLER_DEVICES;
}

static int parse_conf(const struct parser *p, const char *text, struct limit_entry *entry)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    size_t len = strcspn(text, "=");

    if (text[len] == '\0' || len == 0 || !is_line(text + len + 1))
        return parser_refuse(p, text, "is not of the form FILE=VALUE");
    if (len >= sizeof(entry->key) || strspn(text, allowed) != len || !strchr(text, '.') ||
        strstr(text, "..") || text[0] == '.' || text[len - 1] == '.')
        return parser_refuse(p, text, "does not begin with a file's name such as memory.high");
    memcpy(entry->key, text, len);
    entry->key[len] = '\0';
    if (!conf_is_setting(entry->key))
        return parser_refuse(p, text, "names no setting of a controller that may be written here");
    entry->text = strdup(text + len + 1);
    return entry->text ? 0 : err_nomem(p->err);
}

/* ---- the table --------------------------------------------------------------------------------- */

parse_entry_fn parse_entry_of(enum limit_kind kind)
{
    static const parse_entry_fn entry_table[] = {
        [LIMIT_KIND_DEVICE_NUMBER] = parse_device_number,
        [LIMIT_KIND_DEVICE_SIZE] = parse_device_size,
        [LIMIT_KIND_DEVICE_DURATION] = parse_device_duration,
        [LIMIT_KIND_DEVICE_RULE] = parse_device_rule,
        [LIMIT_KIND_PAIR_SIZE] = parse_pair_size,
        [LIMIT_KIND_PAIR_NUMBER] = parse_pair_number,
        [LIMIT_KIND_PAIR_TEXT] = parse_pair_text,
        [LIMIT_KIND_CONF] = parse_conf,
    };

    return (size_t)kind < ARRAY_SIZE(entry_table) ? entry_table[kind] : NULL;
}

bool parse_entry_same(enum limit_kind kind, const struct limit_entry *a,
                      const struct limit_entry *b)
{
    switch (kind) {
    case LIMIT_KIND_DEVICE_RULE:
        return false; /* order is meaning */
    case LIMIT_KIND_DEVICE_NUMBER:
    case LIMIT_KIND_DEVICE_SIZE:
    case LIMIT_KIND_DEVICE_DURATION:
        return a->major == b->major && a->minor == b->minor;
    default:
        return strcmp(a->key, b->key) == 0;
    }
}
