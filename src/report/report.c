/* The formats by name. */
#include <string.h>

#include "report/print.h"

static const struct report_format format_table[] = {
    { "text", "for people: verdict, limits, figures", text_print },
    { "json", "everything, as docs/result.md describes it", json_print },
    { "isolate", "the meta file of isolate(1)", isolate_print },
    { "runexec", "what BenchExec's runexec prints", runexec_print },
    { "gnu-time", "what GNU time -v prints", gnu_time_print },
    { "go-judge", "the JSON that go-judge answers", go_judge_print },
};

size_t report_format_count(void)
{
    return ARRAY_SIZE(format_table);
}

const struct report_format *report_format_at(size_t index)
{
    return index < ARRAY_SIZE(format_table) ? &format_table[index] : NULL;
}

const struct report_format *report_format_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(format_table); i++) {
        if (strcmp(format_table[i].name, name) == 0)
            return &format_table[i];
    }
    return NULL;
}
