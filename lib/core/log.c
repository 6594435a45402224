/*
 * Logging. A line is formatted aside and written with one write(), so lines of threads do not mix.
 */
#include "core/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"

static const char *const level_names[] = {"error", "warning", "info", "debug", NULL};

/* Set once before threads start, then only read. */
static enum log_level level_max = LOG_WARNING;
static bool as_json;

struct result log_setup(void)
{
    const char *level = getenv("ASSAY_LOG"), *format = getenv("ASSAY_LOG_FORMAT");
    if (level && *level) {
        int i = 0;
        while (level_names[i] && strcmp(level, level_names[i]) != 0)
            i++;
        ENSURE(level_names[i], ERR_USAGE, "ASSAY_LOG=%s: expected error, warning, info or debug",
               level);
        level_max = (enum log_level)i;
    }
    if (format && *format) {
        as_json = strcmp(format, "json") == 0;
        ENSURE(as_json || strcmp(format, "text") == 0, ERR_USAGE,
               "ASSAY_LOG_FORMAT=%s: expected text or json", format);
    }
    return RESULT_OK;
}

bool log_enabled(enum log_level level)
{
    return level <= level_max;
}

/* A message may quote what a service sent: it must not be able to look like lines of ours. */
static void add_on_one_line(struct text *line, struct slice message)
{
    struct slice rest = text_shown(line->arena, message, SIZE_MAX), part;
    for (bool first = true; slice_split(&rest, '\n', &part); first = false) {
        if (!first)
            text_add_str(line, "\\n");
        text_add(line, part);
    }
}

void log_write(enum log_level level, const char *area, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(arena, format, args);
    va_end(args);

    struct text line = text_in(arena);
    char now[CLOCK_TEXT];
    clock_text(now, clock_wall());
    if (as_json) {
        text_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"area\":\"%s\",\"message\":", now,
                    level_names[level], area);
        text_add_json(&line, slice_str(message));
        text_add_str(&line, "}\n");
    } else {
        text_printf(&line, "%s %s %s: ", now, level_names[level], area);
        add_on_one_line(&line, slice_str(message));
        text_add_byte(&line, '\n');
    }
    if (write(STDERR_FILENO, line.data, line.len) < 0)
        return; /* stderr is gone: there is nowhere left to say so */
}
