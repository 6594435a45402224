/*
 * Asserts on workers, answers and streams. Each is true when what it says holds; else it tells the
 * failure hook where in your test it stands, what was expected and what came, and is false if the
 * hook returns.
 *
 * None can pass for want of something to look at: an answer that is no event stream, a stream
 * without events or one with a malformed event fails each of them, and what is said of a whole
 * stream (count, text, completion, stop reason, error) fails for one that was cut off.
 */
#ifndef ASSAY_ASSERTS_H
#define ASSAY_ASSERTS_H

#include <assay/response.h>

#ifdef __cplusplus
extern "C" {
#endif

struct assay_worker;

/* ---- what a failure does ---- */

/* `text` is valid during the call. It may return (the test goes on), end the process, or leave by
 * longjmp or a C++ exception that reaches no frame of ours. */
typedef void assay_failure_hook(void *context, const char *file, int line, const char *text);

/*
 * For all threads from now on; NULL: the default, which prints "file:line: text" to stderr and
 * aborts. <assay/cmocka.h> and <assay/criterion.h> set one.
 */
ASSAY_PUBLIC void assay_set_failure_hook(assay_failure_hook *hook, void *context);

/* ---- calls ---- */

/* The worker is there: assay_worker_start did not fail. */
#define assay_assert_started(worker) assay_check_started((worker), __FILE__, __LINE__)

/* A call returned ASSAY_OK; a failure shows assay_last_error(). */
#define assay_assert_ok(call) assay_check_error((call), ASSAY_OK, #call, __FILE__, __LINE__)

/* A call failed, and in this way: assay_assert_error(assay_execute(…), ASSAY_ERROR_STATUS). */
#define assay_assert_error(call, expected)                                                         \
    assay_check_error((call), (expected), #call, __FILE__, __LINE__)

/* The answer has this HTTP status; a failure shows its body. */
#define assay_assert_status(response, expected)                                                    \
    assay_check_status((response), (expected), __FILE__, __LINE__)

/* ---- streams: `events` is response->events or what a collector gave ---- */

/* started first; then tokens with metrics among them; one end or error; nothing after it. */
#define assay_assert_order(events) assay_check_order((events), __FILE__, __LINE__)

/* Exactly one end or error event, and it is the last. */
#define assay_assert_terminal(events) assay_check_terminal((events), __FILE__, __LINE__)

/* At least one token; numbered 0, 1, 2, …; and as many as an end event says. */
#define assay_assert_tokens_contiguous(events)                                                     \
    assay_check_tokens_contiguous((events), __FILE__, __LINE__)

/* At least one token; each is valid UTF-8 and not empty, and none has U+FFFD, which is what
 * becomes of a character that was cut between two tokens. */
#define assay_assert_utf8(events) assay_check_utf8((events), __FILE__, __LINE__)

/* Between `least` and `most` token events, both included. */
#define assay_assert_token_count(events, least, most)                                              \
    assay_check_token_count((events), (least), (most), __FILE__, __LINE__)

/* The tokens together are exactly this text. */
#define assay_assert_text(events, expected)                                                        \
    assay_check_text((events), (expected), __FILE__, __LINE__)

/* In order, and ended by MAX_TOKENS, EOS or STOP_SEQUENCE (in any case of letters). */
#define assay_assert_completed(events) assay_check_completed((events), __FILE__, __LINE__)

/* Ended with this stop reason (in any case of letters). */
#define assay_assert_stop_reason(events, expected)                                                 \
    assay_check_stop_reason((events), (expected), __FILE__, __LINE__)

/* Ended with an error event of this code. */
#define assay_assert_error_code(events, expected)                                                  \
    assay_check_error_code((events), (expected), __FILE__, __LINE__)

/* Two complete streams have the same tokens, cut in the same places, and the same end: what a
 * worker owes for the same prompt and seed. */
#define assay_assert_same_tokens(events, others)                                                   \
    assay_check_same_tokens((events), (others), __FILE__, __LINE__)

/* ---- what the macros call; NULL for events, a response or a worker fails, as it should ---- */

ASSAY_PUBLIC bool assay_check_started(const struct assay_worker *worker, const char *file,
                                      int line);
ASSAY_PUBLIC bool assay_check_error(enum assay_error got, enum assay_error expected,
                                    const char *call, const char *file, int line);
ASSAY_PUBLIC bool assay_check_status(const struct assay_response *response, int expected,
                                     const char *file, int line);
ASSAY_PUBLIC bool assay_check_order(const struct assay_events *events, const char *file, int line);
ASSAY_PUBLIC bool assay_check_terminal(const struct assay_events *events, const char *file,
                                       int line);
ASSAY_PUBLIC bool assay_check_tokens_contiguous(const struct assay_events *events, const char *file,
                                                int line);
ASSAY_PUBLIC bool assay_check_utf8(const struct assay_events *events, const char *file, int line);
ASSAY_PUBLIC bool assay_check_token_count(const struct assay_events *events, size_t least,
                                          size_t most, const char *file, int line);
ASSAY_PUBLIC bool assay_check_text(const struct assay_events *events, const char *expected,
                                   const char *file, int line);
ASSAY_PUBLIC bool assay_check_completed(const struct assay_events *events, const char *file,
                                        int line);
ASSAY_PUBLIC bool assay_check_stop_reason(const struct assay_events *events, const char *expected,
                                          const char *file, int line);
ASSAY_PUBLIC bool assay_check_error_code(const struct assay_events *events, const char *expected,
                                         const char *file, int line);
ASSAY_PUBLIC bool assay_check_same_tokens(const struct assay_events *events,
                                          const struct assay_events *others, const char *file,
                                          int line);

#ifdef __cplusplus
}
#endif

#endif
