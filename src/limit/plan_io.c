/* Block devices: weights, bytes and operations per second, latency targets. */
#include <errno.h>
#include <string.h>

#include "limit/planner.h"

/* ---- weights ----------------------------------------------------------------------------------- */

/* "blkio.weight" is "blkio.bfq.weight" where the bfq scheduler offers it. */
static void weight_file(const struct planner *p, enum limit_id id, bool is_bfq, char *ret,
                        size_t size)
{
    const char *file = text_or_empty(planner_file(p, id));
    size_t prefix = strcspn(file, ".") + 1;

    if (is_bfq)
        snprintf(ret, size, "%.*sbfq.%s", (int)prefix, file, file + prefix);
    else
        snprintf(ret, size, "%s", file);
}

/* Neither scheduler has its weights on by itself everywhere: said, since nobody can read it back. */
static char *weight_reason(uint64_t asked, uint64_t weight, bool is_bfq)
{
    if (is_bfq)
        return strdup("holds on devices whose scheduler is bfq");
    if (asked == weight)
        return strdup("holds on devices whose I/O scheduler knows weights");
    return text_format("a weight of %llu in 10 to 1000 is %llu in 1 to 10000; holds on devices for "
                       "which io.cost is enabled",
                       (unsigned long long)asked, (unsigned long long)weight);
}

static void weight_add(struct planner *p, enum limit_id id, const char *key, uint64_t asked)
{
    int version = planner_version(p, id);
    bool is_bfq = (p->layout->features & LAYOUT_IO_BFQ_WEIGHT) != 0;
    /* bfq takes the old scale on v2 too. */
    uint64_t weight = version == 2 && !is_bfq ? weight_from_blkio(asked) : asked;
    char file[64];

    weight_file(p, id, is_bfq, file, sizeof(file));
    if (!key && version == 2)
        key = "default";
    planner_add(
        p, id,
        (struct planner_write){ PLAN_GROUP, key ? PLAN_CHECK_KEYED : PLAN_CHECK_NUMBER, file },
        text_format("%s%s%llu", text_or_empty(key), key ? " " : "", (unsigned long long)weight),
        weight_reason(asked, weight, is_bfq));
}

int plan_io_weight(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    if (!limit_is_many(id))
        weight_add(p, id, NULL, value->number);
    for (size_t i = 0; i < value->n_entries; i++) {
        char key[32];
        snprintf(key, sizeof(key), "%u:%u", value->entries[i].major, value->entries[i].minor);
        weight_add(p, id, key, value->entries[i].number);
    }
    planner_in_force(p, id, value->number);
    return 0;
}

/* ---- rates ------------------------------------------------------------------------------------- */

static const enum limit_id rate_table[] = { LIMIT_DEVICE_READ_BPS, LIMIT_DEVICE_WRITE_BPS,
                                            LIMIT_DEVICE_READ_IOPS, LIMIT_DEVICE_WRITE_IOPS };

static const struct limit_entry *rate_find(const struct planner *p, enum limit_id id,
                                           const struct limit_entry *device)
{
    const struct limit_value *value = planner_value(p, id);

    for (size_t i = 0; i < value->n_entries; i++) {
        if (value->entries[i].major == device->major && value->entries[i].minor == device->minor)
            return &value->entries[i];
    }
    return NULL;
}

/* All rates of one device in one line. id is the first limit that names the device. */
static void rate_add_device(struct planner *p, enum limit_id id, const struct limit_entry *device)
{
    _cleanup_buf_ struct buf line = BUF_INIT;
    uint64_t serves = 0;

    buf_printf(&line, "%u:%u", device->major, device->minor);
    for (size_t i = 0; i < ARRAY_SIZE(rate_table); i++) {
        const struct limit_entry *entry = rate_find(p, rate_table[i], device);
        if (!entry)
            continue;
        _cleanup_free_ char *number = planner_number_text(p, id, entry->number);
        buf_printf(&line, " %s=%s", limit_info(rate_table[i])->v2_key, text_or_empty(number));
        serves |= LIMIT_BIT(rate_table[i]);
    }
    struct plan_step *step = planner_add(
        p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_KEYED, NULL }, buf_take(&line), NULL);
    if (step)
        step->serves |= serves;
}

static bool rate_named_before(const struct planner *p, size_t row, const struct limit_entry *device)
{
    for (size_t i = 0; i < row; i++) {
        if (rate_find(p, rate_table[i], device))
            return true;
    }
    return false;
}

static int rate_plan_v2(struct planner *p)
{
    for (size_t row = 0; row < ARRAY_SIZE(rate_table); row++) {
        const struct limit_value *value = planner_value(p, rate_table[row]);
        for (size_t i = 0; i < value->n_entries; i++) {
            if (!rate_named_before(p, row, &value->entries[i]))
                rate_add_device(p, rate_table[row], &value->entries[i]);
        }
        if (value->n_entries > 0)
            planner_in_force(p, rate_table[row], value->number);
        p->done |= LIMIT_BIT(rate_table[row]);
    }
    return 0;
}

int plan_io_max(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    if (planner_version(p, id) == 2)
        return rate_plan_v2(p);
    for (size_t i = 0; i < value->n_entries; i++) {
        const struct limit_entry *entry = &value->entries[i];
        uint64_t number = entry->number == LIMIT_NUMBER_UNLIMITED ? 0 : entry->number;
        _cleanup_free_ char *text =
            text_format("%u:%u %llu", entry->major, entry->minor, (unsigned long long)number);
        if (!text)
            return err_nomem(p->err);
        planner_add_both(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_KEYED, NULL }, text,
                         NULL);
    }
    planner_in_force(p, id, value->number);
    return 0;
}

int plan_io_latency(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    for (size_t i = 0; i < value->n_entries; i++)
        planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_KEYED, NULL },
                    text_format("%u:%u %s=%llu", value->entries[i].major, value->entries[i].minor,
                                limit_info(id)->v2_key,
                                (unsigned long long)value->entries[i].number),
                    strdup("microseconds"));
    planner_in_force(p, id, value->number);
    return 0;
}
