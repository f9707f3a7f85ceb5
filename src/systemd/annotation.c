/*
 * Properties that annotations name, in the text form of GVariant: its basic types but for object paths and
 * signatures, and arrays of them.
 */
#include <errno.h>
#include <string.h>

#include "systemd/systemd.h"

#define ANNOTATION_PREFIX "org.systemd.property."
#define NAME_MAX_LEN      63u

/* One value as it is read. */
struct reader {
    const char *at;
    char type; /* of D-Bus: 's', 'b', 't' ...; '\0': not known yet */
    bool is_array;
    size_t n;          /* values */
    struct buf values; /* one a line */
};

static const struct {
    const char *word;
    char type;
    int64_t min;
    uint64_t max;
} number_table[] = {
    { "byte", 'y', 0, UINT8_MAX },    { "int16", 'n', INT16_MIN, INT16_MAX },
    { "uint16", 'q', 0, UINT16_MAX }, { "int32", 'i', INT32_MIN, INT32_MAX },
    { "uint32", 'u', 0, UINT32_MAX }, { "int64", 'x', INT64_MIN, INT64_MAX },
    { "uint64", 't', 0, UINT64_MAX },
};

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t");
}

static bool take(struct reader *reader, char c)
{
    skip_blanks(reader);
    if (*reader->at != c)
        return false;
    reader->at++;
    return true;
}

/* All values of an array have one type. */
static bool be(struct reader *reader, char type)
{
    if (reader->type && reader->type != type)
        return false;
    reader->type = type;
    reader->n++;
    return true;
}

static bool read_string(struct reader *reader, char quote)
{
    if (!be(reader, 's'))
        return false;
    for (; *reader->at != quote; reader->at++) {
        if (*reader->at == '\\')
            reader->at++;
        /* A value is a line here, and no unit has use for more. */
        if ((unsigned char)*reader->at < 0x20)
            return false;
        buf_putc(&reader->values, *reader->at);
    }
    reader->at++;
    buf_putc(&reader->values, '\n');
    return true;
}

static bool read_number(struct reader *reader, size_t row)
{
    size_t len = strcspn(reader->at, " \t,]");
    char digits[32];
    int64_t negative;
    uint64_t number;

    if (len == 0 || len >= sizeof(digits) || !be(reader, number_table[row].type))
        return false;
    memcpy(digits, reader->at, len);
    digits[len] = '\0';
    reader->at += len;
    if (*digits == '-' ? number_parse_signed(digits, number_table[row].min, 0, &negative) < 0
                       : number_parse(digits, number_table[row].max, &number) < 0)
        return false;
    buf_printf(&reader->values, "%s\n", digits);
    return true;
}

/* Without a word before it a number is what those before it are, or an int32. */
static size_t number_row(char type)
{
    for (size_t i = 0; i < ARRAY_SIZE(number_table); i++) {
        if (number_table[i].type == type)
            return i;
    }
    return 3;
}

static bool read_word(struct reader *reader, size_t len)
{
    if ((len == 4 && memcmp(reader->at, "true", 4) == 0) ||
        (len == 5 && memcmp(reader->at, "false", 5) == 0)) {
        buf_puts(&reader->values, len == 4 ? "1\n" : "0\n");
        reader->at += len;
        return be(reader, 'b');
    }
    for (size_t i = 0; i < ARRAY_SIZE(number_table); i++) {
        if (strlen(number_table[i].word) == len &&
            memcmp(reader->at, number_table[i].word, len) == 0) {
            reader->at += len;
            skip_blanks(reader);
            return read_number(reader, i);
        }
    }
    return false;
}

static bool read_basic(struct reader *reader)
{
    skip_blanks(reader);
    char c = *reader->at;
    if (c == '\'' || c == '"') {
        reader->at++;
        return read_string(reader, c);
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(reader, number_row(reader->type));
    return read_word(reader, strcspn(reader->at, " \t,]"));
}

static bool read_array(struct reader *reader)
{
    reader->is_array = true;
    if (take(reader, ']'))
        return reader->type != '\0'; /* of what? */
    do {
        if (!read_basic(reader))
            return false;
    } while (take(reader, ','));
    return take(reader, ']');
}

static bool read_value(struct reader *reader)
{
    bool told = false;

    skip_blanks(reader);
    if (strncmp(reader->at, "@as ", 4) == 0) {
        reader->type = 's';
        reader->at += 4;
        told = true;
    }
    bool right = take(reader, '[') ? read_array(reader) : !told && read_basic(reader);
    skip_blanks(reader);
    return right && *reader->at == '\0';
}

/* Letters and digits, the first one a capital. */
static bool name_is_valid(const char *name, size_t len)
{
    if (len == 0 || len > NAME_MAX_LEN || *name < 'A' || *name > 'Z')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

static bool is_seconds(const char *name, size_t len)
{
    return len > 3 && memcmp(name + len - 3, "Sec", 3) == 0 &&
           !(len > 4 && memcmp(name + len - 4, "USec", 4) == 0);
}

/* Files of units say seconds, the interface microseconds. */
static bool put_seconds(const char *name, size_t len, const struct reader *reader, struct buf *ret)
{
    _cleanup_free_ char *digits = strdup(buf_text(&reader->values));
    uint64_t seconds;

    if (!digits || reader->is_array)
        return false;
    digits[strcspn(digits, "\n")] = '\0';
    if (number_parse(digits, UINT64_MAX / 1000000, &seconds) < 0)
        return false;
    buf_printf(ret, "property %.*sUSec t 1 0\n%llu\n", (int)len - 3, name,
               (unsigned long long)seconds * 1000000);
    return true;
}

static int annotation_put(const char *value, struct buf *ret, struct err *err)
{
    size_t len = strcspn(value, "=");
    struct reader reader = { .at = value + len + (value[len] == '=') };

    if (!name_is_valid(value, len))
        return err_usage(err, "annotation " ANNOTATION_PREFIX "%.*s is not named after a property",
                         (int)(len < 80 ? len : 80), value);
    bool right = read_value(&reader);
    if (right && is_seconds(value, len))
        right = put_seconds(value, len, &reader, ret);
    else if (right)
        buf_printf(ret, "property %.*s %s%c %zu 0\n%s", (int)len, value, reader.is_array ? "a" : "",
                   reader.type, reader.n, buf_text(&reader.values));
    bool failed = buf_error(&reader.values) < 0;
    buf_done(&reader.values);
    if (failed)
        return err_nomem(err);
    return right ? 0
                 : err_usage(err,
                             "annotation " ANNOTATION_PREFIX "%.*s: \"%.100s\" is not a value that "
                             "is understood: 'text', true, uint64 5 or ['a', 'b']",
                             (int)len, value, value + len + (value[len] == '='));
}

int properties_from_annotations(char *const *annotations, struct buf *ret, struct err *err)
{
    for (char *const *a = annotations; a && *a; a++) {
        if (!text_starts(*a, ANNOTATION_PREFIX))
            continue;
        int r = annotation_put(*a + strlen(ANNOTATION_PREFIX), ret, err);
        if (r < 0)
            return r;
    }
    return buf_error(ret) < 0 ? err_nomem(err) : 0;
}
