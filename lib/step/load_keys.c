/*
 * A row is a key: its shape, the field of struct assay_load_options it fills and how, and the
 * options that it puts out of force where it is laid on top.
 */
#include "step/load_keys.h"

#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"
#include "load/setup.h"

#define TEXTS_MAX 64 /* objectives, headers or cases in one load */

static const struct shape shape_api = {.kind = SHAPE_WORD, .words = target_api_names};
static const struct shape shape_rate_number = {.kind = SHAPE_NUMBER, .min = 0, .max = 1e7};
static const struct shape shape_seed = {.kind = SHAPE_INTEGER, .min = 0, .max = 9007199254740991.0};
static const struct shape shape_texts = {
    .kind = SHAPE_LIST, .min = 1, .max = TEXTS_MAX, .of = &shape_string};

#define EITHER(name, ...)                                                                          \
    static const struct shape name = {.kind = SHAPE_EITHER,                                        \
                                      .either = (const struct shape *const[]){__VA_ARGS__, NULL}}
EITHER(shape_rate, &shape_rate_number, &shape_string);
EITHER(shape_text_or_texts, &shape_string, &shape_texts);
EITHER(shape_body, &shape_text, &shape_any);
EITHER(shape_share, &shape_rate_number, &shape_string);
EITHER(shape_amount, &shape_rate_number, &shape_string);

static const char *const order_words[] = {"file", "shuffled", "random", NULL};
static const struct shape shape_order = {.kind = SHAPE_WORD, .words = order_words};

static const struct field threshold_fields[] = {
    {"threshold", &shape_string, .required = true, .help = "The threshold: `p(99)<200`."},
    {"abortOnFail", &shape_bool, .help = "End the load as soon as it does not hold."},
    {"delayAbortEval", &shape_duration, .help = "Look at it first after so much measured time."},
    {NULL},
};
static const struct shape shape_threshold_object = {
    .name = "threshold",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){threshold_fields, NULL}};
EITHER(shape_threshold, &shape_string, &shape_threshold_object);
static const struct shape shape_threshold_list = {
    .kind = SHAPE_LIST, .min = 1, .max = TEXTS_MAX, .of = &shape_threshold};
EITHER(shape_threshold_or_list, &shape_string, &shape_threshold_list);
static const struct shape shape_thresholds = {
    .kind = SHAPE_MAP, .min = 1, .max = TEXTS_MAX, .of = &shape_threshold_or_list};

enum load_form {
    FORM_TEXT,       /* const char *: a scalar as text */
    FORM_BODY,       /* const char *: text as it is, anything else as JSON; "@file" */
    FORM_JOINED,     /* const char *: a text, or several with commas between */
    FORM_LINES,      /* struct assay_strings: a map as "name: value" */
    FORM_LIST,       /* struct assay_strings: one or several */
    FORM_COUNT,      /* uint32_t */
    FORM_DURATION,   /* int64_t ns */
    FORM_FLAG,       /* bool */
    FORM_SEED,       /* uint64_t, and has_seed */
    FORM_PATH,       /* const char *: a file's, relative to the folder */
    FORM_THRESHOLDS, /* struct assay_strings, and those that abort */
};

/* X(key, shape, form, field, out of force, example, help) */
#define LOAD_KEYS(X)                                                                               \
    X(url, &shape_string, FORM_TEXT, url, NULL, "\"/v1/chat/completions\"",                        \
      "What to load: http://HOST[:PORT]/PATH, or a path below the service's url. A path that "     \
      "ends in /execute, /chat/completions or /completions says how its answers are read, too.")   \
    X(api, &shape_api, FORM_TEXT, api, NULL, NULL,                                                 \
      "How answers are read, when the path does not say.")                                         \
    X(stream, &shape_bool, FORM_FLAG, stream, NULL, NULL,                                          \
      "Ask for an event stream, and time its tokens.")                                             \
    X(prompt, &shape_text, FORM_TEXT, prompt, "body prompts order prompt_tokens trace suite",      \
      "\"Write a haiku\"", "What the model is asked.")                                             \
    X(model, &shape_string, FORM_TEXT, model, NULL, NULL, "The model asked for.")                  \
    X(extra, &shape_body, FORM_BODY, extra, "body", "{ \"ignore_eos\": true }",                    \
      "More for every body that is made.")                                                         \
    X(max_tokens, &shape_positive, FORM_COUNT, max_tokens, "output_tokens", "64",                  \
      "Tokens of an answer at most. Default 128.")                                                 \
    X(prompts, &shape_string, FORM_PATH, prompts, "prompt body prompt_tokens trace suite",         \
      "\"prompts.jsonl\"",                                                                         \
      "A file of prompts beside this one, .jsonl or .csv, a row for each: prompt or messages, "    \
      "and maybe max_tokens and model.")                                                           \
    X(order, &shape_order, FORM_TEXT, order, NULL, NULL,                                           \
      "Of a file's rows: file (as they stand there), shuffled, or random.")                        \
    X(prompt_tokens, &shape_amount, FORM_TEXT, prompt_tokens, "prompt body prompts trace suite",   \
      "\"normal:512,128\"",                                                                        \
      "Make prompts up, so many tokens long: 512, uniform:100..1000, normal:512,128, "             \
      "lognormal:512,400 (mean and standard deviation) or exponential:512.")                       \
    X(output_tokens, &shape_amount, FORM_TEXT, output_tokens, "max_tokens", NULL,                  \
      "As max_tokens, varying from request to request as prompt_tokens does.")                     \
    X(distinct, &shape_positive, FORM_COUNT, distinct, NULL, NULL,                                 \
      "So many different prompts are made up, default 1000; then they come again.")                \
    X(system, &shape_string, FORM_TEXT, system, NULL, NULL,                                        \
      "In front of every prompt; of a chat, the system message.")                                  \
    X(shared_prefix, &shape_positive, FORM_COUNT, shared_prefix, NULL, NULL,                       \
      "So many tokens more in front, the same for all: for a service that caches prefixes.")       \
    X(turns, &shape_amount, FORM_TEXT, turns, NULL, "5",                                           \
      "Conversations of so many questions, each sent with all that was said before: 5, "           \
      "uniform:2..8.")                                                                             \
    X(think, &shape_string, FORM_TEXT, think, NULL, "\"2s\"",                                      \
      "How long a user thinks between an answer and the next question: 2s, exponential:2s, "       \
      "lognormal:5s,3s. Default none.")                                                            \
    X(trace, &shape_string, FORM_PATH, trace,                                                      \
      "rate concurrency arrivals prompt prompts order body", NULL,                                 \
      "Open loop: requests as they were recorded in a file beside this one, .jsonl or .csv, with " \
      "their times and lengths.")                                                                  \
    X(speed, &shape_amount, FORM_TEXT, speed, NULL, NULL,                                          \
      "Replay a trace so many times as fast. Default 1.")                                          \
    X(suite, &shape_string, FORM_PATH, suite, "prompt body prompts order prompt_tokens trace",     \
      NULL,                                                                                        \
      "A suite beside this file: ask what its cases ask that are one request, one after the "      \
      "other. They go to url, or to the suite's service, which is started.")                       \
    X(case, &shape_text_or_texts, FORM_LIST, cases, NULL, "\"says hi\"",                           \
      "Only these cases of the suite, by id.")                                                     \
    X(check, &shape_share, FORM_TEXT, check, NULL, "\"all\"",                                      \
      "How many answers the checks of their cases are made of: all, none, or a share such as "     \
      "\"1%\". Default 5%.")                                                                       \
    X(http2, &shape_bool, FORM_FLAG, http2, NULL, NULL,                                            \
      "Speak HTTP/2: with https as agreed on (ALPN), with http by prior knowledge.")               \
    X(streams, &shape_positive, FORM_COUNT, max_streams, NULL, NULL,                               \
      "With http2: at most so many requests at a time on a connection. Default 100.")              \
    X(cacert, &shape_string, FORM_PATH, cacert, NULL, NULL,                                        \
      "https: trust the authorities of this PEM file, not the system's.")                          \
    X(insecure, &shape_bool, FORM_FLAG, insecure, NULL, NULL,                                      \
      "https: take any certificate. The results say so.")                                          \
    X(tls_no_resume, &shape_bool, FORM_FLAG, tls_no_resume, NULL, NULL,                            \
      "https: every connection makes a whole handshake; none resumes a session.")                  \
    X(method, &shape_string, FORM_TEXT, method, NULL, NULL,                                        \
      "The method. Default: POST with a body, else GET.")                                          \
    X(headers, &shape_string_map, FORM_LINES, headers, NULL,                                       \
      "{ \"Authorization\": \"Bearer ${key}\" }", "Request headers.")                              \
    X(body, &shape_body, FORM_BODY, body, "prompt prompts order prompt_tokens trace suite",        \
      "{ \"n\": 1 }",                                                                              \
      "The body: text as it is, anything else as JSON; \"@PATH\" sends a file. Default: what the " \
      "API has for the prompt.")                                                                   \
    X(rate, &shape_rate, FORM_TEXT, rate, "concurrency trace", "\"10..100\"",                      \
      "Open loop: requests a second that start whatever becomes of the others. 500; a ramp "       \
      "\"10..100\"; steps \"100,200,400\", each as long as the others.")                           \
    X(concurrency, &shape_positive, FORM_COUNT, concurrency, "rate arrivals connections trace",    \
      "8",                                                                                         \
      "Closed loop: so many users, each of whom asks again when answered. Default 1, without "     \
      "rate.")                                                                                     \
    X(arrivals, &shape_string, FORM_TEXT, arrivals, NULL, "\"constant\"",                          \
      "How requests scatter around the rate: poisson (the default), constant, or gamma:SHAPE "     \
      "(below 1: bursts).")                                                                        \
    X(duration, &shape_duration, FORM_DURATION, duration_ns, NULL, "\"30s\"",                      \
      "How long is measured. Default 10s.")                                                        \
    X(warmup, &shape_duration, FORM_DURATION, warmup_ns, NULL, NULL,                               \
      "Load before that, which does not count. Default none.")                                     \
    X(drain, &shape_duration, FORM_DURATION, drain_ns, NULL, NULL,                                 \
      "How long answers under way are waited for after that. Default 10s.")                        \
    X(timeout, &shape_duration, FORM_DURATION, timeout_ns, NULL, NULL,                             \
      "Time limit of one request. Default 60s.")                                                   \
    X(connections, &shape_positive, FORM_COUNT, connections, NULL, NULL,                           \
      "With rate: at most so many connections. Default 1024. A request that finds none free "      \
      "waits, and its latency counts from when it should have started.")                           \
    X(threads, &shape_positive, FORM_COUNT, threads, NULL, NULL,                                   \
      "Threads that make the load. Default 1.")                                                    \
    X(seed, &shape_seed, FORM_SEED, seed, NULL, "1",                                               \
      "Repeats a schedule to the nanosecond. Default: a fresh one, which is shown.")               \
    X(lag, &shape_duration, FORM_DURATION, lag_ns, NULL, NULL,                                     \
      "How late 99 % of what assay itself does may be before the load is invalid. Default 1ms.")   \
    X(slo, &shape_text_or_texts, FORM_JOINED, slo, NULL,                                           \
      "[\"ttft p99 < 200ms\", \"errors < 1%\"]",                                                   \
      "What must hold: QUANTITY STATISTIC COMPARISON VALUE, one or a list.")                       \
    X(thresholds, &shape_thresholds, FORM_THRESHOLDS, thresholds, NULL,                            \
      "{ \"ttft\": [\"p(99)<200\"], \"errors\": [\"rate<0.01\"] }",                                \
      "What must hold, as k6 writes it: thresholds by metric; times are milliseconds.")            \
    X(search, &shape_string, FORM_TEXT, search, "sweep rate concurrency", "\"rate:1..500\"",       \
      "Only of assay load: look for the greatest load that holds slo.")                            \
    X(sweep, &shape_string, FORM_TEXT, sweep, "search rate concurrency", "\"10..1000/8\"",         \
      "Only of assay load: so many loads, each by the same ratio above the one before.")

const struct field load_fields[] = {
#define X(key, shape, form, field, out, example, help) {#key, shape, false, help, example},
    LOAD_KEYS(X)
#undef X
        {NULL},
};

/* What loads of a scenario share would be told once for each. */
static bool told(const struct diagnostics *d, struct place at, const char *text)
{
    for (const struct diagnostic *one = d->first; one; one = one->next)
        if (one->at.line == at.line && one->at.column == at.column && strcmp(one->text, text) == 0)
            return true;
    return false;
}

/* Values that no shape describes: rates, objectives, and what does not go together. */
static void check_options(const struct node *load, struct diagnostics *d)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct assay_load_options options;
    struct result result = load_keys_read(arena, load, SLICE("."), &options);
    if (result_ok(result))
        result = setup_check(&options);
    result = load_keys_blame(load, NULL, result);
    if (!result_ok(result) && !told(d, error_last()->place, error_last()->text))
        diagnose_error(d, load->at);
}

static void check_load(const struct node *load, struct diagnostics *d)
{
    if (!node_get(load, "url") && !node_get(load, "suite"))
        diagnose(d, load->at, "a load does not say what is loaded")->hint =
            "give a \"url\", or a \"suite\" whose cases are to be asked";
    else if (!load->has_template)
        check_options(load, d);
}

const struct shape load_shape = {
    .name = "load step",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){load_fields, NULL},
    .help = "Load on a service, measured; docs/load.md defines every number. Keys are the options "
            "of `assay load`.",
    .check = check_load,
};

/* A key and the field of the options that it fills. */
struct load_key {
    const char *name;
    enum load_form form;
    size_t offset, size;
    const char *displaces; /* keys with blanks between, or NULL */
};

static const struct load_key keys[] = {
#define X(key, shape, form, field, out, example, help)                                             \
    {#key, form, offsetof(struct assay_load_options, field),                                       \
     sizeof(((struct assay_load_options *)NULL)->field), out},
    LOAD_KEYS(X)
#undef X
        {NULL},
};

static void *at(struct assay_load_options *o, const struct load_key *key)
{
    return (char *)o + key->offset;
}

/* ── reading ── */

static const char *path_text(struct arena *arena, struct slice path, struct slice folder)
{
    if (slice_starts(path, SLICE("/")) || slice_is(folder, "."))
        return arena_string(arena, path);
    return arena_printf(arena, "%.*s/%.*s", SLICE_ARG(folder), SLICE_ARG(path));
}

static const char *body_text(struct arena *arena, const struct node *value, struct slice folder)
{
    struct slice text = node_text(arena, value);
    if (value->kind != NODE_STRING || !slice_starts(text, SLICE("@")))
        return arena_string(arena, text);
    return arena_printf(arena, "@%s", path_text(arena, slice_from(text, 1), folder));
}

static const char *joined(struct arena *arena, const struct node *value)
{
    struct text t = text_in(arena);
    if (value->kind != NODE_LIST)
        return arena_string(arena, node_text(arena, value));
    for (size_t i = 0; i < value->count; i++) {
        text_add_str(&t, i ? ", " : "");
        text_add(&t, node_text(arena, value->items[i]));
    }
    return text_str(&t);
}

static struct assay_strings list(struct arena *arena, const struct node *value)
{
    bool several = value->kind == NODE_LIST;
    size_t count = several ? value->count : 1;
    const char **items = ARENA_ARRAY(arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        items[i] = arena_string(arena, node_text(arena, several ? value->items[i] : value));
    return (struct assay_strings){items, count};
}

static struct assay_strings lines(struct arena *arena, const struct node *map)
{
    const char **items = ARENA_ARRAY(arena, const char *, map->count + 1);
    for (size_t i = 0; i < map->count; i++)
        items[i] = arena_printf(arena, "%.*s: %.*s", SLICE_ARG(map->entries[i].key),
                                SLICE_ARG(node_text(arena, map->entries[i].value)));
    return (struct assay_strings){items, map->count};
}

/* "METRIC: THRESHOLD" into the list it belongs to. */
static void add_threshold(struct arena *arena, struct slice metric, const struct node *node,
                          const char **holds, const char **aborts, struct assay_load_options *out)
{
    const struct node *text = node->kind == NODE_MAP ? node_get(node, "threshold") : node,
                      *delay = node_get(node, "delayAbortEval");
    const char *line =
        arena_printf(arena, "%.*s: %.*s", SLICE_ARG(metric), SLICE_ARG(node_text(arena, text)));
    if (!node_boolean(node_get(node, "abortOnFail"), false)) {
        holds[out->thresholds.count++] = line;
        return;
    }
    if (delay)
        line = arena_printf(arena, "%s after %.*s", line, SLICE_ARG(node_text(arena, delay)));
    aborts[out->aborts.count++] = line;
}

static void read_thresholds(struct arena *arena, const struct node *map,
                            struct assay_load_options *out)
{
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++)
        count += map->entries[i].value->kind == NODE_LIST ? map->entries[i].value->count : 1;
    const char **holds = ARENA_ARRAY(arena, const char *, count + 1),
               **aborts = ARENA_ARRAY(arena, const char *, count + 1);
    out->thresholds = (struct assay_strings){holds, 0};
    out->aborts = (struct assay_strings){aborts, 0};
    for (size_t i = 0; i < map->count; i++) {
        const struct node *value = map->entries[i].value;
        bool list = value->kind == NODE_LIST;
        for (size_t k = 0; k < (list ? value->count : 1); k++)
            add_threshold(arena, map->entries[i].key, list ? value->items[k] : value, holds, aborts,
                          out);
    }
}

static struct result read_key(struct arena *arena, const struct load_key *key,
                              const struct node *value, struct slice folder,
                              struct assay_load_options *out)
{
    void *field = at(out, key);
    switch (key->form) {
    case FORM_TEXT:
        *(const char **)field = arena_string(arena, node_text(arena, value));
        break;
    case FORM_BODY:
        *(const char **)field = body_text(arena, value, folder);
        break;
    case FORM_JOINED:
        *(const char **)field = joined(arena, value);
        break;
    case FORM_LINES:
        *(struct assay_strings *)field = lines(arena, value);
        break;
    case FORM_LIST:
        *(struct assay_strings *)field = list(arena, value);
        break;
    case FORM_COUNT:
        ENSURE(node_integer(value, 0) <= UINT32_MAX, ERR_VALUE, "%s: at most %u", key->name,
               UINT32_MAX);
        *(uint32_t *)field = (uint32_t)node_integer(value, 0);
        break;
    case FORM_DURATION:
        *(int64_t *)field = node_duration(value, 0);
        break;
    case FORM_FLAG:
        *(bool *)field = node_boolean(value, false);
        break;
    case FORM_SEED:
        out->has_seed = true;
        *(uint64_t *)field = (uint64_t)node_integer(value, 0);
        break;
    case FORM_PATH:
        *(const char **)field = path_text(arena, node_text(arena, value), folder);
        break;
    case FORM_THRESHOLDS:
        read_thresholds(arena, value, out);
        break;
    }
    return RESULT_OK;
}

struct result load_keys_read(struct arena *arena, const struct node *load, struct slice folder,
                             struct assay_load_options *out)
{
    *out = (struct assay_load_options){0};
    for (const struct load_key *key = keys; key->name; key++) {
        const struct node *value = node_get(load, key->name);
        struct result r = value ? read_key(arena, key, value, folder, out) : RESULT_OK;
        if (!result_ok(r))
            return error_at(r.code, value->at, "%s", error_last()->text);
    }
    return RESULT_OK;
}

/* ── laying ── */

static bool given(const struct assay_load_options *o, const struct load_key *key)
{
    const char *field = (const char *)o + key->offset;
    if (key->form == FORM_SEED)
        return o->has_seed;
    for (size_t i = 0; i < key->size; i++)
        if (field[i])
            return true;
    return false;
}

static void displace(struct assay_load_options *o, const char *names)
{
    struct slice rest = slice_str(names), name = {0};
    while (slice_split(&rest, ' ', &name))
        for (const struct load_key *key = keys; key->name; key++)
            if (slice_is(name, key->name))
                memset(at(o, key), 0, key->size);
}

void load_keys_lay(const struct assay_load_options *over, struct assay_load_options *under)
{
    for (const struct load_key *key = keys; key->name; key++)
        if (given(over, key) && key->displaces)
            displace(under, key->displaces);
    for (const struct load_key *key = keys; key->name; key++) {
        if (!given(over, key))
            continue;
        memcpy(at(under, key), (const char *)over + key->offset, key->size);
        if (key->form == FORM_SEED)
            under->has_seed = true;
    }
}

static bool displaced(const struct node *over, struct slice name)
{
    for (const struct load_key *key = keys; key->name; key++) {
        struct slice rest = slice_str(key->displaces ? key->displaces : ""), other = {0};
        while (node_get(over, key->name) && slice_split(&rest, ' ', &other))
            if (slice_eq(other, name))
                return true;
    }
    return false;
}

const struct node *load_keys_merge(struct arena *arena, const struct node *under,
                                   const struct node *over)
{
    struct node left = *under;
    struct node_entry *entries = ARENA_ARRAY(arena, struct node_entry, under->count + 1);
    left.count = 0;
    left.entries = entries;
    if (under == over)
        return over;
    for (size_t i = 0; i < under->count; i++)
        if (!displaced(over, under->entries[i].key))
            entries[left.count++] = under->entries[i];
    return node_merge(arena, &left, over);
}

int64_t load_keys_duration(const struct node *load)
{
    static const struct {
        const char *key;
        int64_t absent;
    } parts[] = {{"warmup", 0}, {"duration", SETUP_DURATION}, {"drain", SETUP_DRAIN}};
    int64_t total = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct node *value = node_get(load, parts[i].key);
        if (value && value->has_template)
            return CLOCK_NEVER;
        int64_t takes = node_duration(value, parts[i].absent);
        if (takes > SETUP_LONGEST) /* it is refused elsewhere */
            return CLOCK_NEVER;
        total += takes;
    }
    return total;
}

/* ── blaming ── */

/* The key of an option: "max-tokens" is max_tokens, "header" is headers. */
static bool names_key(struct slice option, const char *key)
{
    struct slice name = slice_str(key);
    if (name.len == option.len + 1 && name.data[option.len] == 's')
        name.len--;
    if (name.len != option.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (option.data[i] != (name.data[i] == '_' ? '-' : name.data[i]))
            return false;
    return true;
}

/* The entry of a load that an option ("max-tokens") stands for; NULL: it has none. */
static const struct node_entry *entry_of(const struct node *load, struct slice option)
{
    for (const struct load_key *key = keys; key->name; key++)
        for (size_t i = 0; names_key(option, key->name) && i < load->count; i++)
            if (slice_is(load->entries[i].key, key->name))
                return &load->entries[i];
    return NULL;
}

static bool given_by_name(const struct assay_load_options *o, struct slice option)
{
    for (const struct load_key *key = keys; o && key->name; key++)
        if (names_key(option, key->name) && given(o, key))
            return true;
    return false;
}

/* Options of a sentence as keys of the file, which have no dashes. */
static const char *with_keys(struct arena *arena, struct slice text, const struct node *load)
{
    struct text t = text_in(arena);
    while (text.len > 0) {
        size_t name = slice_starts(text, SLICE("--")) ? 2 : 0;
        size_t end = name ? name + strcspn(text.data + name, " :,;()") : 1;
        const struct node_entry *entry =
            name ? entry_of(load, slice_part(text, name, end - name)) : NULL;
        text_add(&t, entry ? entry->key : slice_part(text, 0, end));
        text = slice_from(text, end);
    }
    return text_str(&t);
}

struct result load_keys_blame(const struct node *load, const struct assay_load_options *over,
                              struct result result)
{
    if (result_ok(result) || error_last()->place.source)
        return result;
    struct slice text = slice_str(error_last()->text);
    bool option = slice_starts(text, SLICE("--"));
    struct slice name = option ? slice_part(text, 2, strcspn(text.data + 2, " :"))
                               : slice_str(result.code == ERR_CONNECT ? "url" : "");
    if (given_by_name(over, name))
        return result;
    const struct node_entry *entry = entry_of(load, name);
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    return error_at(result.code, entry ? entry->value->at : load->at, "%s",
                    with_keys(arena, text, load));
}
