/* What is known of a container, as state and list tell it. */
#pragma once

#include "ocicli/ocicli.h"

/* Text of a document made by oci, indented for people; appends to ret. */
int json_indent(const char *text, unsigned columns, struct buf *ret, struct err *err);
/* The state document of a container. owner NULL: left out. */
void info_write_state(const struct container_info *info, const char *owner, struct buf *ret);
/* The login name of a user, or the number where there is none; the caller frees it. */
char *owner_name(uid_t uid);
