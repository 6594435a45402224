/*
 * Allocation. These never return NULL: when memory is out the program ends cleanly with exit
 * status 3 (see core/result.h for why). Whoever can grow by somebody else's will has a ceiling
 * (core/buf.h, core/limits.h) and is refused long before.
 *
 * Tests make the n-th allocation fail with ASSAY_FAIL_ALLOCATION=n, to prove that the end is clean.
 */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <stddef.h>

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_zero(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_resize(void *memory, size_t size) __attribute__((returns_nonnull, warn_unused_result));
char *mem_string(const char *s) __attribute__((malloc, returns_nonnull, warn_unused_result));
void mem_free(void *memory); /* NULL is allowed */

#define NEW(type) ((type *)mem_zero(sizeof(type)))

/* Grow an array of `count` elements so that one more fits; capacity doubles. */
#define GROW(array, count, capacity)                                                               \
    do {                                                                                           \
        if ((count) == (capacity)) {                                                               \
            (capacity) = (capacity) ? (capacity) * 2 : 8;                                          \
            (array) = mem_resize((array), (size_t)(capacity) * sizeof(*(array)));                  \
        }                                                                                          \
    } while (0)

/* Use our allocator in jansson and libuv too; call first thing in main(). */
void mem_install(void);

/* Cleanup for DEFER: frees what the pointer variable holds. */
void mem_free_pointer(void *pointer_to);

#endif
