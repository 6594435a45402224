/*
 * One strict parser each for whole numbers, numbers, durations and sizes. The whole slice must be
 * the value; a failure (ERR_VALUE) says what was expected and at which character it went wrong.
 */
#ifndef CORE_PARSE_H
#define CORE_PARSE_H

#include "core/result.h"

/* Decimal digits with an optional minus: no plus, no blanks, no leading zeros beyond "0". */
struct result parse_integer(struct slice s, int64_t *out) MUST_USE;
struct result parse_unsigned(struct slice s, uint64_t max, uint64_t *out) MUST_USE;

/* A JSON number (RFC 8259, section 6), finite. */
struct result parse_number(struct slice s, double *out) MUST_USE;

/*
 * A duration: one or more of NUMBER UNIT with units ns us ms s m h d, largest first, as in "500ms",
 * "1.5s", "1m30s". "0" needs no unit. Result in nanoseconds, 0 or more.
 */
struct result parse_duration(struct slice s, int64_t *nanoseconds) MUST_USE;

/* A size: NUMBER with B, KB MB GB (powers of 1000), KiB MiB GiB (powers of 1024), or bare bytes. */
struct result parse_size(struct slice s, uint64_t *bytes) MUST_USE;

/* "1.25 s", "37 ms", "412 µs", "2m05s": three significant digits. Returns `out`. */
#define DURATION_TEXT 24
const char *format_duration(char out[DURATION_TEXT], int64_t nanoseconds);

#endif
