/* life, private: asking a container whether it is well. */
#pragma once

#include "life/monitor.h"

/* COMMAND has begun: the first check is due one interval later. Nothing when there is no check. */
void life_health_begin(struct monitor *monitor);
/* Before that: what its description says of it. */
void life_health_plan(struct monitor *monitor, const struct draft *draft);
/* health.due_us has come: begin a check, or end one that takes too long. */
void life_health_due(struct monitor *monitor);
/* The run is over: a check that is on its way ends with it. */
void life_health_end(struct monitor *monitor);

/* ---- pure ------------------------------------------------------------------------------------------------ */

const char *health_status_name(enum health_status status);
/* What it is after a check: failed and in the start period, failures in a row (which is counted on). */
enum health_status health_judge(enum health_status before, bool failed, bool starting,
                                unsigned retries, unsigned *failures);
