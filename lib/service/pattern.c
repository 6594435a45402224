/*
 * A thin layer over PCRE2. Lines are few compared with what checks see, so there is no JIT.
 */
#include "service/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/limits.h"
#include "core/memory.h"

struct pattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

struct result pattern_compile(const char *text, struct pattern **out)
{
    int error;
    size_t offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset, NULL);
    if (code == NULL) {
        PCRE2_UCHAR why[128];
        (void)pcre2_get_error_message(error, why, sizeof(why));
        return error_set(ERR_VALUE, "the pattern \"%s\" is wrong at character %zu: %s", text,
                         offset + 1, (const char *)why);
    }
    struct pattern *p = NEW(struct pattern);
    p->code = code;
    p->match = pcre2_match_data_create_from_pattern(code, NULL);
    p->limits = pcre2_match_context_create(NULL);
    MUST(p->match && p->limits, "no memory for a pattern of %zu bytes", strlen(text));
    pcre2_set_match_limit(p->limits, LIMIT_REGEX_MATCH);
    pcre2_set_depth_limit(p->limits, LIMIT_REGEX_DEPTH);
    pcre2_set_heap_limit(p->limits, LIMIT_REGEX_HEAP_KIB);
    *out = p;
    return RESULT_OK;
}

void pattern_free(struct pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_match_context_free(pattern->limits);
    pcre2_match_data_free(pattern->match);
    pcre2_code_free(pattern->code);
    mem_free(pattern);
}

void pattern_free_pointer(struct pattern **pattern)
{
    pattern_free(*pattern);
}

bool pattern_find(const struct pattern *pattern, struct slice line, struct slice *capture)
{
    const char *subject = line.data ? line.data : "";
    int groups = pcre2_match(pattern->code, (PCRE2_SPTR)subject, line.len, 0, 0, pattern->match,
                             pattern->limits);
    if (groups < 0)
        return false;
    if (capture) {
        const size_t *at = pcre2_get_ovector_pointer(pattern->match) + (groups > 1 ? 2 : 0);
        bool set = at[0] != PCRE2_UNSET; /* a group may have taken no part */
        *capture = slice_part(line, set ? at[0] : 0, set ? at[1] - at[0] : 0);
    }
    return true;
}
