/*
 * The output of one service as lines, each with the time it began to arrive: for readiness patterns
 * and for showing "the log around the failure". Holds the last LIMIT_OUTPUT_BYTES; a line longer
 * than LINELOG_LINE_BYTES is cut into several, so that a service that never ends a line is still
 * seen.
 */
#ifndef SERVICE_LINELOG_H
#define SERVICE_LINELOG_H

#include "core/arena.h"
#include "service/process.h"

#define LINELOG_LINE_BYTES (8u << 10)

struct linelog;

struct log_line {
    int64_t time; /* clock_now() when its first byte arrived */
    enum process_stream stream;
    struct slice text; /* without its line ending */
};

/* `on_line` (may be NULL) sees every line when it is complete. */
struct linelog *linelog_new(void (*on_line)(void *context, const struct log_line *line),
                            void *context);
void linelog_free(struct linelog *log); /* NULL is allowed */

/* Bytes that arrived at `now`, cut anywhere. */
void linelog_add(struct linelog *log, enum process_stream stream, struct slice bytes, int64_t now);

/* No more will come (the program ended): what stands without a line ending is a line now. */
void linelog_flush(struct linelog *log);

/* Lines given out by on_line so far, including those no longer held. */
uint64_t linelog_count(const struct linelog *log);

/* The lines held that arrived within [from, to], oldest first; texts are copied to the arena. Only
 * the last `max` bytes of them (a newline each counted): what exceeds is cut off at the front.
 * Returns how many. */
size_t linelog_between(const struct linelog *log, int64_t from, int64_t to, size_t max,
                       struct arena *arena, const struct log_line **out);

/* The same as one text, a newline after each line. */
struct slice linelog_text(const struct linelog *log, int64_t from, int64_t to, size_t max,
                          struct arena *arena);

#endif
