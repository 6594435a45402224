/*
 * The report formats' constructors, for the table in report.c; each stands in a file of its own.
 * All write to a file that stays the caller's, and report a failure to write when closed.
 */
#ifndef RECORD_FORMATS_H
#define RECORD_FORMATS_H

#include "core/text.h"
#include "record/sink.h"

struct sink *junit_open(FILE *to, bool color);
struct sink *ctrf_open(FILE *to, bool color);
struct sink *jsonl_open(FILE *to, bool color);
struct sink *tap_open(FILE *to, bool color);
struct sink *markdown_open(FILE *to, bool color);
struct sink *github_open(FILE *to, bool color);

/* For formats that need no more than their file. */
struct plain_report {
    struct sink base;
    FILE *to;
    size_t count; /* cases so far */
};

struct sink *plain_report_open(FILE *to, void (*event)(struct sink *sink, const struct event *e));

/* A text to the file, and out of our buffers. */
void report_write(FILE *to, const struct text *t);

/* ERR_IO when anything written to the file was lost. */
struct result report_written(FILE *to);

#endif
