/* Values to text, in the form that limit_parse() reads back to the same value. */
#include <string.h>

#include "limit/limit.h"

#define UNLIMITED "unlimited"

/* value/scale as a decimal without trailing zeros; scale is a power of ten. */
static void format_fixed(uint64_t value, uint64_t scale, struct buf *ret)
{
    uint64_t fraction = value % scale;

    buf_printf(ret, "%llu", (unsigned long long)(value / scale));
    if (fraction == 0)
        return;
    buf_putc(ret, '.');
    while (fraction > 0) {
        scale /= 10;
        buf_putc(ret, (char)('0' + fraction / scale));
        fraction %= scale;
    }
}

static void format_scaled(uint64_t value, const char *units, uint64_t base, struct buf *ret)
{
    size_t unit = 0;

    while (units[unit] != '\0' && value != 0 && value % base == 0) {
        value /= base;
        unit++;
    }
    buf_printf(ret, "%llu", (unsigned long long)value);
    if (unit > 0)
        buf_putc(ret, units[unit - 1]);
}

static void format_bytes(uint64_t bytes, struct buf *ret)
{
    if (bytes == LIMIT_NUMBER_UNLIMITED)
        buf_puts(ret, UNLIMITED);
    else
        format_scaled(bytes, "kmgt", 1024, ret);
}

static void format_plain(uint64_t number, struct buf *ret)
{
    if (number == LIMIT_NUMBER_UNLIMITED)
        buf_puts(ret, UNLIMITED);
    else
        buf_printf(ret, "%llu", (unsigned long long)number);
}

static void format_us(uint64_t us, struct buf *ret)
{
    if (us == LIMIT_NUMBER_UNLIMITED)
        buf_puts(ret, UNLIMITED);
    else if (us > 0 && us % 1000000 == 0)
        buf_printf(ret, "%llus", (unsigned long long)(us / 1000000));
    else if (us > 0 && us % 1000 == 0)
        buf_printf(ret, "%llums", (unsigned long long)(us / 1000));
    else
        buf_printf(ret, "%lluus", (unsigned long long)us);
}

/* ---- single values ----------------------------------------------------------------------------- */

static void format_size(const struct limit_info *info, const struct limit_value *v, struct buf *ret)
{
    (void)info;
    if (v->percent) {
        format_fixed(v->number, 10000, ret);
        buf_putc(ret, '%');
    } else {
        format_bytes(v->number, ret);
    }
}

static void format_number(const struct limit_info *info, const struct limit_value *v,
                          struct buf *ret)
{
    if (info->flags & LIMIT_CLASSID)
        buf_printf(ret, "0x%llx", (unsigned long long)v->number);
    else
        format_plain(v->number, ret);
}

static void format_duration(const struct limit_info *info, const struct limit_value *v,
                            struct buf *ret)
{
    (void)info;
    format_us(v->number, ret);
}

static void format_cpus(const struct limit_info *info, const struct limit_value *v, struct buf *ret)
{
    (void)info;
    format_fixed(v->number, 1000000, ret);
}

static void format_percent(const struct limit_info *info, const struct limit_value *v,
                           struct buf *ret)
{
    (void)info;
    format_fixed(v->number, 10000, ret);
    buf_putc(ret, '%');
}

static void format_flag(const struct limit_info *info, const struct limit_value *v, struct buf *ret)
{
    (void)info;
    buf_puts(ret, v->number ? "true" : "false");
}

static void format_text(const struct limit_info *info, const struct limit_value *v, struct buf *ret)
{
    (void)info;
    buf_puts(ret, text_or_empty(v->text));
}

static void format_rlimit(const struct limit_info *info, const struct limit_value *v,
                          struct buf *ret)
{
    void (*side)(uint64_t, struct buf *) =
        info->kind == LIMIT_KIND_RLIMIT_SIZE ? format_bytes : format_plain;

    side(v->number, ret);
    if (v->hard != v->number) {
        buf_putc(ret, ':');
        side(v->hard, ret);
    }
}

/* ---- entries ----------------------------------------------------------------------------------- */

static void format_rule_number(uint32_t number, struct buf *ret)
{
    if (number == UINT32_MAX)
        buf_putc(ret, '*');
    else
        buf_printf(ret, "%u", number);
}

static void format_rule(const struct limit_entry *e, struct buf *ret)
{
    buf_printf(ret, "%s %c ", e->allow ? "allow" : "deny", e->type);
    format_rule_number(e->major, ret);
    buf_putc(ret, ':');
    format_rule_number(e->minor, ret);
    buf_printf(ret, " %s", e->access);
}

static void format_pair_text(const struct limit_entry *e, struct buf *ret)
{
    buf_printf(ret, "%s:", e->key);
    for (const char *c = text_or_empty(e->text); *c != '\0'; c++)
        buf_putc(ret, *c == ' ' ? ',' : *c);
}

static void format_entry(const struct limit_info *info, const struct limit_entry *e,
                         struct buf *ret)
{
    switch (info->kind) {
    case LIMIT_KIND_DEVICE_RULE:
        format_rule(e, ret);
        return;
    case LIMIT_KIND_CONF:
        buf_printf(ret, "%s=%s", e->key, text_or_empty(e->text));
        return;
    case LIMIT_KIND_PAIR_TEXT:
        format_pair_text(e, ret);
        return;
    default:
        break;
    }
    if (e->key[0] != '\0')
        buf_printf(ret, "%s:", e->key);
    else
        buf_printf(ret, "%u:%u:", e->major, e->minor);
    if (info->kind == LIMIT_KIND_DEVICE_SIZE || info->kind == LIMIT_KIND_PAIR_SIZE)
        format_bytes(e->number, ret);
    else if (info->kind == LIMIT_KIND_DEVICE_DURATION)
        format_us(e->number, ret);
    else
        format_plain(e->number, ret);
}

static void format_entries(const struct limit_info *info, const struct limit_value *v,
                           struct buf *ret)
{
    for (size_t i = 0; i < v->n_entries; i++) {
        if (i > 0)
            buf_puts(ret, "; ");
        format_entry(info, &v->entries[i], ret);
    }
}

/* ---- the door ---------------------------------------------------------------------------------- */

typedef void (*format_fn)(const struct limit_info *info, const struct limit_value *value,
                          struct buf *ret);

static const format_fn format_table[] = {
    [LIMIT_KIND_SIZE] = format_size,
    [LIMIT_KIND_NUMBER] = format_number,
    [LIMIT_KIND_DURATION] = format_duration,
    [LIMIT_KIND_CPUS] = format_cpus,
    [LIMIT_KIND_PERCENT] = format_percent,
    [LIMIT_KIND_FLAG] = format_flag,
    [LIMIT_KIND_LIST] = format_text,
    [LIMIT_KIND_WORD] = format_text,
    [LIMIT_KIND_DEVICE_NUMBER] = format_entries,
    [LIMIT_KIND_DEVICE_SIZE] = format_entries,
    [LIMIT_KIND_DEVICE_DURATION] = format_entries,
    [LIMIT_KIND_DEVICE_RULE] = format_entries,
    [LIMIT_KIND_PAIR_SIZE] = format_entries,
    [LIMIT_KIND_PAIR_NUMBER] = format_entries,
    [LIMIT_KIND_PAIR_TEXT] = format_entries,
    [LIMIT_KIND_CONF] = format_entries,
    [LIMIT_KIND_RLIMIT_SIZE] = format_rlimit,
    [LIMIT_KIND_RLIMIT_NUMBER] = format_rlimit,
    [LIMIT_KIND_RLIMIT_TIME] = format_rlimit,
};

void limit_format(enum limit_id id, const struct limit_value *value, struct buf *ret)
{
    const struct limit_info *info = limit_info(id);

    if (!info || value->state == LIMIT_UNSET)
        return;
    if (value->state == LIMIT_UNLIMITED)
        buf_puts(ret, UNLIMITED);
    else
        format_table[info->kind](info, value, ret);
}
