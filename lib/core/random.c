/*
 * xoshiro256** and the system's entropy.
 */
#include "core/random.h"

#include <stdio.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/result.h"

static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct random random_seeded(uint64_t seed)
{
    struct random r;
    for (int i = 0; i < 4; i++)
        r.state[i] = split_mix(&seed);
    return r;
}

struct random random_for(uint64_t seed, struct slice name)
{
    return random_seeded(seed ^ slice_hash(name));
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t random_next(struct random *r)
{
    uint64_t *s = r->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

int64_t random_between(struct random *r, int64_t low, int64_t high)
{
    MUST(low <= high, "%lld > %lld", (long long)low, (long long)high);
    uint64_t range = (uint64_t)high - (uint64_t)low + 1;
    if (range == 0)
        return (int64_t)random_next(r);
    /* Reject the uneven rest, so that every value is equally likely. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % range, x;
    do
        x = random_next(r);
    while (x >= limit);
    return (int64_t)((uint64_t)low + x % range);
}

double random_unit(struct random *r)
{
    return (double)(random_next(r) >> 11) * 0x1p-53;
}

static void entropy(void *out, size_t len)
{
    /* Up to 256 bytes getrandom() is never short once the pool is ready. */
    ssize_t n = getrandom(out, len, 0);
    MUST(n == (ssize_t)len, "getrandom gave %zd of %zu", n, len);
}

uint64_t random_fresh_seed(void)
{
    uint64_t seed;
    entropy(&seed, sizeof(seed));
    return seed >> 11;
}

const char *random_uuid(char out[UUID_TEXT])
{
    unsigned char b[16];
    entropy(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    static const char hex[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[b[i] >> 4];
        *at++ = hex[b[i] & 15];
    }
    *at = '\0';
    return out;
}
