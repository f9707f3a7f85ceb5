/*
 * Private to oci: what the writers of documents share. Objects keep their members in the order in which they
 * were added. A failed allocation shows as a document that is not written and a buffer that says so.
 */
#pragma once

#include <jansson.h>

#include "oci/oci.h"

/* Appends value on one line and frees it; NULL: there was no memory for it. */
void write_finish(json_t *value, struct buf *ret);

/* A string; bytes that are no UTF-8 become question marks, as JSON cannot hold them. */
json_t *write_text(const char *text);
/* A list of the blank-separated words. */
json_t *write_words(const char *words);
/* A list of strings, NULL-terminated. */
json_t *write_strv(char *const *strings);
/* {"enabled": true} */
json_t *write_enabled(bool enabled);

/*
 * Puts value at a path of members with dots between ("cpu.usage.total"), making the objects on the way, and
 * takes it over. False when there was no memory.
 */
bool write_at(json_t *object, const char *path, json_t *value);
