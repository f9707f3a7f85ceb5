/* The table of options that are not limits, and the draft that they fill. Private to spec. */
#pragma once

#include "spec/spec.h"

enum option_id {
#define OPTION(id, ...) OPTION_##id,
#include "spec/options.def"
#undef OPTION
    OPTION_ID_COUNT,
};

/* A growing vector of owned strings, NULL-terminated; push costs the same however long it is. */
struct texts {
    char **v;
    size_t n, cap;
};

void texts_done(struct texts *texts);
/* Append a copy. Returns 0 or -ENOMEM. */
int texts_push(struct texts *texts, const char *text);
void texts_remove(struct texts *texts, size_t index);
int texts_copy(const struct texts *from, struct texts *ret);

struct draft {
    struct texts
        value[OPTION_ID_COUNT]; /* what each was set to; the last alone unless OPTION_MANY */
    struct limit_set limits;
    struct texts limit_texts; /* "name=text", one of a name unless the limit is many */
    char **argv;
    struct spec_image *image;
    struct spec_overlay *overlay;
    enum spec_measure measure;
};

/* image.c */
void spec_image_free(struct spec_image *image);
int spec_image_copy(const struct spec_image *from, struct spec_image **ret);
void spec_overlay_free(struct spec_overlay *overlay);
int spec_overlay_copy(const struct spec_overlay *from, struct spec_overlay **ret);

/* The last text of an option, or NULL. */
const char *draft_text(const struct draft *draft, enum option_id id);
/* A flag as set, or unset when it was not. */
bool draft_flag(const struct draft *draft, enum option_id id, bool unset);
/* Keep text as the option's value: in place of the last or, where it may be given often, after it. */
int draft_store(struct draft *draft, enum option_id id, const char *text, struct err *err);
/* Set a limit and keep its text for the report. */
int draft_set_limit(struct draft *draft, const struct spec_world *world, enum limit_id limit,
                    const char *text, struct err *err);

/* Refuses a bad value: ERR_USAGE and a sentence that begins with --NAME. */
typedef int (*option_check)(const char *name, const struct spec_world *world, const char *value,
                            struct err *err);
typedef int (*option_setter)(struct draft *draft, const struct spec_world *world, const char *value,
                             struct err *err);

struct option_row {
    const char *name;
    char letter;
    const char *aliases, *metavar, *help, *group;
    enum option_kind kind;
    const char *words;
    option_check check;
    option_setter set;
};

extern const struct option_row option_table[OPTION_ID_COUNT];

/* The row of a name or alias, or OPTION_ID_COUNT. */
enum option_id option_row_find(const char *name);
/* Is word one of the blank-separated words? */
bool words_have(const char *words, const char *word, size_t len);
