/* Commands on containers: what they have in common. */
#include "cli/verb.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int verb_set(void *data, const struct ration_option *option, const char *value,
                    struct ration_error *error)
{
    struct verb *verb = data;
    size_t i = 0;
    bool flag;

    if (strcmp(option->name, "help") == 0) {
        verb->help = true;
        return 0;
    }
    while (strcmp(verb->command->options[i].name, option->name) != 0)
        i++;
    if (option->kind == RATION_OPTION_FLAG) {
        int r = argv_flag(option, value, &flag, error);
        verb->values[i] = r >= 0 && flag ? "true" : NULL;
        return r;
    }
    if (option->kind == RATION_OPTION_MANY && strv_push(&verb->many, value) < 0)
        return cli_fail(error, ENOMEM, "out of memory");
    verb->values[i] = value;
    return 0;
}

static int check_operands(const struct verb *verb, unsigned least, unsigned most,
                          struct ration_error *error)
{
    size_t n = strv_length(verb->operands);

    if (n < least)
        return cli_usage(error, "%s needs %s; ration %s --help tells more", verb->command->name,
                         verb->command->args, verb->command->name);
    if (most > 0 && n > most)
        return cli_usage(error, "%s takes %s, not \"%.64s\" too", verb->command->name,
                         verb->command->args, verb->operands[most]);
    return 0;
}

int verb_read(const struct command *command, char *const *argv, unsigned least, unsigned most,
              struct verb *ret, int *ret_status)
{
    struct ration_error error = { 0 };

    *ret = (struct verb){ .command = command };
    int r = argv_parse(command, argv, verb_set, ret, &ret->operands, &error);
    if (r >= 0 && ret->help) {
        *ret_status = cli_help(command);
        return 1;
    }
    if (r >= 0)
        r = check_operands(ret, least, most, &error);
    if (r >= 0)
        r = cli_open(&ret->ration, &error);
    if (r < 0)
        *ret_status = cli_report(&error);
    return r;
}

void verb_done(struct verb *verb)
{
    strv_free(verb->many);
    ration_close(verb->ration);
}

const char *verb_value(const struct verb *verb, const char *name)
{
    for (size_t i = 0; i < verb->command->n_options; i++) {
        if (strcmp(verb->command->options[i].name, name) == 0)
            return verb->values[i];
    }
    return NULL;
}

bool verb_flag(const struct verb *verb, const char *name)
{
    return verb_value(verb, name) != NULL;
}

const char *const *verb_many(const struct verb *verb)
{
    return (const char *const *)verb->many;
}

int verb_run(const struct command *command, char *const *argv, unsigned least, unsigned most,
             int (*fn)(const struct verb *verb, struct ration_error *error))
{
    _cleanup_(verb_done) struct verb verb;
    struct ration_error error = { 0 };
    int status = CLI_STATUS_FAILED;

    if (verb_read(command, argv, least, most, &verb, &status) != 0)
        return status;
    status = fn(&verb, &error);
    return status < 0 ? cli_report(&error) : status;
}

int verb_each(const struct verb *verb, verb_fn fn)
{
    int status = 0;

    for (char *const *who = verb->operands; *who; who++) {
        struct ration_error error = { 0 };
        if (fn(verb, *who, &error) >= 0)
            continue;
        int failed = cli_report(&error);
        status = status ? status : failed;
    }
    return status;
}

int verb_say(const char *word, struct ration_error *error)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    buf_printf(&text, "%s\n", word);
    int r = buf_error(&text);
    if (r >= 0)
        r = fd_write_all(STDOUT_FILENO, text.data, text.len);
    return r < 0 ? cli_fail(error, -r, "standard output cannot be written: %s", err_name(-r)) : 0;
}

/* Two digits, to be behind *text. */
static bool two_digits(const char **text, int *ret)
{
    const char *at = *text;

    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return false;
    *ret = (at[0] - '0') * 10 + at[1] - '0';
    *text = at + 2;
    return true;
}

/* "2026-01-02T03:04:05.5Z", with or without fraction, zone Z or +01:00. */
static bool calendar_parse(const char *text, uint64_t *ret_us)
{
    struct tm tm = { 0 };
    uint64_t fraction_us = 0;
    int sign = 0, hours = 0, minutes = 0;
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!end)
        end = strptime(text, "%Y-%m-%d", &tm);
    if (!end)
        return false;
    if (*end == '.') {
        uint64_t unit_us = 100000;
        for (end++; *end >= '0' && *end <= '9'; end++, unit_us /= 10)
            fraction_us += (uint64_t)(*end - '0') * unit_us;
    }
    if (*end == '+' || *end == '-') {
        sign = *end++ == '+' ? 1 : -1;
        if (!two_digits(&end, &hours) || *end++ != ':' || !two_digits(&end, &minutes))
            return false;
    } else if (*end == 'Z') {
        end++;
    }
    int64_t seconds = (int64_t)timegm(&tm) - sign * (hours * 3600 + minutes * 60);
    if (*end || seconds < 0)
        return false;
    *ret_us = (uint64_t)seconds * 1000000 + fraction_us;
    return true;
}

int verb_time(const char *option, const char *text, uint64_t *ret_us, struct ration_error *error)
{
    uint64_t now_us = clock_us(CLOCK_REALTIME), ago_us;

    if (calendar_parse(text, ret_us))
        return 0;
    if (number_parse_fixed(text, 1000000, ret_us) == 0)
        return 0;
    if (duration_parse(text, 1000000, &ago_us) == 0) {
        *ret_us = ago_us < now_us ? now_us - ago_us : 1;
        return 0;
    }
    return cli_usage(
        error,
        "--%s takes a time (2026-01-02T03:04:05Z), seconds since 1970, or how long ago "
        "(10m), not \"%.64s\"",
        option, text);
}

int verb_duration(const char *option, const char *text, uint64_t *ret_us,
                  struct ration_error *error)
{
    if (duration_parse(text, 1000000, ret_us) == 0)
        return 0;
    return cli_usage(error, "--%s takes a time, in seconds without unit, not \"%.64s\"", option,
                     text);
}
