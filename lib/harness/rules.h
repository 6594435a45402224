/*
 * The rules of an LLM worker's stream, each a question to a list of events: ERR_PROTOCOL with what
 * was expected and what came when it does not hold. The asserts are made of these, and so is what
 * assay_execute thinks of a stream. NULL for the events is a failure too.
 */
#ifndef HARNESS_RULES_H
#define HARNESS_RULES_H

#include "assay/events.h"
#include "core/result.h"

struct result rule_order(const struct assay_events *events) MUST_USE;
struct result rule_terminal(const struct assay_events *events) MUST_USE;
struct result rule_tokens_contiguous(const struct assay_events *events) MUST_USE;
struct result rule_utf8(const struct assay_events *events) MUST_USE;
struct result rule_token_count(const struct assay_events *events, size_t least,
                               size_t most) MUST_USE;
struct result rule_text(const struct assay_events *events, const char *expected) MUST_USE;
struct result rule_completed(const struct assay_events *events) MUST_USE;
struct result rule_stop_reason(const struct assay_events *events, const char *expected) MUST_USE;
struct result rule_error_code(const struct assay_events *events, const char *expected) MUST_USE;
struct result rule_same_tokens(const struct assay_events *events,
                               const struct assay_events *others) MUST_USE;

#endif
