/*
 * A failure hook that keeps what it is told, to see asserts fail.
 */
#ifndef TEST_HARNESS_CAPTURE_H
#define TEST_HARNESS_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "assay/harness.h"

struct capture {
    int count, line;
    char file[64], text[4096];
};

/* The hook is set, and what it saw before is forgotten. */
struct capture *capture_begin(void);

/* The assert in `call` fails exactly once, here, and says `words`. */
#define assert_fails(call, words)                                                                  \
    do {                                                                                           \
        struct capture *seen_ = capture_begin();                                                   \
        assert_false(call);                                                                        \
        capture_check(seen_, (words), __FILE__, __LINE__);                                         \
    } while (0)

/* It holds, and the hook hears nothing. */
#define assert_holds(call)                                                                         \
    do {                                                                                           \
        struct capture *seen_ = capture_begin();                                                   \
        if (!(call))                                                                               \
            fail_msg("%s", seen_->text);                                                           \
        assert_int_equal(seen_->count, 0);                                                         \
    } while (0)

void capture_check(const struct capture *seen, const char *words, const char *file, int line);

/* `text` has `words` in it. */
void assert_says(const char *text, const char *words);

#endif
