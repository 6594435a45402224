/*
 * One capture for the test program: asserts of these tests come from one thread.
 */
#include "capture.h"

#include <stdio.h>
#include <string.h>

static struct capture the_capture;

static void keep(void *context, const char *file, int line, const char *text)
{
    struct capture *c = context;
    c->count++;
    c->line = line;
    snprintf(c->file, sizeof(c->file), "%s", strrchr(file, '/') ? strrchr(file, '/') : file);
    snprintf(c->text, sizeof(c->text), "%s", text);
}

struct capture *capture_begin(void)
{
    the_capture = (struct capture){0};
    assay_set_failure_hook(keep, &the_capture);
    return &the_capture;
}

void assert_says(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("expected \"%s\" in: %s", words, text);
}

void capture_check(const struct capture *seen, const char *words, const char *file, int line)
{
    const char *slash = strrchr(file, '/');
    assert_int_equal(seen->count, 1);
    /* Of a macro within a macro over several lines compilers take the first line or the last. */
    assert_in_range(seen->line, line - 3, line + 3);
    assert_string_equal(seen->file, slash ? slash : file);
    assert_says(seen->text, words);
}
