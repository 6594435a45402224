/*
 * One result type for everything that can fail, and the fixed vocabulary on it.
 *
 * A function that can fail returns `struct result`; the compiler insists that it is looked at.
 * Beside the code, what exactly went wrong (a sentence, and the place in the user's suite when
 * there is one) is kept per thread, as errno is, until the next failure of that thread:
 *
 *     struct result thing_open(struct thing **out, const char *path)
 *     {
 *         DEFER(file_close) FILE *f = fopen(path, "r");
 *         ENSURE(f, ERR_IO, "cannot open %s: %s", path, strerror(errno));
 *         TRY(thing_read(f));
 *         …
 *         return RESULT_OK;
 *     }
 *
 * Memory: running out of it is not an error that travels. core/memory.h ends the program cleanly
 * (exit 3, one line on stderr): a test tool that cannot allocate a few kilobytes has nothing better
 * to do, results already finished are durable, and services are reaped by their keeper. What can
 * grow by somebody else's will has a ceiling and fails with ERR_TOO_LARGE instead.
 */
#ifndef CORE_RESULT_H
#define CORE_RESULT_H

#include "core/errors.h"
#include "core/place.h"

enum error_code {
#define X(code, name, text, exit_status, retryable) ERR_##code,
    ERROR_TABLE(X)
#undef X
};

struct result {
    enum error_code code;
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_at, first_at) __attribute__((format(printf, text_at, first_at)))

#define RESULT_OK ((struct result){ERR_OK})

static inline bool result_ok(struct result r)
{
    return r.code == ERR_OK;
}

/* What the last failure of this thread was. Valid until the next failure on the thread. */
struct error {
    enum error_code code;
    struct place place; /* source is NULL when there is none */
    char text[1024];    /* one sentence, without a trailing full stop */
};

/* Record a failure and give its result. `error_at` has the place in the user's text. */
struct result error_set(enum error_code code, const char *format, ...) PRINTF_LIKE(2, 3);
struct result error_at(enum error_code code, struct place place, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Put a few words of context before the text of the last failure: "reading x.json: …". */
struct result error_context(struct result failed, const char *format, ...) PRINTF_LIKE(2, 3);

/* What these return is known, and an analyzer that reads one file at a time has to be told: else
 * it follows paths on which a failure succeeded and left things unset. */
#ifdef __clang_analyzer__
#define error_set(code, ...) ((void)(error_set)(code, __VA_ARGS__), (struct result){code})
#define error_at(code, place, ...)                                                                 \
    ((void)(error_at)(code, place, __VA_ARGS__), (struct result){code})
#define error_context(failed, ...)                                                                 \
    ({                                                                                             \
        struct result failed_ = (failed);                                                          \
        (void)(error_context)(failed_, __VA_ARGS__);                                               \
        failed_;                                                                                   \
    })
#endif

/* The last failure of this thread. Never NULL. */
const struct error *error_last(void);

const char *error_name(enum error_code code);
const char *error_text(enum error_code code);
int error_exit_status(enum error_code code);
bool error_retryable(enum error_code code);

/* Return the failure of `expr` to the caller. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        struct result try_result_ = (expr);                                                        \
        if (!result_ok(try_result_))                                                               \
            return try_result_;                                                                    \
    } while (0)

/* Fail with a sentence unless `condition` holds. */
#define ENSURE(condition, code, ...)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return error_set(code, __VA_ARGS__);                                                   \
    } while (0)

/* Run `at_scope_end(&variable)` when the variable leaves its scope. */
#define DEFER(at_scope_end) __attribute__((cleanup(at_scope_end)))

/* Hand a pointer out of a scope that would clean it up: `*out = take(&thing);` */
#define take(pointer_to)                                                                           \
    ({                                                                                             \
        __typeof__(*(pointer_to)) taken_ = *(pointer_to);                                          \
        *(pointer_to) = NULL;                                                                      \
        taken_;                                                                                    \
    })

/* A failure that is looked at and deliberately let pass; say why beside it. */
static inline void result_ignore(struct result r)
{
    (void)r;
}

/*
 * Invariants. `MUST` prints the expression, the place in our source and a formatted sentence with
 * the values, then aborts: a broken invariant is our defect, never the user's input.
 */
#define MUST(condition, ...)                                                                       \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            must_failed(#condition, __FILE__, __LINE__, __VA_ARGS__);                              \
    } while (0)

void must_failed(const char *condition, const char *file, int line, const char *format, ...)
    __attribute__((noreturn)) PRINTF_LIKE(4, 5);

/* A `void *` that comes back to us is checked by its first word (varnish, miniobj.h). */
#define MAGIC_CHECK(object, magic_word)                                                            \
    MUST((object) != NULL && (object)->magic == (magic_word), "magic of " #object " is %#x",       \
         (object) ? (unsigned)(object)->magic : 0u)

#endif
