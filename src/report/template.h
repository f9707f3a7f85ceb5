/* Private to report: templates, as program and as values. See template.c. */
#pragma once

#include "report/print.h"

#define TEMPLATE_ARGS  16
#define TEMPLATE_DEPTH 16
#define TEMPLATE_NAME  32

/* What an expression sees. */
struct template_scope {
    json_t *root, *dot; /* not owned */
    struct template_variable {
        char name[TEMPLATE_NAME];
        json_t *value; /* owned */
    } variables[TEMPLATE_DEPTH * 2];
    size_t n_variables;
    bool condition; /* what is not there is nothing, and no error */
};

/* ---- template_eval.c -------------------------------------------------------------------------- */

/*
 * The value of text[0..len): a pipeline of operands and functions. The caller drops *ret. Errors are ERR_USAGE
 * sentences about --format.
 */
int template_eval(struct template_scope *scope, const char *text, size_t len, json_t **ret,
                  struct err *err);
/* What Go takes for false: nothing, false, 0, and what is empty. */
bool template_truth(const json_t *value);

/* ---- template_value.c ------------------------------------------------------------------------- */

/* A value as Go prints it; control characters of its strings as '?'. */
void template_print_value(const json_t *value, struct buf *ret);

struct template_function {
    const char *name;
    size_t min, max; /* number of arguments */
    int (*fn)(json_t *const *args, size_t n, json_t **ret, struct err *err);
};
const struct template_function *template_function_find(const char *name, size_t len);
