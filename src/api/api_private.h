/* api, private: the opaque objects of <ration.h>. */
#pragma once

#include <ration.h>

#include "base/base.h"
#include "life/life.h"
#include "metric/metric.h"
#include "root/root.h"
#include "run/run.h"
#include "spec/spec.h"

struct ration {
    struct engine *engine;
    struct life *life;
    struct spec_world world;
    char *data_dir, *volumes_dir; /* owned; NULL: there is no place for them, see api_data_dir() */
};

struct ration_spec {
    struct ration *ration; /* not owned */
    struct draft *draft;
    char *image; /* owned; NULL: none */
    int stdio[3];
};

/* What a run needs beside its description, for as long as it runs. */
struct prepared {
    struct draft *draft; /* owned */
    struct root_scratch *scratch;
    struct root_volumes volumes;
};

struct ration_run {
    struct run *run;
    struct spec *spec;
    struct prepared prepared;
    struct ration *ration; /* not owned */
};

struct ration_result {
    struct result *result;
};

/* 0 when there is a data directory, or the sentence why there is none. */
int api_data_dir(const struct ration *ration, struct err *err);
/* Find the image, make what the run writes to and its volumes; prepared_done() in any case. */
int prepare_run(struct ration *ration, const struct ration_spec *spec, struct prepared *ret,
                struct err *err);
/* The same as far as nothing is touched by it: a draft for a plan, to be freed. */
int prepare_plan(struct ration *ration, const struct ration_spec *spec, struct draft **ret,
                 struct err *err);
/* Remove what was only for this run. */
int prepared_done(struct prepared *prepared, struct err *err);

/* Tell the caller (whose error may be NULL) what err says; returns code, which is 0 or -errno. */
int api_error(struct ration_error *error, const struct err *err, int code);
/* The same for an error that arises here. */
int api_fail(struct ration_error *error, int code, const char *fmt, ...) _printf_(3, 4);
/* Hand a result over, which is freed when that cannot be. */
int api_result(struct result *result, struct ration_result **ret, struct ration_error *error);
/* The same for a request that is wrong; returns -EINVAL. */
int api_usage(struct ration_error *error, const char *fmt, ...) _printf_(2, 3);
/* Write what a printer made, or tell that it could not. */
int api_write(int fd, const struct buf *text, struct ration_error *error);

/* The name of the run that a container's or a run's name stands for, if it can be one that lives. */
#define API_RUN_SIZE 160
int api_find_run(struct ration *ration, const char *name, char ret[static API_RUN_SIZE],
                 struct err *err);
