/* api, private: the opaque objects of <ration.h>. */
#pragma once

#include <ration.h>

#include "base/base.h"
#include "life/life.h"
#include "metric/metric.h"
#include "run/run.h"
#include "spec/spec.h"

struct ration {
    struct engine *engine;
    struct life *life;
    struct spec_world world;
};

struct ration_spec {
    struct ration *ration; /* not owned */
    struct draft *draft;
    int stdio[3];
};

struct ration_run {
    struct run *run;
    struct spec *spec;
    struct ration *ration; /* not owned */
};

struct ration_result {
    struct result *result;
};

/* Tell the caller (whose error may be NULL) what err says; returns code, which is 0 or -errno. */
int api_error(struct ration_error *error, const struct err *err, int code);
/* The same for an error that arises here. */
int api_fail(struct ration_error *error, int code, const char *fmt, ...) _printf_(3, 4);
/* Hand a result over, which is freed when that cannot be. */
int api_result(struct result *result, struct ration_result **ret, struct ration_error *error);
/* Write what a printer made, or tell that it could not. */
int api_write(int fd, const struct buf *text, struct ration_error *error);

/* The name of the run that a container's or a run's name stands for, if it can be one that lives. */
#define API_RUN_SIZE 160
int api_find_run(struct ration *ration, const char *name, char ret[static API_RUN_SIZE],
                 struct err *err);
