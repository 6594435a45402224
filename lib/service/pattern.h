/*
 * A PCRE2 pattern searched for in lines of a service's output, with the limits every pattern of a
 * user has. (The checks have a richer one in check/regex.h; a process harness needs only this.)
 */
#ifndef SERVICE_PATTERN_H
#define SERVICE_PATTERN_H

#include "core/result.h"

struct pattern;

/* ERR_VALUE with the position when it is not a pattern. */
struct result pattern_compile(const char *text, struct pattern **out) MUST_USE;
void pattern_free(struct pattern *pattern); /* NULL is allowed */
void pattern_free_pointer(struct pattern **pattern);

/* Is it anywhere in the line? `capture` (may be NULL) becomes group 1, or the whole match when the
 * pattern has no group. A line that exceeds the limits does not match. */
bool pattern_find(const struct pattern *pattern, struct slice line, struct slice *capture);

#endif
