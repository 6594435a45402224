/*
 * Starting a program: everything that needs memory, the file system or PATH is done here, before
 * the keeper is forked, and failures become sentences here. Internal to process.c, which lives with
 * the program afterwards.
 */
#ifndef SERVICE_LAUNCH_H
#define SERVICE_LAUNCH_H

#include "service/keeper.h"
#include "service/process.h"

/* A program that runs, and our ends of what connects us. */
struct launched {
    pid_t program, keeper;
    int64_t started;
    int channel; /* to the keeper */
    int streams[2];
};

/* See process_start for the errors. On success the descriptors are the caller's. */
struct result launch_program(const struct process_options *options, struct launched *out) MUST_USE;

/* The next report: its size, 0 after the keeper's end, or -1 with errno (never EINTR). */
ssize_t launch_receive(int channel, struct keeper_report *report);

/* After the keeper's end of the channel was seen to close. */
void launch_reap(pid_t keeper);

#endif
