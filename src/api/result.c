/* libration: asking a result. */
#include <errno.h>

#include "api/api_private.h"
#include "report/report.h"

void ration_result_free(struct ration_result *result)
{
    if (!result)
        return;
    result_free(result->result);
    free(result);
}

const char *ration_result_cause(const struct ration_result *result)
{
    return cause_name(result->result->verdict.cause);
}

const char *ration_result_whose(const struct ration_result *result)
{
    return whose_name(result->result->verdict.whose);
}

const char *ration_result_sentence(const struct ration_result *result)
{
    return result->result->verdict.text;
}

const char *ration_result_error(const struct ration_result *result)
{
    return result->result->error.code ? result->result->error.text : NULL;
}

int ration_result_exit_status(const struct ration_result *result)
{
    return result->result->exited ? result->result->exit_status : -1;
}

int ration_result_signal(const struct ration_result *result)
{
    return result->result->signal;
}

int ration_result_program_status(const struct ration_result *result)
{
    return result->result->program_status;
}

int ration_result_metric(const struct ration_result *result, const char *name, uint64_t *ret_value,
                         const char **ret_source)
{
    enum metric_id id = metric_find(name);

    if (id == METRIC_NONE)
        return -ENOENT;
    const struct sample_value *value = &result->result->final.value[id];
    if (!value->known)
        return 0;
    *ret_value = value->value;
    if (ret_source)
        *ret_source = value->source;
    return 1;
}

int ration_result_write(const struct ration_result *result, const char *format, int fd,
                        struct ration_error *error)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    const struct report_format *printer = report_format_find(format);

    if (!printer) {
        err_usage(&err, "--format %s: there is no such format", format);
        return api_error(error, &err, -EINVAL);
    }
    int r = printer->print(result->result, &text, &err);
    return r < 0 ? api_error(error, &err, r) : api_write(fd, &text, error);
}

const char *ration_format_at(size_t index)
{
    return index < report_format_count() ? report_format_at(index)->name : NULL;
}
