/*
 * A run with everything that can be in one: each status, each flag, retries, trials, secrets, and
 * texts that break careless formats. The same every time it is made.
 */
#ifndef TEST_RECORD_FIXTURE_H
#define TEST_RECORD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/recorder.h"

#define FIXTURE_CASES 12

/* The values that must appear in no output; the first is told to the redactor, the others are
   credentials by their looks. */
extern const char *const fixture_secrets[];

struct run_info fixture_run(struct arena *arena);

/* Case `i` in an arena of its own, which the caller frees (or hands over with the result). */
struct case_result *fixture_case(size_t i);

/* A plain passed case with a step and two verdicts. */
struct case_result *fixture_passed(const char *suite, const char *id, int64_t duration);

struct planned_case fixture_planned(const struct case_result *result);

struct redactor *fixture_redactor(void);

/* Hand the whole run over to a recorder on `loop` and end it. */
void fixture_record(uv_loop_t *loop, struct store *store, struct sink *const *sinks, size_t count);

/* Run and close a loop that has nothing more to do. */
void fixture_close_loop(uv_loop_t *loop);

/* A new folder for one test, and its removal with all files in it. */
char *fixture_folder(void);
void fixture_remove(char *folder);
const char *fixture_path(struct arena *arena, const char *folder, const char *name);

/* A whole file; NULL when it cannot be read. */
char *fixture_read(const char *path, size_t *len);

#define assert_ok(expression)                                                                      \
    do {                                                                                           \
        struct result assert_ok_ = (expression);                                                   \
        if (!result_ok(assert_ok_))                                                                \
            fail_msg("%s: %s", #expression, error_last()->text);                                   \
    } while (0)

#endif
