/* Private to oci: what the readers of linux.resources share. */
#pragma once

#include "oci/document.h"

/* The limit that is being read and where it goes. */
struct resource {
    enum limit_id limit;
    const struct limit_context *context;
    struct limit_set *set;
};

/* Through the limit's own reader; the sentence calls it by path. Returns 1 or -errno. */
int resource_parse(const struct resource *r, const char *path, const char *text, struct err *err);

/* The lists "devices" and "unified"; like all readers: 0 or 1 when it went well, -errno. */
int resource_read_devices(const struct resource *r, const json_t *value, const char *path,
                          struct err *err);
int resource_read_unified(const struct resource *r, const json_t *value, const char *path,
                          struct err *err);

/*
 * Kubernetes adds "deny everything" to the resources of every update, meaning nothing by it: the list that a
 * container was made with stays, as it does with runc.
 */
void resource_forget_usual_devices(struct limit_set *set);
