/*
 * Arenas. Workload: one per case (a few KiB) and one per suite (up to tens of MiB), so the blocks
 * begin small and double up to 256 KiB; larger pieces get a block of their own, behind the current
 * one, which goes on being filled. Under AddressSanitizer the bytes between pieces are poisoned, so
 * that running over the end of one is seen.
 */
#include "core/arena.h"

#include <stdalign.h>
#include <stdio.h>

#include "core/memory.h"

#define BLOCK_FIRST 1024u
#define BLOCK_LARGEST (256u << 10)

#if defined(__SANITIZE_ADDRESS__)
#define POISONING 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONING 1
#endif
#endif
#ifdef POISONING
#include <sanitizer/asan_interface.h>
#define POISON(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define UNPOISON(memory, size) ASAN_UNPOISON_MEMORY_REGION(memory, size)
#define GAP 1         /* at least this many poisoned bytes after each piece */
#define ALIGN_LEAST 8 /* what can be poisoned */
#else
#define POISON(memory, size) ((void)0)
#define UNPOISON(memory, size) ((void)0)
#define GAP 0
#define ALIGN_LEAST 1
#endif

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct deferred {
    struct deferred *next;
    void (*cleanup)(void *object);
    void *object;
};

struct arena {
    struct block *blocks; /* the current one first */
    struct deferred *deferred;
    size_t total;
};

struct arena *arena_new(void)
{
    return NEW(struct arena);
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct deferred *d = arena->deferred; d; d = d->next)
        d->cleanup(d->object);
    struct block *next;
    for (struct block *b = arena->blocks; b; b = next) {
        next = b->next;
        mem_free(b);
    }
    mem_free(arena);
}

void arena_free_pointer(struct arena **arena)
{
    arena_free(*arena);
    *arena = NULL;
}

static struct block *add_block(struct arena *arena, size_t need)
{
    size_t size = arena->blocks ? arena->blocks->size * 2 : BLOCK_FIRST;
    if (size > BLOCK_LARGEST)
        size = BLOCK_LARGEST;
    if (size < need)
        size = need;
    struct block *b = mem_alloc(sizeof(*b) + size);
    struct block **at = &arena->blocks;
    if (need > BLOCK_LARGEST && *at)
        at = &(*at)->next;
    *b = (struct block){.next = *at, .size = size};
    *at = b;
    arena->total += sizeof(*b) + size;
    POISON(b->data, size);
    return b;
}

/* A type's size is a multiple of its alignment: a string of nine bytes may stand anywhere. */
static size_t alignment(size_t size)
{
    size_t multiple_of = size & -size;
    if (multiple_of == 0 || multiple_of > alignof(max_align_t))
        multiple_of = alignof(max_align_t);
    return multiple_of < ALIGN_LEAST ? ALIGN_LEAST : multiple_of;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    MUST(size < SIZE_MAX / 2, "size %zu", size);
    size_t align = alignment(size);
    struct block *b = arena->blocks;
    size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;
    if (!b || at > b->size || b->size - at < size + GAP) {
        b = add_block(arena, size + GAP);
        at = 0;
    }
    void *memory = b->data + at;
    b->used = at + size + GAP;
    UNPOISON(memory, size);
    return memset(memory, 0, size);
}

void *arena_grown(struct arena *arena, void *items, size_t count, size_t size)
{
    const size_t least = 16;
    bool full = count == 0 || (count >= least && (count & (count - 1)) == 0);
    if (!full)
        return items;
    void *more = arena_alloc(arena, (count ? 2 * count : least) * size);
    return count ? memcpy(more, items, count * size) : more;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);
    if (bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    return slice_of(copy, bytes.len);
}

const char *arena_string(struct arena *arena, struct slice text)
{
    return arena_copy(arena, text).data;
}

const char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    MUST(n >= 0, "format %s", format);
    char *text = arena_alloc(arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, format, args);
    return text;
}

const char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void arena_defer(struct arena *arena, void (*cleanup)(void *object), void *object)
{
    struct deferred *d = ARENA_NEW(arena, struct deferred);
    *d = (struct deferred){arena->deferred, cleanup, object};
    arena->deferred = d;
}

size_t arena_size(const struct arena *arena)
{
    return arena->total;
}
