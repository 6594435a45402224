/*
 * An arena: memory that lives and dies together (a suite, a plan, one case). Allocation is a
 * pointer increment; there is no free of a single piece. Not for threads to share.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stdarg.h>

#include "core/result.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);          /* NULL is allowed */
void arena_free_pointer(struct arena **arena); /* for DEFER */

/* `size` zeroed bytes, aligned for any type whose size divides `size`; never NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), (count) * sizeof(type)))

/*
 * Room for one more behind the `count` items of an array that only ever grew by this: it doubles
 * when it is full, which its count tells. `items` is NULL while there are none.
 */
#define ARENA_GROW(arena, items, count)                                                            \
    ((items) = arena_grown((arena), (items), (count), sizeof(*(items))))
void *arena_grown(struct arena *arena, void *items, size_t count, size_t size)
    __attribute__((returns_nonnull));

/* Copies, NUL-terminated beyond their length. */
struct slice arena_copy(struct arena *arena, struct slice bytes);
const char *arena_string(struct arena *arena, struct slice text);
const char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
const char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Run `cleanup(object)` when the arena is freed, last registered first. */
void arena_defer(struct arena *arena, void (*cleanup)(void *object), void *object);

/* Bytes asked of the system by this arena. */
size_t arena_size(const struct arena *arena);

#endif
