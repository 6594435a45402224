/*
 * One process as /proc tells of it. What is read at every sample is kept open, so that a look costs
 * a few system calls and can never meet another process that got the same pid: once the process is
 * gone, reading fails. Everything there is to read was written by the kernel, but for the name of
 * the program, which the program chose: it may hold blanks, parentheses and newlines.
 */
#ifndef MEASURE_PROC_H
#define MEASURE_PROC_H

#include <sys/types.h>
#include <time.h>

#include "core/slice.h"

/* From /proc/PID/stat. */
struct proc_stat {
    char state;
    pid_t parent;
    int64_t reaped;  /* ns of CPU time of children that were waited for */
    int64_t threads; /* 0: of a zombie */
    int64_t rss;     /* bytes */
};

bool proc_parse_stat(struct slice text, struct proc_stat *out);

/* The number after `name` ("read_bytes:") at the start of a line. */
bool proc_parse_line(struct slice text, struct slice name, int64_t *out);

/* A thread's ns on a processor, and ns that it could have run but waited for one. */
bool proc_parse_schedstat(struct slice text, int64_t *ran, int64_t *waited);

/* A thread as it was when last looked at. */
struct proc_thread {
    pid_t tid;
    int64_t ran, waited;
    int64_t restless_since; /* monotonic ns; 0: it rests now and then */
    bool seen;
};

struct proc {
    pid_t pid;
    int folder, stat; /* descriptors */
    clockid_t clock;
    struct proc_thread *threads; /* those looked at last, only while it uses much CPU */
    size_t thread_count, thread_capacity;
    int64_t cpu_before, looked_before; /* monotonic ns: what proc_look saw last */
    size_t looks;
    int64_t voluntary, involuntary; /* as last read */
};

/* False: it is gone, or not ours to look at. */
bool proc_open(struct proc *p, pid_t pid);
void proc_close(struct proc *p);

/* Read at every sample; false: it is gone. */
struct proc_figures {
    struct proc_stat stat;
    int64_t cpu;         /* ns of its own */
    int64_t descriptors; /* -1: only proc_look can tell (Linux before 6.2) */
};
bool proc_read(const struct proc *p, struct proc_figures *out);

/* Read now and then: it costs a few microseconds for every thread. */
struct proc_details {
    int64_t voluntary, involuntary;    /* -1: too many threads */
    int64_t read_bytes, written_bytes; /* 0: not ours to know */
    int64_t descriptors;
    pid_t restless;         /* the thread that has not rested for longest; 0: all do */
    int64_t restless_since; /* monotonic ns */
    char restless_name[16];
};
/* `child` hears of every child, those of all threads. `cpu` as proc_read gave it. */
bool proc_look(struct proc *p, int64_t cpu, void (*child)(void *context, pid_t pid), void *context,
               struct proc_details *out);

/* Its share of memory in bytes; 0: unknown. Dear: the kernel walks all its pages. */
int64_t proc_pss(const struct proc *p);

/* The resident bytes of a process and all below it (`below`: without itself), looked up now. */
int64_t proc_resident_tree(pid_t root, bool below);

#endif
