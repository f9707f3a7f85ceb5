/*
 * Conversions between the scales of the two versions. All in integers, so that a plan is the same on
 * every machine and the static program needs no libm.
 */
#include "limit/limit.h"

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define WEIGHT_MIN 1
#define WEIGHT_MAX 10000

#define LOG_BITS 40

/* log2(value) with LOG_BITS binary places, rounded down. */
static uint64_t log2_fixed(uint64_t value)
{
    unsigned whole = 63u - (unsigned)__builtin_clzll(value);
    unsigned __int128 mantissa = (unsigned __int128)value << (62 - whole); /* 1.0 is 2^62 */
    uint64_t log = whole;

    for (int i = 0; i < LOG_BITS; i++) {
        mantissa = mantissa * mantissa >> 62;
        log <<= 1;
        if (mantissa >> 63) {
            mantissa >>= 1;
            log |= 1;
        }
    }
    return log;
}

/*
 * The OCI runtimes' formula (opencontainers/cgroups since 0.0.3, crun since 1.23):
 *     weight = ceil(10 ^ ((l*l + 125*l) / 612 - 7/34)), l = log2(shares)
 * which takes 2 to 1, 1024 to 100 and 262144 to 10000. Here it is solved for the smallest weight with
 *     612 * log2(weight) >= log2(10) * (l*l + 125*l - 126)
 */
static uint64_t weight_quadratic(uint64_t shares)
{
    unsigned __int128 l = log2_fixed(shares);
    unsigned __int128 square = l * l >> LOG_BITS;
    unsigned __int128 right = square + 125 * l - ((unsigned __int128)126 << LOG_BITS);
    uint64_t low = WEIGHT_MIN, high = WEIGHT_MAX;

    right = right * log2_fixed(10) >> LOG_BITS;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        /* Equality holds in the reals at 100 only; the logarithms' last places must not spoil it. */
        unsigned __int128 left = (unsigned __int128)612 * log2_fixed(middle) + 4096;
        if (left >= right)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

uint64_t weight_from_shares(uint64_t shares, enum weight_map map)
{
    shares = clamp(shares, SHARES_MIN, SHARES_MAX);
    if (map == WEIGHT_MAP_LINEAR)
        return clamp(shares * 100 / 1024, WEIGHT_MIN, WEIGHT_MAX);
    return weight_quadratic(shares);
}

uint64_t weight_to_shares(uint64_t weight, enum weight_map map)
{
    uint64_t low = SHARES_MIN, high = SHARES_MAX;

    weight = clamp(weight, WEIGHT_MIN, WEIGHT_MAX);
    if (map == WEIGHT_MAP_LINEAR)
        return clamp(weight * 1024 / 100, SHARES_MIN, SHARES_MAX);
    while (low < high) {
        uint64_t middle = (low + high + 1) / 2;
        if (weight_quadratic(middle) <= weight)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

uint64_t weight_from_blkio(uint64_t weight)
{
    return 1 + (clamp(weight, 10, 1000) - 10) * 9999 / 990;
}
