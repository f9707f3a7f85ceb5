/* Private to the limit room: what the two halves of the parser share. */
#pragma once

#include "limit/limit.h"

struct parser {
    enum limit_id id;
    const struct limit_info *info;
    const struct limit_context *context;
    struct err *err;
};

/* "--NAME: "TEXT" WHY": the one form of all refusals here. Long and unprintable text is cut short. */
int parser_refuse(const struct parser *p, const char *text, const char *fmt, ...) _printf_(3, 4);
/* The same for the codes of base's number parsers; what: "a size such as 50m". */
int parser_refuse_number(const struct parser *p, const char *text, int code, const char *what);

/* Numbers of the three kinds, with "-1", "max" and "unlimited" where the row allows them. */
enum parse_unit {
    PARSE_NUMBER,
    PARSE_SIZE,
    PARSE_DURATION,
};
/* Within the row's range, or LIMIT_NUMBER_UNLIMITED. */
int parser_quantity(const struct parser *p, enum parse_unit unit, const char *text, uint64_t *ret);
int parser_range(const struct parser *p, const char *text, uint64_t number);
bool parse_is_unlimited(const char *text);

/* Reads one entry into *entry (zeroed before; its text is owned by the caller even on error). */
typedef int (*parse_entry_fn)(const struct parser *p, const char *text, struct limit_entry *entry);
/* The reader of a many-valued kind, or NULL. */
parse_entry_fn parse_entry_of(enum limit_kind kind);
/* Do two entries of this kind speak of the same thing, so that the later one replaces the earlier? */
bool parse_entry_same(enum limit_kind kind, const struct limit_entry *a,
                      const struct limit_entry *b);
