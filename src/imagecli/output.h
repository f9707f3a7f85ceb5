/* Where archives go. Private to imagecli. */
#pragma once

#include "imagecli/imagecli.h"

/* For layer_pack: data is the fd. */
int write_to_fd(void *data, const void *bytes, size_t len);
/* --output, or standard output unless that is a terminal. */
int output_open(const struct call *call, int *ret, struct err *err);
