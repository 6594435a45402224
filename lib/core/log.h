/*
 * Assay's own diagnostics on stderr (not results, not a service's output): text lines for people or
 * JSON lines for machines. ASSAY_LOG=error|warning|info|debug sets the level (default warning),
 * ASSAY_LOG_FORMAT=json the form. Callers keep secrets out of what they log.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/result.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Read the environment; a wrong value is ERR_USAGE. Until called: warnings, as text. */
struct result log_setup(void) MUST_USE;

bool log_enabled(enum log_level level);

/* One line; `area` names the part of the program ("service", "store"). Thread-safe. */
void log_write(enum log_level level, const char *area, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(area, ...) log_write(LOG_ERROR, area, __VA_ARGS__)
#define log_warning(area, ...) log_write(LOG_WARNING, area, __VA_ARGS__)
#define log_info(area, ...) log_write(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...)                                                                       \
    do {                                                                                           \
        if (log_enabled(LOG_DEBUG))                                                                \
            log_write(LOG_DEBUG, area, __VA_ARGS__);                                               \
    } while (0)

#endif
