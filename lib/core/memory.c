/*
 * The one place that calls malloc. Out of memory ends the program with a sentence and exit 3.
 */
#include "core/memory.h"

#include <jansson.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static atomic_long fail_countdown; /* 0: never; 1: the next allocation fails */

static void *or_end(void *memory, size_t size)
{
    if (fail_countdown > 0 && atomic_fetch_sub(&fail_countdown, 1) == 1)
        memory = NULL;
    if (memory)
        return memory;
    /* No stdio: it may allocate. _exit: handlers may allocate. */
    char line[80];
    int n = snprintf(line, sizeof(line), "assay: out of memory (%zu bytes wanted)\n", size);
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(3);
    _exit(3);
}

void *mem_alloc(size_t size)
{
    return or_end(malloc(size ? size : 1), size);
}

void *mem_zero(size_t size)
{
    return or_end(calloc(1, size ? size : 1), size);
}

void *mem_resize(void *memory, size_t size)
{
    return or_end(realloc(memory, size ? size : 1), size);
}

char *mem_string(const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(mem_alloc(size), s, size);
}

void mem_free(void *memory)
{
    free(memory);
}

void mem_free_pointer(void *pointer_to)
{
    void *memory;
    memcpy(&memory, pointer_to, sizeof(memory));
    free(memory);
}

static void *zero_array(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return or_end(NULL, SIZE_MAX);
    return mem_zero(count * size);
}

void mem_install(void)
{
    /* One heap for all threads: ours hand memory to one another, and heaps of their own would each
       keep what the others could use. */
    mallopt(M_ARENA_MAX, 1);
    const char *countdown = getenv("ASSAY_FAIL_ALLOCATION");
    if (countdown)
        fail_countdown = strtol(countdown, NULL, 10);
    json_set_alloc_funcs(mem_alloc, mem_free);
    uv_replace_allocator(mem_alloc, mem_resize, zero_array, mem_free);
}
