/*
 * SHA-256 (FIPS 180-4), for names that nobody can make collide: keys of the answer cache, marks
 * around texts that a judge reads. One text at a time, all of it at hand; 150 MB/s are enough.
 */
#ifndef CORE_SHA256_H
#define CORE_SHA256_H

#include "core/slice.h"

#define SHA256_BYTES 32
#define SHA256_HEX (2 * SHA256_BYTES + 1)

void sha256(struct slice text, uint8_t digest[SHA256_BYTES]);

/* In lower-case hexadecimal, with a terminator; returns `out`. */
const char *sha256_hex(struct slice text, char out[SHA256_HEX]);

#endif
