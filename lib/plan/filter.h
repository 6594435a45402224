/*
 * The filter expression of --filter:
 *
 *     expression = term { "or" term }        "||" too
 *     term       = factor { "and" factor }   "&&" too
 *     factor     = "not" factor | "(" expression ")" | FIELD OP VALUE | VALUE     "!" too
 *     FIELD      = id | tag | model | path | suite
 *     OP         = "=" (equal, with * and ? as in file names) | "!=" | "~" (regex) | "!~"
 *     VALUE      = a word, or text in double or single quotes
 *
 * A VALUE alone means that the id holds it. `tag = x` holds when any tag does.
 */
#ifndef PLAN_FILTER_H
#define PLAN_FILTER_H

#include "plan/plan.h"

struct filter;

/* ERR_USAGE says at which character and what was expected. The filter lives in `arena`. */
struct result filter_parse(struct arena *arena, struct slice text, struct filter **out) MUST_USE;

bool filter_matches(const struct filter *filter, const struct plan_case *plan_case);

#endif
