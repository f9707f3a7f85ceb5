/* libration: looking into runs and images. */
#include <errno.h>

#include "api/api_private.h"
#include "image/image.h"
#include "life/life.h"

struct process_visit {
    ration_process_fn fn;
    void *data;
};

static int process_one(void *data, const struct run_process_facts *facts)
{
    const struct process_visit *visit = data;
    const struct ration_process process = { .pid = facts->pid,
                                            .parent_pid = facts->parent_pid,
                                            .inner_pid = facts->inner_pid,
                                            .uid = facts->uid,
                                            .state = facts->state,
                                            .threads = facts->threads,
                                            .cpu_us = facts->cpu_us,
                                            .rss_bytes = facts->rss_bytes,
                                            .started_us = facts->started_us,
                                            .name = facts->name,
                                            .command = facts->command };

    return visit->fn(visit->data, &process);
}

int ration_top(struct ration *ration, const char *name, ration_process_fn fn, void *data,
               struct ration_error *error)
{
    struct process_visit visit = { fn, data };
    char run[API_RUN_SIZE];
    struct err err = ERR_INIT;
    int r = api_find_run(ration, name, run, &err);

    if (r >= 0)
        r = run_list_processes(ration->engine, run, process_one, &visit, &err);
    return api_error(error, &err, r);
}

int ration_image_inspect(struct ration *ration, const char *name, char **ret_json,
                         struct ration_error *error)
{
    _cleanup_image_ struct image *image = NULL;
    struct image_store *store = NULL;
    struct err err = ERR_INIT;
    int r = image_store_open(life_directory(ration->life), false, &store, &err);

    if (r >= 0)
        r = image_find(store, name, &image, &err);
    if (r >= 0)
        r = image_measure(store, image, &err);
    if (r >= 0)
        r = image_describe(image, ret_json, &err);
    image_store_close(store);
    return api_error(error, &err, r);
}
