/* A container's environment: NULL-terminated, owned. */
#pragma once

#include "base/base.h"

/* Replace a variable, or add it. 0 or -ENOMEM. */
int env_set(char ***env, const char *name, const char *value);
