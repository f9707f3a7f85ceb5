/* Values and sets of values: copy, compare, release. */
#include <errno.h>
#include <string.h>

#include "limit/limit.h"

void limit_value_done(struct limit_value *value)
{
    for (size_t i = 0; value->entries && i < value->n_entries; i++)
        free(value->entries[i].text);
    free(value->entries);
    free(value->text);
    *value = (struct limit_value){ 0 };
}

int limit_value_copy(const struct limit_value *from, struct limit_value *ret)
{
    struct limit_value copy = *from;

    copy.text = NULL;
    copy.entries = NULL;
    copy.n_entries = 0;
    if (text_replace(&copy.text, from->text) < 0)
        return -ENOMEM;
    if (from->n_entries > 0) {
        copy.entries = calloc(from->n_entries, sizeof(*copy.entries));
        if (!copy.entries)
            goto nomem;
    }
    for (; copy.n_entries < from->n_entries; copy.n_entries++) {
        struct limit_entry *entry = &copy.entries[copy.n_entries];
        *entry = from->entries[copy.n_entries];
        entry->text = NULL;
        if (text_replace(&entry->text, from->entries[copy.n_entries].text) < 0)
            goto nomem;
    }
    *ret = copy;
    return 0;
nomem:
    limit_value_done(&copy);
    return -ENOMEM;
}

static bool entry_equal(const struct limit_entry *a, const struct limit_entry *b)
{
    return strcmp(a->key, b->key) == 0 && a->major == b->major && a->minor == b->minor &&
           a->number == b->number && a->type == b->type && a->allow == b->allow &&
           strncmp(a->access, b->access, sizeof(a->access)) == 0 &&
           strcmp(text_or_empty(a->text), text_or_empty(b->text)) == 0;
}

bool limit_equal(const struct limit_value *a, const struct limit_value *b)
{
    if (a->state != b->state || a->percent != b->percent || a->number != b->number ||
        a->hard != b->hard || a->n_entries != b->n_entries ||
        strcmp(text_or_empty(a->text), text_or_empty(b->text)) != 0)
        return false;
    for (size_t i = 0; i < a->n_entries; i++) {
        if (!entry_equal(&a->entries[i], &b->entries[i]))
            return false;
    }
    return true;
}

void limit_set_done(struct limit_set *set)
{
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        limit_value_done(&set->value[i]);
}

int limit_set_copy(const struct limit_set *from, struct limit_set *ret)
{
    *ret = (struct limit_set){ 0 };
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        if (limit_value_copy(&from->value[i], &ret->value[i]) < 0) {
            limit_set_done(ret);
            return -ENOMEM;
        }
    }
    return 0;
}
