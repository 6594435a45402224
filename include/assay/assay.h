/*
 * Assay's public C API: what the command `assay` does, for programs. Every function is one job from
 * beginning to end; it reports to people on the streams it is given and returns the exit status
 * that the command would end with (product documentation, "Exit status"):
 *
 *     0    all passed
 *     1    a case failed
 *     2    the call or a suite is wrong
 *     3    a service or the surroundings failed
 *     130  interrupted; everything finished is recorded
 *
 * Options are plain structs, zero-initialised for the defaults; strings stay the caller's and are
 * not kept. Call from one thread at a time. SIGINT and SIGTERM are handled while assay_run works,
 * and are as before when it returns.
 */
#ifndef ASSAY_ASSAY_H
#define ASSAY_ASSAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_PUBLIC __attribute__((visibility("default")))

/* "0.1.0" */
ASSAY_PUBLIC const char *assay_version(void);

/* Call once, first: the allocator of the libraries used, and logging as ASSAY_LOG says. 0 or 2. */
ASSAY_PUBLIC int assay_init(FILE *err);

/* A list of strings that the caller owns. */
struct assay_strings {
    const char *const *items;
    size_t count;
};

/* Where to write for people. */
struct assay_streams {
    FILE *out, *err; /* NULL: stdout, stderr */
    bool out_color, err_color;
    bool live;   /* `out` is a terminal: draw a progress line */
    int columns; /* its width; 0: 80 */
};

/* Which cases of which suites. */
struct assay_selection {
    struct assay_strings suites; /* files and folders */
    struct assay_strings sets;   /* "name=value" */
    const char *filter;          /* an expression over id, tag, model, path, suite; NULL: none */
    struct assay_strings tags;   /* any of these; empty: all */
    struct assay_strings cases;  /* ids or "suite/id"; empty: all */
    uint32_t shard, shards;      /* shard 1…shards of the cases; 0 of 0: all */
    bool has_seed;
    uint64_t seed;      /* of generated values and jitter; fresh when there is none */
    int64_t timeout_ns; /* of cases that give none; 0: 60 s */
};

enum assay_detail { ASSAY_NORMAL, ASSAY_QUIET, ASSAY_VERBOSE };

/* "sqlite:.assay/results.db" */
#define ASSAY_DEFAULT_STORE "sqlite:.assay/results.db"

enum assay_webhook_when { ASSAY_WEBHOOK_ALWAYS, ASSAY_WEBHOOK_FAILURES, ASSAY_WEBHOOK_CHANGES };

/* Who is told when a run has ended; signed when ASSAY_WEBHOOK_SECRET is in the environment. */
struct assay_webhooks {
    struct assay_strings targets; /* "https://…", "slack=https://…", "teams=$NAME", … */
    enum assay_webhook_when when;
};

struct assay_run_options {
    struct assay_selection selection;
    struct assay_streams streams;
    enum assay_detail detail;
    struct assay_strings reports; /* "junit", "json=path", … */
    struct assay_webhooks webhooks;
    const char *store; /* NULL: ASSAY_DEFAULT_STORE; "none": nothing is kept */
    const char *keep;  /* prune the store afterwards: "100" runs, or those since "30d"; NULL: no */
    uint32_t jobs;     /* cases at once; 0: one per processor */
    const char *cache; /* answers of models: "on", "refresh" or "off"; NULL: as the suites say */
    uint32_t max_failures;          /* begin nothing more after so many; 0: never */
    bool flaky_fails;               /* a pass on retry counts as failed */
    bool unmeasured;                /* neither services nor assay are looked at meanwhile */
    bool by_risk;                   /* what is likely to fail begins first */
    const char *resume;             /* a run: do what it did not finish; `suites` must be empty */
    const char *rerun_failed;       /* a run: do again what did not pass in it */
    struct assay_strings arguments; /* as typed, after "assay", for the record */
};

ASSAY_PUBLIC int assay_run(const struct assay_run_options *options);

struct assay_plan_options {
    struct assay_selection selection;
    struct assay_streams streams;
    const char *store; /* for durations from history; it is not created */
    uint32_t jobs;
    bool json;
};

ASSAY_PUBLIC int assay_plan(const struct assay_plan_options *options);

struct assay_report_options {
    struct assay_streams streams;
    enum assay_detail detail;
    const char *run; /* an id, a unique prefix or "last"; NULL: last; several with commas */
    const char *store;
    struct assay_strings reports;   /* empty: for people, on streams.out … */
    struct assay_webhooks webhooks; /* … unless somebody else is told */
};

ASSAY_PUBLIC int assay_report(const struct assay_report_options *options);

struct assay_compare_options {
    struct assay_streams streams;
    const char *before, *after; /* runs, baselines, or several with commas; NULL: last~1, last */
    const char *store;
    double threshold; /* of times: 0.05 is 5 %; 0: 5 % */
    const char
        *report; /* "markdown" or "markdown=PATH" besides; on standard output instead; NULL */
    bool json;
};

/* 1 when something broke or got slower; what is in quarantine does not count. */
ASSAY_PUBLIC int assay_compare(const struct assay_compare_options *options);

struct assay_history_options {
    struct assay_streams streams;
    const char *test_case; /* "suite/id" or an id; NULL: all */
    const char *store;
    uint32_t results; /* how many of each case; 0: 50 */
    bool risk;        /* instead: which cases are likely to fail, and how well that is known */
    bool json;
};

ASSAY_PUBLIC int assay_history(const struct assay_history_options *options);

struct assay_load_options {
    struct assay_streams streams;
    const char *scenario;       /* a file that says the rest; what is given here wins; NULL: none */
    struct assay_strings sets;  /* of it: "name=value" */
    const char *only;           /* of its loads this one; NULL: all */
    const char *suite;          /* its cases are what is asked; NULL: none */
    struct assay_strings cases; /* of it: ids; empty: all that can be */
    const char *check;          /* how many of their answers: "all", "none", "1%"; NULL: 5 % */
    const char *url;
    const char *api; /* "http", "execute", "chat", "complete", "embed", "infer"; NULL: by the path
                      * of the url */
    const char *method;           /* NULL: POST with a body, else GET */
    struct assay_strings headers; /* "Name: value" */
    const char *body;             /* or "@path"; NULL: made from the prompt */
    const char *prompt, *model;   /* NULL: some */
    const char *extra; /* a JSON object whose members go into every body that is made; NULL: none */
    uint32_t max_tokens; /* 0: 128 */
    /* Many prompts instead of one: a file of them, or how long they are ("512", "uniform:9..99").
     */
    const char *prompts, *prompt_tokens, *output_tokens;
    const char *order;      /* of a file: "file" (NULL), "shuffled", "random" */
    uint32_t distinct;      /* so many different ones are made up; 0: 1000 */
    const char *system;     /* in front of all; NULL: nothing */
    uint32_t shared_prefix; /* so many tokens more there; 0: none */
    const char *turns; /* questions of a conversation: "5", "uniform:2..8"; NULL: there are none */
    const char *think; /* a user's time before the next question: "2s", "exponential:2s"; NULL */
    const char *trace; /* requests as they were recorded in a file; NULL: not */
    const char *speed; /* … so many times as fast: "2"; NULL: 1 */
    bool stream;       /* ask for an event stream */
    const char *rate;  /* "500", "10..100", "100,200,400"; NULL: … */
    uint32_t concurrency;           /* … so many users in a closed loop; 0: 1 */
    const char *arrivals;           /* "constant", "poisson" (NULL), "gamma:SHAPE" */
    uint32_t connections;           /* open loop, at most; 0: 1024 */
    uint32_t threads;               /* 0: 1 */
    int64_t duration_ns, warmup_ns; /* 0: 10 s; 0: none */
    int64_t drain_ns, timeout_ns;   /* 0: 10 s; 0: 60 s */
    int64_t lag_ns;          /* how late 99 % of what assay does may be to be believed; 0: 1 ms */
    const char *slo;         /* "ttft p99 < 200ms, errors < 1%"; NULL: none */
    const char *as;          /* another tool's figures too: "vllm", "aiperf", …; NULL: none */
    const char *events;      /* where every request goes, as a line of JSON each; NULL: nowhere */
    const char *from_events; /* no load: the report of such a log; NULL: a load */
    struct assay_strings thresholds; /* the same as k6 writes it: "ttft: p(99)<200" */
    struct assay_strings aborts;     /* … and these end the run: "errors: rate<0.1 after 5s" */
    const char *json; /* where to write the results; "-": standard output; NULL: nowhere */
    struct assay_strings reports; /* more of that: "html", "csv=path", … */
    /* Many loads instead of one: "rate" or "concurrency", ":FROM..TO" may follow; the greatest that
     * holds `slo` is searched for. Of a sweep "/POINTS" follows. NULL: not. */
    const char *search, *sweep;
    const char *print_schedule; /* send nothing: where to write when what would be; NULL: not so */
    bool has_seed, quiet;
    uint64_t seed;
    const char *store; /* where the load is kept (not searches and sweeps); NULL: the default */
    const char *name;  /* loads of one name are compared; NULL: by url, API and load */
    const char *keep;  /* as of assay_run */
    struct assay_strings arguments; /* the command as typed, for the record */
    const char *cacert;           /* https: PEM file of authorities to trust; NULL: the system's */
    bool http2;                   /* with https by ALPN, with http by prior knowledge */
    uint32_t max_streams;         /* http2: at most, on a connection; 0: 100 */
    bool insecure, tls_no_resume; /* any certificate will do; every handshake is a whole one */
};

/* 1 when an objective does not hold; 3 when nothing answered or the numbers are not to be
 * believed; 130 when it was interrupted. */
ASSAY_PUBLIC int assay_load(const struct assay_load_options *options);

/* Baselines: runs with a name, for assay_compare. */
enum assay_baseline_action {
    ASSAY_BASELINE_LIST,
    ASSAY_BASELINE_SET,    /* pin `run` as `name` */
    ASSAY_BASELINE_POISON, /* it is no good, because of `reason`: comparisons with it say so */
    ASSAY_BASELINE_REMOVE,
};

struct assay_baseline_options {
    struct assay_streams streams;
    const char *store;
    enum assay_baseline_action action;
    const char *name, *run, *reason; /* run NULL: last */
};

ASSAY_PUBLIC int assay_baseline(const struct assay_baseline_options *options);

/* Quarantine: cases whose failures are shown and do not fail a run, until a day. */
enum assay_quarantine_action {
    ASSAY_QUARANTINE_LIST,
    ASSAY_QUARANTINE_ADD,
    ASSAY_QUARANTINE_REMOVE,
};

struct assay_quarantine_options {
    struct assay_streams streams;
    const char *store;
    enum assay_quarantine_action action;
    const char *test_case, *owner, *reason;
    const char *expires; /* "14d" from now, or the day "2026-12-31" (UTC) at whose end it expires */
};

ASSAY_PUBLIC int assay_quarantine(const struct assay_quarantine_options *options);

/* Keeping a store. */
enum assay_store_action {
    ASSAY_STORE_INFO,
    ASSAY_STORE_EXPORT,  /* `words` are runs; none: everything. To streams.out, as JSON lines */
    ASSAY_STORE_IMPORT,  /* `words` are files ("-": standard input) and urls of stores */
    ASSAY_STORE_PRUNE,   /* `words` are runs; none: by `keep` and `older_ns` */
    ASSAY_STORE_MIGRATE, /* to the schema of this version */
};

struct assay_store_options {
    struct assay_streams streams;
    const char *store;
    enum assay_store_action action;
    struct assay_strings words;
    uint32_t keep;    /* never prune the newest so many runs; 0: it does not matter */
    int64_t older_ns; /* prune only runs that began longer ago; 0: it does not matter */
    bool dry_run;     /* prune: only say which */
    bool compact;     /* prune: give the room back to the file system */
    bool json;        /* info */
};

ASSAY_PUBLIC int assay_store(const struct assay_store_options *options);

enum assay_schema_form {
    ASSAY_SCHEMA_JSON,      /* JSON Schema, draft 2020-12 */
    ASSAY_SCHEMA_REFERENCE, /* the reference page, Markdown */
    ASSAY_SCHEMA_SCENARIO,  /* both of scenarios, the files of `assay load` */
    ASSAY_SCHEMA_SCENARIO_REFERENCE,
};

ASSAY_PUBLIC int assay_schema(enum assay_schema_form form, FILE *out);

/* Write a commented starter suite; an existing file is kept and 2 returned. NULL: assay.jsonc. */
ASSAY_PUBLIC int assay_init_suite(const char *path, const struct assay_streams *streams);

#ifdef __cplusplus
}
#endif

#endif
