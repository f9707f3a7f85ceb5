/* What brings images from files. Private to imagecli. */
#pragma once

#include "imagecli/build.h"

/* All that fd gives as a blob; what: its name in sentences. */
int blob_from_fd(struct call *call, int fd, const char *what, char ret_digest[IMAGE_DIGEST_SIZE],
                 uint64_t *ret_size_bytes, struct err *err);
/* A layer made of this machine's busybox. */
int import_busybox(struct call *call, struct built_layer *ret, struct err *err);
