/* A report as text for people and as JSON for programs. Pure. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "doctor/doctor.h"

static int title_width(const struct doctor_report *report)
{
    size_t width = 0;

    for (size_t i = 0; i < report->n_findings; i++) {
        size_t n = strlen(report->findings[i].title);
        if (n > width)
            width = n;
    }
    return (int)width;
}

int doctor_print_text(const struct doctor_report *report, struct buf *ret, struct err *err)
{
    int width = title_width(report);

    buf_printf(ret, "Linux %s, %s\n\n", report->release,
               report->rootless ? "without root" : "as root");
    for (size_t i = 0; i < report->n_findings; i++) {
        const struct doctor_finding *f = &report->findings[i];
        buf_printf(ret, "%-4s  %-*s  %s\n", doctor_verdict_name(f->verdict), width, f->title,
                   f->found);
        if (f->verdict != DOCTOR_OK && f->why)
            buf_printf(ret, "      %-*s  %s\n", width, "", f->why);
        if (f->verdict != DOCTOR_OK && f->mend)
            buf_printf(ret, "      %-*s  mend: %s\n", width, "", f->mend);
    }
    buf_puts(ret, "\n");
    for (unsigned v = 0; v < DOCTOR_VERDICT_COUNT; v++)
        buf_printf(ret, "%s%u %s", v ? ", " : "", report->count[v],
                   doctor_verdict_name((enum doctor_verdict)v));
    buf_puts(ret, "\n");
    return buf_error(ret) < 0 ? err_nomem(err) : 0;
}

static json_t *json_finding(const struct doctor_finding *f)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?, s:b, s:b}", "id", f->id, "title", f->title,
                     "verdict", doctor_verdict_name(f->verdict), "found", f->found, "why", f->why,
                     "mend", f->mend, "fixable", f->fixable, "fixed", f->fixed);
}

static json_t *json_report(const struct doctor_report *report)
{
    json_t *checks = json_array(), *summary = json_object();

    for (size_t i = 0; checks && i < report->n_findings; i++) {
        if (json_array_append_new(checks, json_finding(&report->findings[i])) < 0) {
            json_decref(checks);
            checks = NULL;
        }
    }
    for (unsigned v = 0; summary && v < DOCTOR_VERDICT_COUNT; v++) {
        if (json_object_set_new(summary, doctor_verdict_name((enum doctor_verdict)v),
                                json_integer((json_int_t)report->count[v])) < 0) {
            json_decref(summary);
            summary = NULL;
        }
    }
    /* "o" takes both over, also when packing fails. */
    return json_pack("{s:s, s:s, s:I, s:b, s:o, s:o}", "ration", RATION_VERSION, "kernel",
                     report->release, "user", (json_int_t)report->uid, "rootless", report->rootless,
                     "checks", checks, "summary", summary);
}

static int add_piece(const char *data, size_t len, void *ret)
{
    buf_add(ret, data, len);
    return buf_error(ret);
}

int doctor_print_json(const struct doctor_report *report, struct buf *ret, struct err *err)
{
    json_t *json = json_report(report);

    if (!json)
        return err_nomem(err);
    int r = json_dump_callback(json, add_piece, ret, JSON_INDENT(2));
    json_decref(json);
    buf_putc(ret, '\n');
    return r < 0 || buf_error(ret) < 0 ? err_nomem(err) : 0;
}
