/* Names of containers. Pure. */
#include <string.h>

#include "life/life_private.h"

static const char *const quality_table[] = {
    "able",   "amber",  "apt",     "bold",   "brave",  "brisk",  "bright", "calm",
    "candid", "clear",  "clever",  "cosy",   "crisp",  "deft",   "eager",  "early",
    "easy",   "fair",   "firm",    "fond",   "frank",  "free",   "fresh",  "gentle",
    "glad",   "grand",  "green",   "happy",  "hardy",  "humble", "jolly",  "keen",
    "kind",   "lively", "loyal",   "lucid",  "mellow", "merry",  "mild",   "modest",
    "neat",   "noble",  "patient", "plain",  "polite", "proud",  "quick",  "quiet",
    "ready",  "robust", "sage",    "sharp",  "sober",  "solid",  "spry",   "steady",
    "sunny",  "swift",  "tidy",    "trusty", "upbeat", "vivid",  "warm",   "wise",
};

static const char *const thing_table[] = {
    "acorn",  "anchor",  "apple",  "aspen",  "badger", "barley", "beacon",  "birch",
    "bridge", "brook",   "cedar",  "clover", "cobble", "copper", "cricket", "daisy",
    "delta",  "ember",   "falcon", "fern",   "finch",  "flint",  "garnet",  "ginger",
    "harbor", "hazel",   "heron",  "island", "ivy",    "jasper", "kettle",  "lantern",
    "larch",  "lemon",   "linen",  "maple",  "marble", "meadow", "mole",    "mosaic",
    "oak",    "olive",   "orchid", "otter",  "pebble", "pepper", "pine",    "plum",
    "poplar", "quartz",  "raven",  "reed",   "robin",  "saddle", "sparrow", "spruce",
    "summit", "thistle", "timber", "tulip",  "valley", "walnut", "willow",  "wren",
};

void name_generate(uint32_t first, uint32_t second, unsigned attempt, char ret[static NAME_SIZE])
{
    const char *quality = quality_table[first % ARRAY_SIZE(quality_table)];
    const char *thing = thing_table[second % ARRAY_SIZE(thing_table)];

    if (attempt < 8)
        snprintf(ret, NAME_SIZE, "%s_%s", quality, thing);
    else
        snprintf(ret, NAME_SIZE, "%s_%s%u", quality, thing, second >> 16);
}

bool name_valid(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t len = strlen(name);

    return len > 0 && len <= 128 && strchr(first, name[0]) && strspn(name, rest) == len;
}
