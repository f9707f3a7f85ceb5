/* What became of a container, for people. Pure. */
#include <string.h>

#include "life/life_private.h"

void age_format(uint64_t us, char *ret, size_t size)
{
    static const struct {
        uint64_t below, unit;
        const char *one, *many;
    } age_table[] = {
        { 60, 1, "1 second", "seconds" },
        { 3600, 60, "About a minute", "minutes" },
        { 48 * 3600u, 3600, "About an hour", "hours" },
        { 14 * 86400u, 86400, "1 day", "days" },
        { 60 * 86400u, 7 * 86400u, "1 week", "weeks" },
        { 730 * 86400u, 30 * 86400u, "1 month", "months" },
        { UINT64_MAX, 365 * 86400u, "1 year", "years" },
    };
    uint64_t seconds = us / 1000000;
    size_t i = 0;

    while (seconds >= age_table[i].below)
        i++;
    uint64_t n = seconds / age_table[i].unit;
    if (seconds == 0)
        snprintf(ret, size, "Less than a second");
    else if (n == 1)
        snprintf(ret, size, "%s", age_table[i].one);
    else
        snprintf(ret, size, "%llu %s", (unsigned long long)n, age_table[i].many);
}

/* Why it ended, where that is more than its status says: "memory: own limit". */
static void cause_format(struct life_state *state, struct buf *ret)
{
    static const struct {
        const char *whose, *text;
    } whose_table[] = {
        { "own", ": own limit" },
        { "ancestor", ": limit of a group above" },
        { "machine", ": the machine" },
    };
    static const char *const plain_table[] = { "", "exited", "signalled", "stopped", "monitor" };
    const char *cause = life_state_get(state, "cause"), *whose = life_state_get(state, "whose");

    for (size_t i = 0; i < ARRAY_SIZE(plain_table); i++) {
        if (strcmp(cause, plain_table[i]) == 0)
            return;
    }
    buf_putc(ret, ' ');
    for (const char *c = cause; *c; c++)
        buf_putc(ret, *c == '_' ? ' ' : *c);
    for (size_t i = 0; i < ARRAY_SIZE(whose_table); i++) {
        if (strcmp(whose, whose_table[i].whose) == 0)
            buf_puts(ret, whose_table[i].text);
    }
    buf_putc(ret, ',');
}

static void ended_format(struct life_state *state, const char *word, const char *age,
                         struct buf *ret)
{
    if (strcmp(life_state_get(state, "cause"), "monitor") == 0) {
        buf_printf(ret, "%s (?) killed with its monitor, %s ago", word, age);
        return;
    }
    buf_printf(ret, "%s (%d)", word, state->exit_status);
    cause_format(state, ret);
    buf_printf(ret, " %s ago", age);
}

void status_format(struct life_state *state, uint64_t now_us, struct buf *ret)
{
    uint64_t since_us = state->status == LIFE_RUNNING || state->status == LIFE_PAUSED
                            ? state->started_us
                            : state->finished_us;
    const char *health = life_state_get(state, "health");
    char age[48];

    age_format(now_us > since_us ? now_us - since_us : 0, age, sizeof(age));
    switch (state->status) {
    case LIFE_RUNNING:
        buf_printf(ret, "Up %s", age);
        if (strcmp(health, "starting") == 0)
            buf_puts(ret, " (health: starting)");
        else if (*health && strcmp(health, "none") != 0)
            buf_printf(ret, " (%s)", health);
        break;
    case LIFE_PAUSED:
        buf_printf(ret, "Up %s (Paused)", age);
        break;
    case LIFE_RESTARTING:
        ended_format(state, "Restarting", age, ret);
        break;
    case LIFE_EXITED:
        ended_format(state, "Exited", age, ret);
        break;
    case LIFE_CREATED:
    case LIFE_STATUS_COUNT:
        buf_puts(ret, "Created");
        break;
    }
}
