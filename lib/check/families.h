/*
 * The table of checks, inside lib/check only: a row names a check, what it needs to have seen, and
 * what the reference page says of it. Its shape is check_shape_NAME and its function
 * check_run_NAME, in the file of its family.
 */
#ifndef CHECK_FAMILIES_H
#define CHECK_FAMILIES_H

#include "check/check.h"
#include "check/match.h"

#define OBSERVED_DOCUMENT (OBSERVED_BODY | OBSERVED_OUTPUT)

/* X(name, needs, needs at least one of, parts, help, example) */
#define CHECKS(X)                                                                                  \
    X(status, OBSERVED_STATUS, 0, NULL,                                                            \
      "The HTTP status: a number, a class such as \"2xx\", a list of these, or a number matcher.", \
      "201")                                                                                       \
    X(headers, OBSERVED_HEADERS, 0, NULL,                                                          \
      "Response headers by name, without regard to case; null means that there must be none. "     \
      "Several of one name are joined by \", \".",                                                 \
      "{\"content-type\": {\"starts\": \"application/json\"}, \"x-debug\": null}")                 \
    X(body, OBSERVED_BODY, 0, NULL, "The response body as text; `bytes` is its length.",           \
      "{\"contains\": \"ready\"}")                                                                 \
    X(json, 0, OBSERVED_DOCUMENT, NULL,                                                            \
      "JSONPath (RFC 9535) into the body, or a program's output. A path that can select several "  \
      "values gives them as an array; null is JSON's null, and {\"exists\": false} an absent "     \
      "value.",                                                                                    \
      "{\"$.status\": \"completed\", \"$.items\": {\"length\": 3}}")                               \
    X(schema, 0, OBSERVED_DOCUMENT, NULL,                                                          \
      "The body, or a program's output, fits a JSON Schema (draft 2020-12).",                      \
      "{\"type\": \"object\", \"required\": [\"id\"]}")                                            \
    X(events, OBSERVED_EVENTS, 0, NULL,                                                            \
      "The names of a stream's events in order: names, `any`, ( | ), and * + ? {m,n} after one.",  \
      "\"started token* end\"")                                                                    \
    X(terminal, OBSERVED_EVENTS, 0, NULL,                                                          \
      "The stream has exactly one event of this name (or these) and it is the last.",              \
      "[\"end\", \"error\"]")                                                                      \
    X(tokens, OBSERVED_TOKENS, 0, NULL,                                                            \
      "The tokens: how many, their joined text, numbered 0, 1, 2, …, each valid UTF-8 by itself.", \
      "{\"count\": {\"ge\": 1, \"le\": 100}, \"contiguous\": true, \"utf8\": true}")               \
    X(text, OBSERVED_TEXT, 0, NULL, "The generated text.", "{\"matches\": \"[a-z]+\"}")            \
    X(stop_reason, OBSERVED_STOP, 0, NULL,                                                         \
      "Why the generation ended, without regard to case; a list means one of these.",              \
      "\"STOP_SEQUENCE\"")                                                                         \
    X(stop_sequence, OBSERVED_STOP, 0, NULL,                                                       \
      "The stop sequence that ended it; null: none was reported.", "\"}\"")                        \
    X(error, OBSERVED_ERROR, 0, NULL,                                                              \
      "The error the service reported: its code, or matchers for its parts.",                      \
      "{\"code\": \"CANCELLED\", \"message\": {\"contains\": \"cancel\"}}")                        \
    X(tensor, OBSERVED_TENSORS, 0, NULL,                                                           \
      "An output tensor (by `name` when there are several), or a list of them. A null in `shape` " \
      "is any size; a value v is near e when |v - e| ≤ abs + rel × |e| (1e-6 without both).",      \
      "{\"shape\": [null, 10], \"dtype\": \"FP32\", \"finite\": true}")                            \
    X(time, OBSERVED_TIME, 0, time_parts,                                                          \
      "Durations from the intended start; gaps between tokens by nearest-rank percentile.",        \
      "{\"total\": \"<2s\", \"ttft\": \"<500ms\", \"itl_p99\": \"<50ms\"}")                        \
    X(memory, OBSERVED_MEMORY, 0, NULL,                                                            \
      "Resident memory of the service: how much it grew, and its peak.",                           \
      "{\"growth\": \"<64MiB\"}")                                                                  \
    X(rows, OBSERVED_ROWS, 0, NULL,                                                                \
      "Rows of a query: a list of all of them, or their count, `any`, `each`, `json`.",            \
      "{\"count\": 1, \"any\": {\"status\": \"done\"}}")                                           \
    X(exit, OBSERVED_EXIT, 0, NULL, "The program's exit status, or the signal that ended it.",     \
      "0")                                                                                         \
    X(stdout, OBSERVED_OUTPUT, 0, NULL,                                                            \
      "What the program wrote, as text, or as JSON: {\"json\": {path: matcher}}.",                 \
      "{\"contains\": \"done\"}")                                                                  \
    X(stderr, OBSERVED_OUTPUT, 0, NULL, "What the program wrote to its standard error.",           \
      "{\"empty\": true}")                                                                         \
    X(spans, OBSERVED_SPANS, 0, NULL,                                                              \
      "Spans of a trace: a list of all of them, or their count, `any`, `each`, `json`.",           \
      "{\"any\": {\"name\": \"infer\"}}")                                                          \
    X(series, OBSERVED_SERIES, 0, NULL,                                                            \
      "Series of metrics: a list of all of them, or their count, `any`, `each`, `json`.",          \
      "{\"any\": {\"name\": \"requests_total\", \"value\": \">=1\"}}")                             \
    X(metrics, OBSERVED_LOAD, 0, NULL,                                                             \
      "What a load measured: statistics of its metrics, and `errors`, `goodput`, `rate`, "         \
      "`tokens`.",                                                                                 \
      "{\"ttft\": {\"p99\": \"<200ms\"}, \"errors\": \"<1%\"}")                                    \
    X(validate, OBSERVED_TEXT, 0, NULL, "Validators of LLM answers by name.",                      \
      "[{\"type\": \"contains\", \"params\": {\"required_text\": \"Paris\"}}]")

#define X(name, needs, needs_any, parts, help, example)                                            \
    extern const struct shape check_shape_##name;                                                  \
    void check_run_##name(struct observation *o, const struct node *expected, struct verdicts *out);
CHECKS(X)
#undef X

extern const struct check_part time_parts[];

/* For several families. */

/* A map from JSONPath to matcher. */
extern const struct shape shape_json_paths;

/* Make the comparisons of such a map; `check` begins their names ("json $.id"). */
void json_paths_check(struct verdicts *out, const char *check, const struct node *paths,
                      const json_t *root);

/* Reading a text as JSON failed: a failed verdict that says why and what the text is. */
void json_fault(struct verdicts *out, const char *check, struct place at, const char *what,
                struct slice text, const char *fault);

/* A switch that can only be turned on, because false would check nothing. */
extern const struct shape shape_only_true;

/* For shapes: a map that must hold something, because an empty one would check nothing. */
void map_not_empty(const struct node *map, struct diagnostics *d);

/* `map` without the entry `key`, NULL when nothing else is in it. */
const struct node *map_without(struct arena *arena, const struct node *map, const char *key);

#endif
