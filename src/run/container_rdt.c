/* A container's class of service (linux.intelRdt): a directory of resctrl, by the record. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "run/container_private.h"

int rdt_plan(const struct spec *spec, struct rdt *ret, struct buf *lines, struct err *err)
{
    const struct spec_rdt *asked = &spec->rdt;
    _cleanup_buf_ struct buf line = BUF_INIT;

    if (!asked->set)
        return 0;
    resctrl_schemata_join(asked->l3_schema, asked->mem_schema, asked->schemata, &ret->schemata);
    const struct resctrl_wanted wanted = {
        .name = asked->clos_id ? asked->clos_id : spec->name,
        .given = asked->clos_id != NULL,
        .schemata = buf_text(&ret->schemata),
        .monitor = asked->monitoring ? spec->name : NULL,
    };
    if (buf_error(&ret->schemata) < 0)
        return err_nomem(err);
    int r = resctrl_plan(-1, &wanted, &ret->resctrl, err);
    if (r < 0)
        return r;
    ret->planned = true;
    resctrl_format(&ret->resctrl, &line);
    buf_printf(lines, "rdt %s\n", buf_text(&line));
    return buf_error(&line) < 0 || buf_error(lines) < 0 ? err_nomem(err) : 0;
}

int rdt_enter(struct rdt *rdt, pid_t pid, struct err *err)
{
    if (!rdt->planned)
        return 0;
    rdt->made = true;
    int r = resctrl_make(-1, &rdt->resctrl, buf_text(&rdt->schemata), err);
    return r < 0 ? r : resctrl_join(-1, &rdt->resctrl, pid, err);
}

void rdt_undo(struct rdt *rdt)
{
    if (rdt->made)
        resctrl_remove(-1, &rdt->resctrl);
    rdt->made = false;
}

void rdt_done(struct rdt *rdt)
{
    resctrl_done(&rdt->resctrl);
    buf_done(&rdt->schemata);
    *rdt = (struct rdt){ 0 };
}

/* 1: the record has one. */
static int rdt_on_record(const struct container *container, struct resctrl *ret)
{
    _cleanup_free_ char *line =
        container->intact ? container_value(buf_text(&container->text), "rdt") : NULL;
    int r = line ? resctrl_parse(line, ret) : 0;

    return r < 0 ? r : line != NULL;
}

int rdt_join_again(const struct container *container, pid_t pid, struct err *err)
{
    struct resctrl resctrl = { 0 };
    int r = rdt_on_record(container, &resctrl);

    if (r < 0)
        return err_set(err, -r, "the record does not tell the container's class of service");
    if (r > 0)
        r = resctrl_join(-1, &resctrl, pid, err);
    resctrl_done(&resctrl);
    return r;
}

void rdt_remove(const struct container *container)
{
    struct resctrl resctrl = { 0 };

    if (rdt_on_record(container, &resctrl) > 0)
        resctrl_remove(-1, &resctrl);
    resctrl_done(&resctrl);
}
