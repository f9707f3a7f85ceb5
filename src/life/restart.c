/* When a container that has ended is started again. Pure. */
#include "life/life_private.h"

#define DELAY_FIRST_US 100000u
#define DELAY_MOST_US  60000000u
#define UP_LONG_US     10000000u /* up so long, it counts as having been well */

static bool restart_wanted(const struct restart_policy *policy, const struct restart_facts *facts)
{
    if (facts->stopped)
        return false;
    switch (policy->when) {
    case RESTART_NO:
        return false;
    case RESTART_ON_FAILURE:
        return facts->status != 0 && (policy->most == 0 || facts->restarts < policy->most);
    case RESTART_ALWAYS:
    case RESTART_UNLESS_STOPPED:
        return true;
    }
    return false;
}

bool restart_decide(const struct restart_policy *policy, const struct restart_facts *facts,
                    uint64_t *ret_delay_us)
{
    uint64_t delay_us = facts->delay_us * 2;

    if (!restart_wanted(policy, facts))
        return false;
    if (delay_us == 0 || facts->up_us >= UP_LONG_US)
        delay_us = DELAY_FIRST_US;
    *ret_delay_us = delay_us < DELAY_MOST_US ? delay_us : DELAY_MOST_US;
    return true;
}
