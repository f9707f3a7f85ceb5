/* libration: checking a machine. */
#include <errno.h>
#include <string.h>

#include "api/api_private.h"
#include "doctor/doctor.h"

static int doctor_print(const struct doctor_report *report, const char *format, struct buf *ret,
                        struct err *err)
{
    if (strcmp(format, "text") == 0)
        return doctor_print_text(report, ret, err);
    if (strcmp(format, "json") == 0)
        return doctor_print_json(report, ret, err);
    return err_usage(err, "findings are written as text or json, not as '%s'", format);
}

int ration_doctor(struct ration *ration, const char *format, int fix, int fd,
                  struct ration_error *error)
{
    _cleanup_(doctor_report_freep) struct doctor_report *report = NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct doctor_options options = {
        .root_fd = -1,
        .rootless = engine_is_rootless(ration->engine),
        .state_dir = engine_state_dir(ration->engine),
        .fix = fix != 0,
        .reclaim = engine_reclaim_record,
        .reclaim_data = ration->engine,
    };
    int r = doctor_check(&options, &report, &err);

    if (r >= 0)
        r = doctor_print(report, format, &text, &err);
    if (r < 0)
        return api_error(error, &err, r);
    r = api_write(fd, &text, error);
    return r < 0 ? r : (int)doctor_attention(report);
}
