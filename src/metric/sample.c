/* Filling a sample. */
#include <errno.h>
#include <string.h>

#include "metric/metric.h"

void sample_set(struct sample *sample, enum metric_id id, uint64_t value, const char *source)
{
    struct sample_value *slot = &sample->value[id];

    slot->known = true;
    slot->value = value;
    snprintf(slot->source, sizeof(slot->source), "%s", source);
}

void sample_set_per_cpu(struct sample *sample, const char *text)
{
    const char *p = text;
    unsigned n = 0;

    while (n < SAMPLE_CPUS_MAX) {
        char *end;

        p += strspn(p, " \t\n");
        if (*p < '0' || *p > '9')
            break;
        errno = 0;
        unsigned long long ns = strtoull(p, &end, 10);
        if (errno != 0)
            break;
        sample->per_cpu_us[n++] = ns / 1000;
        p = end;
    }
    sample->n_cpus = n;
}

bool sample_get(const struct sample *sample, enum metric_id id, uint64_t *ret)
{
    if (!sample || !sample->value[id].known)
        return false;
    *ret = sample->value[id].value;
    return true;
}
