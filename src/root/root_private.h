/* root, private. */
#pragma once

#include "root/root.h"

/* 64 hexadecimal digits. 0 or -errno. */
int root_random_name(void *data, char ret[static 65]);
