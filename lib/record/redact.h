/*
 * Secrets never leave: every text of an event passes here before any sink sees it. Removed are the
 * values of variables marked `secret` (also as they look percent-encoded, JSON-escaped or base64),
 * and the values of headers that carry credentials, in exchanges shown as text.
 */
#ifndef RECORD_REDACT_H
#define RECORD_REDACT_H

#include "record/event.h"

struct redactor;

struct redactor *redactor_new(void);
void redactor_free(struct redactor *redactor); /* NULL is allowed */

/* A value that must not be shown. Shorter than 4 bytes is ignored: it would blank everything. */
void redactor_add(struct redactor *redactor, struct slice secret);

/* The text without secrets: itself when it holds none, else a copy with "[secret]". */
struct slice redact_text(const struct redactor *redactor, struct arena *arena, struct slice text);

/* Also blanks credentials' header lines ("Authorization: [secret]") in an exchange. */
struct slice redact_exchange(const struct redactor *redactor, struct arena *arena,
                             struct slice exchange);

/* Every text of a result, in place (its arena holds the copies). */
void redact_result(const struct redactor *redactor, struct case_result *result);

#endif
