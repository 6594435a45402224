/*
 * For the files of validators: one validator at work, and its verdicts. Private to lib/check.
 */
#ifndef CHECK_VALIDATOR_H
#define CHECK_VALIDATOR_H

#include "check/families.h"
#include "check/question.h"

struct validation {
    struct observation *o;
    struct verdicts *out;
    const char *check; /* "validate contains" */
    struct place at;
    const struct node *item;   /* the whole of it, as it stands in the suite */
    const struct node *params; /* a map, or NULL */
    struct slice text;         /* the answer, not empty unless the validator allows it */
};

const struct node *validation_param(const struct validation *v, const char *name);

struct verdict *validation_passes(const struct validation *v);
struct verdict *validation_fails(const struct validation *v, const char *expected,
                                 struct slice actual, const char *message);
/* The thread's last error. */
void validation_impossible(const struct validation *v);
void validation_not_possible(const struct validation *v, const char *format, ...) PRINTF_LIKE(2, 3);

/* The beginning of the answer, to be shown. */
struct slice validation_beginning(const struct validation *v);

/* The next ``` block of a text at or after `*from`, which moves behind it. */
bool code_block_next(struct arena *arena, struct slice text, size_t *from, struct slice *language,
                     struct slice *code);

/* The JSON of a text: all of it, or its first block that is JSON. NULL, and the error set. */
const json_t *json_in_text(struct arena *arena, struct slice text);

/* Whether `text` holds `phrase`, letters of any alphabet whatever their case. */
bool text_holds(struct arena *arena, struct slice text, struct slice phrase);

/* llm.c: another model judges. */
void validate_rubric(const struct validation *v);
void validate_agent_task(const struct validation *v);
void validate_contradictions(const struct validation *v);
void validate_sentiment(const struct validation *v);
void validate_language(const struct validation *v);
extern const struct field rubric_params[], agent_task_params[], contradiction_params[],
    sentiment_params[], detection_params[];
void judged_params_check(const struct node *params, struct diagnostics *d);

/* syntax.c: text of a programming language. */
void validate_python(const struct validation *v);
void validate_sql(const struct validation *v);
void validate_openapi(const struct validation *v);
void validate_code(const struct validation *v); /* not JSON, which is validate.c's */

/* validate_program.c: a program of the suite's own judges. */
void validate_program(const struct validation *v);
extern const struct field program_params[];

#endif
