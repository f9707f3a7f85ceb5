/* What packing's two files share. */
#pragma once

#include "archive/archive_private.h"

struct pack {
    const struct layer_pack *how;
    struct layer_packed *done;
    struct archive *tar;
    struct archive *out; /* the compressor behind it; NULL: none */
    void *diff_id;
    int write_error; /* of how->write: negative errno */
    uint64_t mount_id;
    void *links; /* tsearch(3): inodes with several names that have been packed */
};

/* Walk what is to be packed and write each entry. */
int pack_walk(struct pack *pack, struct err *err);
/* An entry's header, and then its content by pack_data(). */
int pack_header(struct pack *pack, struct archive_entry *entry, struct err *err);
int pack_data(struct pack *pack, const void *data, size_t len, struct err *err);
