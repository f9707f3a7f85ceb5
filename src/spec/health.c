/* How a container is asked whether it is well: the image's HEALTHCHECK, and the options that override it. */
#include <errno.h>
#include <string.h>

#include "spec/check.h"

#define RETRIES_MAX 1000000u

CHECK(retries)
{
    uint64_t retries;

    (void)world;
    if (number_parse(value, RETRIES_MAX, &retries) < 0 || retries == 0)
        return err_usage(err, "--%s takes a number of tries from 1 on, not %s", name,
                         quote(value).text);
    return 0;
}

/* Checked when it was set. */
static void take_time(const struct draft *draft, enum option_id id, uint64_t usual_us,
                      uint64_t *time_us)
{
    const char *text = draft_text(draft, id);

    if (text)
        duration_parse(text, 1000000, time_us);
    if (*time_us == 0)
        *time_us = usual_us;
}

static int take_test(const struct draft *draft, const struct spec_health *image, char ***ret)
{
    const char *line = draft_text(draft, OPTION_health_cmd);

    *ret = NULL;
    if (line)
        return strv_push(ret, "CMD-SHELL") < 0 ? -ENOMEM : strv_push(ret, line);
    /* "NONE" takes away what an image that it was made from had. */
    if (!image || !image->test || !image->test[0] || strcmp(image->test[0], "NONE") == 0)
        return 0;
    return strv_copy(image->test, ret);
}

int spec_find_health(const struct draft *draft, struct spec_health *ret, struct err *err)
{
    const struct spec_health *image = draft->image ? &draft->image->health : NULL;
    const char *retries = draft_text(draft, OPTION_health_retries);
    uint64_t number;

    *ret = (struct spec_health){ 0 };
    if (draft_flag(draft, OPTION_no_healthcheck, false)) {
        if (draft_text(draft, OPTION_health_cmd))
            return err_usage(err, "--no-healthcheck and --health-cmd contradict each other");
        return 0;
    }
    if (image)
        *ret = *image;
    if (take_test(draft, image, &ret->test) < 0) {
        strv_free(ret->test);
        ret->test = NULL;
        return err_nomem(err);
    }
    take_time(draft, OPTION_health_interval, 30000000, &ret->interval_us);
    take_time(draft, OPTION_health_timeout, 30000000, &ret->timeout_us);
    take_time(draft, OPTION_health_start_period, 0, &ret->start_period_us);
    take_time(draft, OPTION_health_start_interval, 5000000, &ret->start_interval_us);
    if (retries && number_parse(retries, RETRIES_MAX, &number) == 0)
        ret->retries = (unsigned)number;
    if (ret->retries == 0)
        ret->retries = 3;
    return 0;
}
