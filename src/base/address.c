/* IPv4 addresses, networks and hardware addresses as people write them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

/* Decimal digits without a leading zero, which some would take for octal. */
static int decimal_parse(const char **text, unsigned max, unsigned *ret)
{
    const char *at = *text;
    unsigned number = 0;

    if (*at < '0' || *at > '9' || (at[0] == '0' && at[1] >= '0' && at[1] <= '9'))
        return -EINVAL;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (unsigned)(*at - '0');
        if (number > max)
            return -EINVAL;
    }
    *text = at;
    *ret = number;
    return 0;
}

static int ipv4_take(const char **text, uint32_t *ret)
{
    uint32_t address = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned part;
        if (i > 0 && *(*text)++ != '.')
            return -EINVAL;
        if (decimal_parse(text, 255, &part) < 0)
            return -EINVAL;
        address = address << 8 | part;
    }
    *ret = address;
    return 0;
}

int ipv4_parse(const char *text, uint32_t *ret)
{
    uint32_t address;

    if (ipv4_take(&text, &address) < 0 || *text != '\0')
        return -EINVAL;
    *ret = address;
    return 0;
}

void ipv4_format(uint32_t address, char ret[static IPV4_SIZE])
{
    snprintf(ret, IPV4_SIZE, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
             address & 255);
}

int ipv4_parse_prefix(const char *text, uint32_t *ret_address, unsigned *ret_prefix)
{
    uint32_t address;
    unsigned prefix;

    if (ipv4_take(&text, &address) < 0 || *text++ != '/' || decimal_parse(&text, 32, &prefix) < 0 ||
        *text != '\0')
        return -EINVAL;
    *ret_address = address;
    *ret_prefix = prefix;
    return 0;
}

uint32_t ipv4_mask(unsigned prefix)
{
    return prefix == 0 ? 0 : ~UINT32_C(0) << (32 - prefix);
}

int mac_parse(const char *text, uint8_t ret[static 6])
{
    uint8_t mac[6];

    for (unsigned i = 0; i < 6; i++) {
        static const char digits[] = "0123456789abcdef";
        unsigned byte = 0;
        for (unsigned n = 0; n < 2; n++, text++) {
            char lower = *text >= 'A' && *text <= 'F' ? (char)(*text - 'A' + 'a') : *text;
            const char *digit = lower ? strchr(digits, lower) : NULL;
            if (!digit)
                return -EINVAL;
            byte = byte << 4 | (unsigned)(digit - digits);
        }
        if (*text++ != (i < 5 ? ':' : '\0'))
            return -EINVAL;
        mac[i] = (uint8_t)byte;
    }
    memcpy(ret, mac, sizeof(mac));
    return 0;
}

void mac_format(const uint8_t mac[static 6], char ret[static MAC_SIZE])
{
    snprintf(ret, MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
}
