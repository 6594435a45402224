/*
 * PCRE2 behind a cache per thread. Almost every call asks for a pattern this thread has compiled
 * before, so finding it again (a hash and a walk over REGEX_CACHED words) is what has to be quick;
 * compiling with JIT costs some 50 µs and happens once per pattern and thread.
 */
#include "check/regex.h"

#include <pthread.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "check/regex_dialect.h"
#include "core/limits.h"
#include "core/memory.h"

/* The JIT's own stack, per thread: the 32 KiB it takes from ours is too little for long subjects.
 */
#define JIT_STACK_FIRST (32u << 10)
#define JIT_STACK_MOST (LIMIT_REGEX_HEAP_KIB << 10)

#define DIALECT 0x0fu
#define BYTES 0x40u /* internal: the subject is not UTF-8, match bytes */

struct compiled {
    uint64_t hash;
    struct slice pattern; /* owned */
    unsigned flags;
    uint64_t used; /* tick of the last use; 0: the place is free */
    pcre2_code *code;
    pcre2_match_data *match;
};

struct cache {
    struct compiled places[REGEX_CACHED];
    uint64_t tick;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
};

static pthread_key_t cache_key;
static pthread_once_t cache_once = PTHREAD_ONCE_INIT;

static void compiled_forget(struct compiled *c)
{
    pcre2_match_data_free(c->match);
    pcre2_code_free(c->code);
    mem_free((char *)(uintptr_t)c->pattern.data);
    *c = (struct compiled){0};
}

static void cache_free(void *cache_of_thread)
{
    struct cache *cache = cache_of_thread;
    for (size_t i = 0; i < REGEX_CACHED; i++)
        compiled_forget(&cache->places[i]);
    pcre2_match_context_free(cache->limits);
    pcre2_jit_stack_free(cache->stack);
    mem_free(cache);
}

static void cache_key_create(void)
{
    int failed = pthread_key_create(&cache_key, cache_free);
    MUST(!failed, "no thread key: %s", strerror(failed));
}

static struct cache *cache_here(void)
{
    pthread_once(&cache_once, cache_key_create);
    struct cache *cache = pthread_getspecific(cache_key);
    if (cache)
        return cache;
    cache = NEW(struct cache);
    cache->limits = pcre2_match_context_create(NULL);
    cache->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MOST, NULL);
    MUST(cache->limits && cache->stack, "no memory for %d regular expressions", REGEX_CACHED);
    pcre2_set_match_limit(cache->limits, LIMIT_REGEX_MATCH);
    pcre2_set_depth_limit(cache->limits, LIMIT_REGEX_DEPTH);
    pcre2_set_heap_limit(cache->limits, LIMIT_REGEX_HEAP_KIB);
    pcre2_jit_stack_assign(cache->limits, NULL, cache->stack);
    pthread_setspecific(cache_key, cache);
    return cache;
}

/* What stands at `offset` of the pattern is wrong; `why` says what. */
static struct result bad_pattern(struct slice pattern, size_t offset, const char *why)
{
    size_t character = utf8_length(slice_part(pattern, 0, offset)) + 1;
    return error_set(ERR_SYNTAX, "not a regular expression: %s at character %zu of '%.*s'", why,
                     character, (int)(pattern.len < 200 ? pattern.len : 200), pattern.data);
}

static uint32_t compile_options(unsigned flags)
{
    uint32_t options = PCRE2_NEVER_BACKSLASH_C;
    if (!(flags & BYTES))
        options |= PCRE2_UTF | PCRE2_NO_UTF_CHECK;
    if (flags & REGEX_CASELESS)
        options |= PCRE2_CASELESS;
    if (flags & REGEX_WHOLE)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    if ((flags & DIALECT) != REGEX_PERL)
        options |= PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF | PCRE2_ALLOW_EMPTY_CLASS;
    return options;
}

static struct result compile(struct slice pattern, unsigned flags, pcre2_code **out)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct regex_translation translation = {
        .text = text_in(arena),
        .dot_iregexp = (flags & DIALECT) == REGEX_IREGEXP,
        .from = pattern,
    };
    struct slice source = pattern;
    bool own = (flags & DIALECT) == REGEX_PERL;
    size_t fault_at = 0;

    ENSURE(pattern.len <= LIMIT_REGEX_PATTERN_BYTES, ERR_TOO_LARGE,
           "a regular expression of %zu bytes; at most %u are read", pattern.len,
           LIMIT_REGEX_PATTERN_BYTES);
    ENSURE((flags & BYTES) || utf8_valid(pattern), ERR_SYNTAX,
           "a regular expression must be valid UTF-8");
    if (!own) {
        if (!result_ok(regex_translate(&translation, &fault_at))) {
            const char *why = arena_string(arena, slice_str(error_last()->text));
            return bad_pattern(pattern, fault_at, why);
        }
        source = text_slice(&translation.text);
    }

    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *compiled = pcre2_compile(source.data ? (PCRE2_SPTR)source.data : (PCRE2_SPTR) "",
                                         source.len, compile_options(flags), &code, &offset, NULL);
    if (!compiled) {
        char why[256];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        return bad_pattern(pattern, own ? offset : regex_origin(&translation, offset), why);
    }
    /* Where the JIT cannot be had, the interpreter does the same, slower. */
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    *out = compiled;
    return RESULT_OK;
}

static struct result cached(struct cache *cache, struct slice pattern, unsigned flags,
                            struct compiled **out)
{
    uint64_t hash = slice_hash(pattern);
    struct compiled *oldest = &cache->places[0];
    cache->tick++;
    for (size_t i = 0; i < REGEX_CACHED; i++) {
        struct compiled *c = &cache->places[i];
        if (c->used && c->hash == hash && c->flags == flags && slice_eq(c->pattern, pattern)) {
            c->used = cache->tick;
            *out = c;
            return RESULT_OK;
        }
        if (c->used < oldest->used)
            oldest = c;
    }
    pcre2_code *code = NULL;
    TRY(compile(pattern, flags, &code));
    char *copy = mem_alloc(pattern.len + 1);
    if (pattern.len)
        memcpy(copy, pattern.data, pattern.len);
    compiled_forget(oldest);
    *oldest = (struct compiled){
        .hash = hash,
        .pattern = slice_of(copy, pattern.len),
        .flags = flags,
        .used = cache->tick,
        .code = code,
        .match = pcre2_match_data_create_from_pattern(code, NULL),
    };
    MUST(oldest->match != NULL, "no memory to match '%.*s'", SLICE_ARG(pattern));
    *out = oldest;
    return RESULT_OK;
}

struct result regex_check(struct slice pattern, unsigned dialect_and_flags)
{
    struct compiled *ignored = NULL;
    return cached(cache_here(), pattern, dialect_and_flags, &ignored);
}

/* Match; `*groups` is the number of pairs in `*match`, 0 when nothing was found. */
static struct result match(struct slice pattern, unsigned flags, struct slice subject,
                           pcre2_match_data **data, size_t *groups)
{
    struct cache *cache = cache_here();
    struct compiled *c = NULL;
    if (!utf8_valid(subject)) {
        ENSURE((flags & DIALECT) == REGEX_PERL, ERR_VALUE,
               "the text to be matched must be valid UTF-8");
        flags |= BYTES;
    }
    TRY(cached(cache, pattern, flags, &c));
    PCRE2_SPTR text = subject.data ? (PCRE2_SPTR)subject.data : (PCRE2_SPTR) "";
    int rc = pcre2_match(c->code, text, subject.len, 0, (flags & BYTES) ? 0 : PCRE2_NO_UTF_CHECK,
                         c->match, cache->limits);
    *data = c->match;
    *groups = rc > 0 ? (size_t)rc : 0;
    if (rc > 0 || rc == PCRE2_ERROR_NOMATCH)
        return RESULT_OK;
    char why[256];
    pcre2_get_error_message(rc, (PCRE2_UCHAR *)why, sizeof why);
    return error_set(ERR_TOO_LARGE,
                     "the regular expression '%.*s' gave up on a text of %zu bytes: %s; it "
                     "backtracks too much, make it more specific",
                     (int)(pattern.len < 200 ? pattern.len : 200), pattern.data, subject.len, why);
}

struct result regex_search(struct slice pattern, unsigned dialect_and_flags, struct slice subject,
                           struct arena *arena, struct regex_match *out)
{
    pcre2_match_data *data = NULL;
    size_t pairs = 0;
    *out = (struct regex_match){0};
    TRY(match(pattern, dialect_and_flags, subject, &data, &pairs));
    if (pairs == 0)
        return RESULT_OK;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(data);
    out->found = true;
    out->start = at[0];
    out->end = at[1];
    out->group_count = pcre2_get_ovector_count(data) - 1u;
    struct regex_group *groups = ARENA_ARRAY(arena, struct regex_group, out->group_count);
    for (size_t i = 1; i <= out->group_count; i++)
        if (at[2 * i] != PCRE2_UNSET && i < pairs)
            groups[i - 1] = (struct regex_group){true, at[2 * i], at[2 * i + 1]};
    out->groups = groups;
    return RESULT_OK;
}

struct result regex_matches(struct slice pattern, unsigned dialect_and_flags, struct slice subject,
                            bool *out)
{
    pcre2_match_data *data = NULL;
    size_t pairs = 0;
    TRY(match(pattern, dialect_and_flags, subject, &data, &pairs));
    *out = pairs > 0;
    return RESULT_OK;
}
