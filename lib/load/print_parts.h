/*
 * Cells of tables for people, right-aligned by the columns they take, not by bytes.
 */
#ifndef LOAD_PRINT_PARTS_H
#define LOAD_PRINT_PARTS_H

#include "load/print.h"

void print_cell(struct text *t, const char *content, size_t width);
void print_time(struct text *t, int64_t value, size_t width);
void print_count(struct text *t, double value, size_t width);

/* A time in ns, or a count. */
void print_value(struct text *t, bool time, double value, size_t width);

#endif
