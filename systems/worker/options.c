/*
 * The command line.
 */
#include "options.h"

#include <sched.h>

#include "core/parse.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_WHOLE, OPTION_NUMBER, OPTION_TIMING };

struct option {
    const char *name, *argument;
    enum option_kind kind;
    size_t offset;
    uint64_t min, max; /* OPTION_WHOLE */
    const char *help;
};

#define AT(member) offsetof(struct options, member)

#define SECONDS_MAX 86400
#define THREADS_MAX 256

static const struct option table[] = {
    {"--stub-mode", NULL, OPTION_FLAG, AT(stub_mode), 0, 0,
     "Answer without a model: deterministic text, or what follows \"echo:\" in the prompt"},
    {"--engine", "PATH", OPTION_TEXT, AT(engine), 0, 0,
     "Shared library that generates the tokens (include/assay/engine.h)"},
    {"--engine-timeout-sec", "N", OPTION_WHOLE, AT(engine_timeout_s), 1, SECONDS_MAX,
     "A longer call of the library makes the worker unhealthy (default 30)"},
    {"--port", "N", OPTION_WHOLE, AT(port), 0, 65535, "Port; 0 takes a free one (default 8080)"},
    {"--host", "ADDRESS", OPTION_TEXT, AT(host), 0, 0, "Address to listen on (default 127.0.0.1)"},
    {"--threads", "N", OPTION_WHOLE, AT(threads), 1, THREADS_MAX,
     "Event loops, each with a thread and its share of the connections (default one per core)"},
    {"--worker-id", "ID", OPTION_TEXT, AT(worker_id), 0, 0, "Name of this worker (default a UUID)"},
    {"--model", "PATH", OPTION_TEXT, AT(model), 0, 0, "Model, as shown in answers (default stub)"},
    {"--gpu-device", "N", OPTION_WHOLE, AT(gpu_device), 0, 1023,
     "GPU shown in /health (default 0)"},
    {"--callback-url", "URL", OPTION_TEXT, AT(callback_url), 0, 0,
     "POST to this http:// address when ready; failing ends the worker"},
    {"--api-key", "KEY", OPTION_TEXT, AT(api_key), 0, 0,
     "Ask for this bearer token on the paths below /v1 (default: none)"},
    {"--max-tokens-out", "N", OPTION_WHOLE, AT(max_tokens_out), 1, 2048,
     "Highest max_tokens a request may ask for (default 2048)"},
    {"--kv-cache-size-mb", "N", OPTION_WHOLE, AT(kv_cache_mb), 0, 1 << 20,
     "KV cache counted in the memory figures (default 64)"},
    {"--inference-timeout-sec", "N", OPTION_WHOLE, AT(inference_timeout_s), 1, SECONDS_MAX,
     "A longer generation ends with the error TIMEOUT (default 300)"},
    {"--drain-timeout-sec", "N", OPTION_WHOLE, AT(drain_timeout_s), 0, SECONDS_MAX,
     "After shutdown, running jobs have so long to finish (default 5)"},
    {"--first-token-ms", "X", OPTION_TIMING, AT(first_token), 0, 0,
     "Time from request to first token (default 0); also normal:MEAN,DEVIATION, "
     "lognormal:MEDIAN,SIGMA or table:PATH"},
    {"--delay-ms", "X", OPTION_TIMING, AT(delay), 0, 0,
     "Time from each token to the next (default 0: as fast as possible); the same forms"},
    {"--prefill-ms-per-token", "X", OPTION_NUMBER, AT(prefill_ms), 0, 0,
     "Added to the time to the first token for each token of the prompt (default 0)"},
    {"--slowdown", "X", OPTION_NUMBER, AT(slowdown), 0, 0,
     "Every other running job makes delays longer by this part of them (default 0)"},
    {"--max-tokens-in", "N", OPTION_WHOLE, AT(max_tokens_in), 1, 1 << 20,
     "Most tokens a prompt may have (default: no limit but its 32768 characters)"},
    {"--kv-cache-limit", NULL, OPTION_FLAG, AT(kv_cache_limit), 0, 0,
     "The KV cache can be full: jobs that find no room in it end with VRAM_OOM"},
    {"--metrics-interval-ms", "X", OPTION_NUMBER, AT(metrics_interval_ms), 0, 0,
     "Time between metrics events in a stream; 0 is none (default 1000)"},
    {"--no-faults", NULL, OPTION_FLAG, AT(no_faults), 0, 0,
     "Refuse requests that ask for faults (see --help-faults)"},
    {"--help", NULL, OPTION_FLAG, AT(help), 0, 0, "Show this"},
    {"--help-faults", NULL, OPTION_FLAG, AT(help_faults), 0, 0,
     "Show the faults that a request can ask for"},
    {"--version", NULL, OPTION_FLAG, AT(version), 0, 0, "Show the version"},
};
#define OPTION_COUNT (sizeof(table) / sizeof(table[0]))

static const struct option *find(struct slice name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (slice_is(name, table[i].name))
            return &table[i];
    return NULL;
}

static struct result unknown(struct slice name)
{
    const char *names[OPTION_COUNT + 1] = {NULL};
    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[i] = table[i].name;
    const char *nearest = slice_nearest(name, names);
    return error_set(ERR_USAGE, "unknown option %.*s%s%s%s", SLICE_ARG(name),
                     nearest ? "; did you mean " : " (see --help)", nearest ? nearest : "",
                     nearest ? "?" : "");
}

/* A table of times lives as long as the program. */
static struct result read_timing(const struct option *option, struct slice text, void *at)
{
    static struct arena *tables;
    struct timing timing;
    if (!tables)
        tables = arena_new();
    struct result read = timing_read(text, tables, &timing);
    if (!result_ok(read))
        return error_set(ERR_USAGE, "%s: %s", option->name,
                         arena_printf(tables, "%s", error_last()->text));
    memcpy(at, &timing, sizeof(timing));
    return RESULT_OK;
}

static struct result read_argument(const struct option *option, const char *text, void *at)
{
    uint64_t whole;
    double number;
    struct slice s = slice_str(text);
    switch (option->kind) {
    case OPTION_TEXT:
        ENSURE(s.len, ERR_USAGE, "%s: expected %s, got nothing", option->name, option->argument);
        memcpy(at, &text, sizeof(text));
        break;
    case OPTION_WHOLE:
        ENSURE(result_ok(parse_unsigned(s, option->max, &whole)) && whole >= option->min, ERR_USAGE,
               "%s: expected a whole number from %llu to %llu, got \"%s\"", option->name,
               (unsigned long long)option->min, (unsigned long long)option->max, text);
        memcpy(at, &whole, sizeof(whole));
        break;
    case OPTION_NUMBER:
        ENSURE(result_ok(parse_number(s, &number)) && number >= 0 && number <= PACE_MS_MAX,
               ERR_USAGE, "%s: expected a number such as 20 or 0.5, got \"%s\"", option->name,
               text);
        memcpy(at, &number, sizeof(number));
        break;
    case OPTION_TIMING:
        return read_timing(option, s, at);
    case OPTION_FLAG:
        memcpy(at, &(bool){true}, sizeof(bool));
        break;
    }
    return RESULT_OK;
}

/* Those this process may run on. */
static uint64_t cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < THREADS_MAX ? (uint64_t)count : THREADS_MAX;
}

struct result options_read(struct options *options, int argc, char *const *argv)
{
    *options = (struct options){
        .model = "stub",
        .host = "127.0.0.1",
        .port = 8080,
        .threads = cores(),
        .max_tokens_out = 2048,
        .kv_cache_mb = 64,
        .inference_timeout_s = 300,
        .engine_timeout_s = 30,
        .drain_timeout_s = 5,
        .metrics_interval_ms = 1000,
    };
    for (int i = 1; i < argc; i++) {
        struct slice word = slice_str(argv[i]), name = word;
        ptrdiff_t equals = slice_find_byte(word, '=');
        const char *argument = NULL;
        if (equals > 0) {
            name = slice_part(word, 0, (size_t)equals);
            argument = argv[i] + equals + 1;
        }
        const struct option *option = find(name);
        if (!option)
            return unknown(name);
        ENSURE(option->argument || !argument, ERR_USAGE, "%s takes no value", option->name);
        if (option->argument && !argument) {
            ENSURE(i + 1 < argc, ERR_USAGE, "%s: expected %s, got nothing", option->name,
                   option->argument);
            argument = argv[++i];
        }
        TRY(read_argument(option, argument, (char *)options + option->offset));
    }
    ENSURE(options->stub_mode || options->engine || options->help || options->help_faults ||
               options->version,
           ERR_USAGE, "expected --stub-mode, or --engine with a library that generates tokens");
    return RESULT_OK;
}

void options_help(FILE *to)
{
    fputs("Usage: assay-worker --stub-mode [OPTION…]\n\n"
          "The reference LLM worker: /health, /execute (an event stream), /cancel, /shutdown and\n"
          "/metrics, for testing what talks to such workers. It prints its address when ready.\n\n",
          to);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &table[i];
        char left[40];
        snprintf(left, sizeof(left), "%s%s%s", o->name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        fprintf(to, "  %-28s %s\n", left, o->help);
    }
}

bool options_text(size_t i, struct option_text *text)
{
    if (i >= OPTION_COUNT)
        return false;
    *text = (struct option_text){table[i].name, table[i].argument, table[i].help};
    return true;
}
