/* Huge pages, pairs of name and value, and files by their own name. */
#include <errno.h>
#include <string.h>

#include "limit/planner.h"

/* ---- huge pages -------------------------------------------------------------------------------- */

/* The row's file with the page size in the place of "%s"; what: "" or ".rsvd", which stands behind it. */
static char *hugetlb_file(const char *pattern, const char *page_size, const char *what)
{
    size_t prefix = strcspn(pattern, "%");
    const char *suffix = pattern[prefix] != '\0' ? pattern + prefix + 2 : "";

    return text_format("%.*s%s%s%s", (int)prefix, pattern, page_size, what, suffix);
}

static bool hugetlb_is_known(const char *sizes, const char *page_size)
{
    size_t len = strlen(page_size);

    for (const char *at = sizes; *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
        if (strcspn(at, " ") == len && memcmp(at, page_size, len) == 0)
            return true;
    }
    return sizes[0] == '\0';
}

static void hugetlb_write(struct planner *p, enum limit_id id, const char *page_size,
                          const char *what, uint64_t bytes, char *reason)
{
    _cleanup_free_ char *file = hugetlb_file(planner_file(p, id), page_size, what);

    if (!file)
        p->plan->out_of_memory = true;
    planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_PAGES, file },
                planner_number_text(p, id, bytes), reason);
}

static int hugetlb_add(struct planner *p, enum limit_id id, const struct limit_entry *entry)
{
    uint64_t page = 1, bytes = entry->number;
    char *reason = NULL;

    if (!hugetlb_is_known(p->machine->hugepages, entry->key))
        return planner_refuse(p, id,
                              "names a huge page size that this machine does not have; it "
                              "has %s",
                              p->machine->hugepages);
    if (size_parse(entry->key, &page) < 0 || page == 0)
        return planner_usage(p, id, "names no huge page size");
    if (bytes != LIMIT_NUMBER_UNLIMITED && bytes % page != 0) {
        reason = text_format("%llu bytes rounded down to huge pages of %s",
                             (unsigned long long)bytes, entry->key);
        bytes -= bytes % page;
    }
    hugetlb_write(p, id, entry->key, "", bytes, reason);
    /*
     * A document means the pages that are reserved, too (config-linux.md, "Huge page limits"): mmap(2) fails then,
     * where the limit of usage is a SIGBUS. Every kernel that we run on has the file (Linux 5.7).
     */
    if (p->options->document)
        hugetlb_write(p, id, entry->key, ".rsvd", bytes,
                      strdup("a document limits what is reserved, too"));
    return 0;
}

int plan_hugetlb(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    int r = planner_place(p, id);

    for (size_t i = 0; r > 0 && i < value->n_entries; i++) {
        int added = hugetlb_add(p, id, &value->entries[i]);
        if (added < 0)
            return added;
    }
    if (r > 0)
        planner_in_force(p, id, value->number);
    return r < 0 ? r : 0;
}

/* ---- pairs ------------------------------------------------------------------------------------- */

int plan_pair(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    const struct planner_write write = { PLAN_GROUP, PLAN_CHECK_KEYED, NULL };
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    for (size_t i = 0; i < value->n_entries; i++) {
        const struct limit_entry *entry = &value->entries[i];
        _cleanup_free_ char *number = planner_number_text(p, id, entry->number);
        _cleanup_free_ char *text =
            text_format("%s %s", entry->key, entry->text ? entry->text : text_or_empty(number));
        if (!text)
            return err_nomem(p->err);
        /* v1's network groups act on their own processes only. */
        if (limit_info(id)->controller == CONTROLLER_NET_PRIO)
            planner_add_both(p, id, write, text, NULL);
        else
            planner_add(p, id, write, TAKE_PTR(text), NULL);
    }
    planner_in_force(p, id, value->number);
    return 0;
}

/* ---- any file ---------------------------------------------------------------------------------- */

/* Another limit of this very plan writes the same file: one of the two would silently be lost. */
static int conf_check(struct planner *p, enum limit_id id, const struct limit_entry *entry)
{
    for (size_t i = 0; i < p->plan->n_steps; i++) {
        const struct plan_step *step = &p->plan->steps[i];
        if (strcmp(step->file, entry->key) != 0 || step->best_effort ||
            step->controller == CONTROLLER_SUPERVISOR || step->limit == id)
            continue;
        char other[80] = "the set-up of the group";
        if (step->limit != LIMIT_NONE)
            limit_name_format(step->limit, p->options->document, other, sizeof(other));
        return planner_usage(p, id, "writes %s, which %s writes too; give one of them", entry->key,
                             other);
    }
    return 0;
}

/* The hierarchy of the controller that the file's first word names. Like planner_place(). */
static int conf_place(struct planner *p, enum limit_id id, const struct limit_entry *entry,
                      enum controller *ret_controller, int *ret_version)
{
    size_t len = strcspn(entry->key, ".");
    enum controller controller = controller_find(entry->key, len);
    const struct layout_controller *where;

    *ret_controller = controller;
    *ret_version = 2;
    if (controller == CONTROLLER_NONE)
        return p->layout->has_v2 ? 1
                                 : planner_unmet(p, id, NULL,
                                                 "%s exists only on cgroup v2, which is "
                                                 "not mounted here",
                                                 entry->key);
    where = &p->layout->controller[controller];
    *ret_version = where->version;
    if (where->version == 0 || !where->writable)
        return planner_unmet(p, id, where->remedy, "the %s controller cannot be had: %s",
                             controller_name(controller, p->layout->has_v1 ? 1 : 2),
                             where->obstacle ? where->obstacle : "no hierarchy has it here");
    const char *name = controller_name(controller, where->version);
    if (strlen(name) != len || memcmp(name, entry->key, len) != 0)
        return planner_unmet(p, id, NULL,
                             "%s is a file of cgroup v%d and the %s controller is on v%d",
                             entry->key, where->version == 2 ? 1 : 2, name, where->version);
    return 1;
}

int plan_conf(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    enum controller controller;
    bool all = true;
    int version;

    for (size_t i = 0; i < value->n_entries; i++) {
        const struct limit_entry *entry = &value->entries[i];
        int r = conf_check(p, id, entry);
        if (r >= 0)
            r = conf_place(p, id, entry, &controller, &version);
        if (r < 0)
            return r;
        all = all && r > 0;
        if (r == 0)
            continue;
        struct plan_step *step =
            planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_ANY, entry->key },
                        strdup(text_or_empty(entry->text)), NULL);
        if (!step)
            continue;
        step->controller = controller;
        step->version = version;
        if (controller != CONTROLLER_NONE)
            p->plan->controllers |= CONTROLLER_BIT(controller);
    }
    if (all)
        planner_in_force(p, id, value->number);
    return 0;
}
