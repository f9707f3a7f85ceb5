/* How images are shown. Private to imagecli. */
#pragma once

#include "imagecli/imagecli.h"

/* Seconds of a time as images have it (RFC 3339, without fraction and zone); 0: none. */
uint64_t time_of(const char *created);
/* "3 days ago". */
void age_show(uint64_t created, char *ret, size_t size);
