/*
 * The suite format, row by row. What a key means stands here and nowhere else.
 */
#include "plan/keys.h"

#include "check/check.h"
#include "check/match.h"
#include "core/limits.h"
#include "service/process.h"
#include "step/load_keys.h"
#include "step/models.h"
#include "step/save.h"
#include "step/step.h"

static const struct shape shape_priority = {.kind = SHAPE_INTEGER, .min = 0, .max = 10};
static const struct shape shape_parallel = {.kind = SHAPE_INTEGER, .min = 1, .max = 10000};
static const struct shape shape_repeat = {.kind = SHAPE_INTEGER, .min = 1, .max = 1000000};
static const struct shape shape_attempts = {.kind = SHAPE_INTEGER, .min = 1, .max = 100};
static const struct shape shape_fraction = {.kind = SHAPE_NUMBER, .min = 0, .max = 1};
static const struct shape shape_factor = {.kind = SHAPE_NUMBER, .min = 1, .max = 100};
static const struct shape shape_port_number = {.kind = SHAPE_INTEGER, .min = 1, .max = 65535};
static const struct shape shape_status_code = {.kind = SHAPE_INTEGER, .min = 100, .max = 599};
static const struct shape shape_seed = {.kind = SHAPE_INTEGER, .min = 0, .max = 9007199254740991.0};
static const struct shape shape_any_list = {
    .kind = SHAPE_LIST, .min = 1, .max = 1000000, .of = &shape_any};
static const struct shape shape_save = {
    .kind = SHAPE_MAP, .of = &shape_string, .check = save_check};
static const struct shape shape_string_or_strings = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_string, &shape_strings, NULL}};

/* ── services ── */

static const char *const scope_words[] = {"suite", "case", NULL};
static const struct shape shape_scope = {.kind = SHAPE_WORD, .words = scope_words};

static const struct field ready_fields[] = {
    {"http", &shape_string,
     .help = "Ready when GET of this path (or URL) answers with a 2xx status, or with `status`.",
     .example = "\"/health\""},
    {"status", &shape_status_code, .help = "With `http`: the status that means ready."},
    {"tcp", &shape_bool, .help = "Ready when its port accepts a connection."},
    {"log", &shape_regex, .help = "Ready when a line of its output matches.",
     .example = "\"listening on\""},
    {"command", &shape_arguments, .help = "Ready when this program exits with status 0."},
    {"within", &shape_duration, .help = "How long it may take. Default 30s."},
    {NULL},
};

static void check_ready(const struct node *ready, struct diagnostics *d)
{
    static const char *const kinds[] = {"http", "tcp", "log", "command", NULL};
    size_t found = 0;
    for (size_t i = 0; kinds[i]; i++)
        found += node_get(ready, kinds[i]) != NULL;
    if (found > 1)
        diagnose(d, ready->at, "ready has one of http, tcp, log and command, not %zu of them",
                 found);
    if (node_get(ready, "status") && !node_get(ready, "http"))
        diagnose(d, node_get(ready, "status")->at, "status needs http");
}

static const struct shape shape_ready = {
    .name = "ready",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){ready_fields, NULL},
    .help = "How to tell that a service is ready. It is asked from 5 ms after the start on, more "
            "and more "
            "seldom. Without it, a service with a port is ready when the port accepts connections.",
    .check = check_ready,
};

static const struct field port_fields[] = {
    {"pattern", &shape_regex, .required = true,
     .help = "The service chooses its port and prints it: the first group of this pattern in its "
             "output.",
     .example = "\"listening on .*:(\\\\d+)\""},
    {NULL},
};
static const struct shape shape_port_pattern = {
    .name = "port",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){port_fields, NULL}};
static const struct shape shape_port = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_port_number, &shape_port_pattern, NULL}};

static void check_signal(const struct node *signal, struct diagnostics *d)
{
    int number;
    if (!result_ok(process_signal_named(signal->string, &number)))
        diagnose_error(d, signal->at);
}

static const struct shape shape_signal = {
    .kind = SHAPE_STRING, .min = 1, .max = 0, .check = check_signal};

static const struct field stop_fields[] = {
    {"signal", &shape_signal, .help = "The signal that asks it to end. Default SIGTERM.",
     .example = "\"SIGINT\""},
    {"within", &shape_duration, .help = "How long it may take before it is killed. Default 5s."},
    {NULL},
};
static const struct shape shape_stop = {.name = "stop",
                                        .kind = SHAPE_OBJECT,
                                        .fields = (const struct field *const[]){stop_fields, NULL},
                                        .help = "How a service is ended."};

static const struct field service_fields[] = {
    {"command", &shape_arguments,
     .help = "The program and its arguments. `${port}` is a free port chosen for it. Without a "
             "command the service runs elsewhere and is never started or stopped.",
     .example = "[\"my-server\", \"--port\", \"${port}\"]"},
    {"env", &shape_string_map, .help = "Environment variables, on top of the inherited ones."},
    {"cwd", &shape_string, .help = "Where it runs. Default: the folder of the suite."},
    {"url", &shape_string,
     .help =
         "Where it answers; paths of steps are put behind it. Default `http://127.0.0.1:${port}`."},
    {"running", &shape_text,
     .help =
         "Where it runs already. With a value that is not empty, nothing is started and this is "
         "the url.",
     .example = "\"${url}\""},
    {"port", &shape_port,
     .help = "A fixed port, or how to read it from the output. Default: a free one."},
    {"ready", &shape_ready, .help = "How to tell that it is ready."},
    {"stop", &shape_stop, .help = "How it is ended."},
    {"scope", &shape_scope,
     .help = "`suite` (one for all cases, the default) or `case` (a fresh one for every attempt at "
             "a case)."},
    {"log", &shape_string,
     .help = "A file its output is appended to. What is needed for evidence is kept anyway."},
    {NULL},
};

static void check_service(const struct node *service, struct diagnostics *d)
{
    if (!node_get(service, "command") && !node_get(service, "url"))
        diagnose(d, service->at,
                 "a service needs a command (to be started) or a url (when it runs elsewhere)");
    static const char *const only_ours[] = {"env",  "cwd",   "running", "port",
                                            "stop", "scope", "log",     NULL};
    for (size_t i = 0; only_ours[i] && !node_get(service, "command"); i++)
        if (node_get(service, only_ours[i]))
            diagnose(d, node_get(service, only_ours[i])->at,
                     "%s needs a command: a service that runs elsewhere is not started here",
                     only_ours[i]);
}

static const struct shape shape_service = {
    .name = "service",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){service_fields, NULL},
    .help = "A service under test: started, watched and stopped by assay, or running elsewhere.",
    .check = check_service,
};
static const struct shape shape_services = {.kind = SHAPE_MAP, .of = &shape_service};

/* ── cases ── */

static const char *const status_words[] = {"failed", "error", "timeout", NULL};
static const struct shape shape_retry_on = {.kind = SHAPE_WORD, .words = status_words};
static const struct shape shape_retry_list = {
    .kind = SHAPE_LIST, .min = 1, .max = 3, .of = &shape_retry_on};

static const struct field retry_fields[] = {
    {"attempts", &shape_attempts, .required = true,
     .help = "How often it may be tried in all, the first time included.", .example = "3"},
    {"backoff", &shape_duration,
     .help = "Wait before the second attempt; longer before each further one (`factor`). Default "
             "100ms."},
    {"factor", &shape_factor, .help = "Each wait is so many times the one before. Default 2."},
    {"backoff_max", &shape_duration, .help = "The longest wait. Default 60s."},
    {"jitter", &shape_fraction, .help = "Each wait is drawn from ± this share of it. Default 0.1."},
    {"on", &shape_retry_list, .help = "After what it is tried again. Default all.",
     .example = "[\"error\", \"timeout\"]"},
    {NULL},
};
static const struct shape shape_retry_object = {
    .name = "retry",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){retry_fields, NULL},
    .help = "Try a case again. A pass that is not the first attempt is flagged flaky."};
static const struct shape shape_retry = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_attempts, &shape_retry_object, NULL}};

static const struct field each_fields[] = {
    {"file", &shape_string, .required = true,
     .help = "A CSV file with a head line, or JSON lines (`.jsonl`), relative to the suite."},
    {NULL},
};
static const struct shape shape_each_object = {
    .name = "each",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){each_fields, NULL}};
static const struct shape shape_each = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_string, &shape_each_object, NULL}};

static const struct field skip_fields[] = {
    {"unless", &shape_any,
     .help =
         "Not skipped when this is true (anything but false, null, 0, \"\", \"0\" and \"false\").",
     .example = "\"${env.HAVE_GPU:-}\""},
    {"reason", &shape_string, .required = true, .help = "Why; shown in every report."},
    {NULL},
};
static const struct shape shape_skip = {.name = "skip",
                                        .kind = SHAPE_OBJECT,
                                        .fields = (const struct field *const[]){skip_fields, NULL},
                                        .help = "Do not run the case, and say why."};

static const struct shape shape_range_integer = {
    .kind = SHAPE_INTEGER, .min = -9007199254740991.0, .max = 9007199254740991.0};
static const struct shape shape_range_number = {.kind = SHAPE_NUMBER, .min = -1e300, .max = 1e300};
static const struct shape shape_integer_pair = {
    .kind = SHAPE_LIST, .min = 2, .max = 2, .of = &shape_range_integer};
static const struct shape shape_number_pair = {
    .kind = SHAPE_LIST, .min = 2, .max = 2, .of = &shape_range_number};
/* Longer ones would take more memory than a machine has, and shrink for hours. */
static const struct shape shape_length = {.kind = SHAPE_INTEGER, .min = 0, .max = 100000};
static const struct shape shape_length_pair = {
    .kind = SHAPE_LIST, .min = 2, .max = 2, .of = &shape_length};
static const struct field generator_fields[] = {
    {"int", &shape_integer_pair,
     .help = "A whole number between two, both included. Shrinks towards zero or the nearer bound.",
     .example = "[1, 512]"},
    {"float", &shape_number_pair, .help = "A number between two. Shrinks like `int`.",
     .example = "[0, 1]"},
    {"bool", &shape_bool, .help = "true or false. Shrinks to false.", .example = "true"},
    {"choice", &shape_any_list, .help = "One of these. Shrinks towards the first.",
     .example = "[\"a\", \"b\"]"},
    {"text", &shape_length_pair,
     .help = "Text of so many characters, from every part of Unicode. Shrinks to shorter and "
             "plainer text.",
     .example = "[0, 200]"},
    {"list", &shape_length_pair,
     .help = "A list of so many values of `of`. Shrinks to a shorter list of smaller values.",
     .example = "[0, 10]"},
    {"of", &shape_object, .help = "With `list`: the generator of its values.",
     .example = "{ \"int\": [0, 9] }"},
    {NULL},
};

static void check_generator(const struct node *generator, struct diagnostics *d);

static const struct shape shape_generator = {
    .name = "generator",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){generator_fields, NULL},
    .help = "How to make up a value. A failure is shrunk to the smallest values that still fail.",
    .check = check_generator,
};

static void check_generator(const struct node *generator, struct diagnostics *d)
{
    static const char *const kinds[] = {"int", "float", "bool", "choice", "text", "list", NULL};
    size_t found = 0;
    for (size_t i = 0; kinds[i]; i++) {
        const struct node *value = node_get(generator, kinds[i]);
        found += value != NULL;
        bool pair = value && value->kind == NODE_LIST && value->count == 2 &&
                    !value->has_template && i != 3;
        if (pair && node_number(value->items[0], 0) > node_number(value->items[1], 0))
            diagnose(d, value->at, "the first bound is above the second");
    }
    if (found != 1)
        diagnose(d, generator->at,
                 "a generator has exactly one of int, float, bool, choice, text and list");
    if ((node_get(generator, "list") != NULL) != (node_get(generator, "of") != NULL))
        diagnose(d, generator->at,
                 "list and of go together: { \"list\": [0, 10], \"of\": { \"int\": [0, 9] } }");
    else if (node_get(generator, "of"))
        shape_check(&shape_generator, node_get(generator, "of"), d);
}

static const struct shape shape_given = {
    .kind = SHAPE_MAP, .min = 1, .max = 100, .of = &shape_generator};
static const struct shape shape_matrix = {
    .kind = SHAPE_MAP, .min = 1, .max = 100, .of = &shape_any_list};
static const struct shape shape_uses = {.kind = SHAPE_MAP, .of = &shape_positive};

static const struct field case_fields[] = {
    {"id", &shape_string, .required = true,
     .help = "Names the case; unique in the suite. A sentence is a good name."},
    {"describe", &shape_text, .help = "What it is for, for people."},
    {"tags", &shape_strings,
     .help = "For choosing cases with --tag and --filter. Cases with `area:NAME` are summed up by "
             "area."},
    {"model", &shape_string, .help = "The model it is about; reports are broken down by it."},
    {"priority", &shape_priority, .help = "0 to 10; higher ones begin first. Default 5."},
    {"needs", &shape_string_or_strings,
     .help = "Cases of this suite that must have passed; otherwise this one is skipped."},
    {"uses", &shape_uses, .help = "How much of each named resource it holds while it runs.",
     .example = "{ \"gpu\": 1 }"},
    {"slow", &shape_duration, .help = "Taking longer than this flags it slow; it does not fail."},
    {"estimate", &shape_duration,
     .help = "How long it usually takes, for planning before there is any history."},
    {"retry", &shape_retry,
     .help = "Try again when it does not pass: a number of attempts, or more exactly."},
    {"repeat", &shape_repeat,
     .help = "Run it so many times, one after another; every time counts (see `pass_rate`)."},
    {"matrix", &shape_matrix, .help = "A case for every combination of these values.",
     .example = "{ \"opt\": [\"O0\", \"O2\"], \"simd\": [true, false] }"},
    {"each", &shape_each,
     .help = "A case for every row of a file; its columns are names for `${…}`."},
    {"given", &shape_given, .help = "Generated values, by name.",
     .example = "{ \"n\": { \"int\": [1, 512] } }"},
    {"examples", &shape_repeat, .help = "How many generated examples are tried. Default 100."},
    {"seed", &shape_seed, .help = "Seed of the generated values. Default: that of the run."},
    {"skip", &shape_skip, .help = "Do not run it, and say why."},
    {"enabled", &shape_bool, .help = "false skips it."},
    {"isolate", &shape_bool,
     .help = "Nothing else runs at the same time. Default false; true for a case with a load."},
    {NULL},
};

/* What a step of `steps` and a case that is its own step share. */
static const char *const during_words =
    "Steps that run while this one does, once it has shown so much.";

static const struct field steps_only_fields[] = {
    {"name", &shape_string, .help = "Shown in reports instead of what it does."},
    {NULL},
};

static const struct field default_fields[] = {
    {"service", &shape_string, .help = "The service that paths of steps go to."},
    {"timeout", &shape_duration, .help = "Time limit of one attempt at a case."},
    {"slow", &shape_duration, .help = "Taking longer flags a case slow."},
    {"retry", &shape_retry, .help = "Try again."},
    {"priority", &shape_priority, .help = "0 to 10."},
    {"tags", &shape_strings, .help = "Tags of every case, beside its own."},
    {"uses", &shape_uses, .help = "Resources of every case."},
    {"model", &shape_string, .help = "The model the cases are about."},
    {NULL},
};
static const struct shape shape_defaults = {.name = "defaults",
                                            .kind = SHAPE_OBJECT,
                                            .fields =
                                                (const struct field *const[]){default_fields, NULL},
                                            .help = "For every case that does not say otherwise."};

/* ── put together ── */

static const struct field *kind_fields(struct arena *arena)
{
    size_t count = 0;
    while (step_kinds[count])
        count++;
    struct field *fields = ARENA_ARRAY(arena, struct field, count + 1);
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct field){step_kinds[i]->name, step_kinds[i]->shape, false,
                                   step_kinds[i]->help, step_kinds[i]->example};
    return fields;
}

/* A key that means nothing without one of two others. */
static void check_alone(const struct node *map, const char *key, const char *other,
                        const char *other_too, const char *why, struct diagnostics *d)
{
    const struct node_entry *entry = node_entry(map, key);
    if (entry && !node_get(map, other) && !(other_too && node_get(map, other_too)))
        diagnose(d, entry->key_at, "%s needs %s%s%s: %s", key, other, other_too ? " or " : "",
                 other_too ? other_too : "", why);
}

/* A pass rate that holds whether no execution passes or all of them. */
static bool cannot_fail(const struct node *rate, int64_t trials)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    if (rate->has_template)
        return false;
    for (int64_t passed = 0; passed <= trials; passed += trials) {
        json_t *share = jsontext_keep(arena, json_real((double)passed / (double)trials));
        if (!match_holds(arena, rate, share, UNIT_NONE))
            return false;
    }
    return true;
}

/* How often a case is run: repeat, parallel, given, and what is made of it. */
static void check_trials(const struct node *step, bool is_case, struct diagnostics *d)
{
    const struct node *given = node_get(step, "given"), *repeat = node_get(step, "repeat"),
                      *parallel = node_get(step, "parallel");
    const struct node_entry *rate = node_entry(node_get(step, "expect"), "pass_rate"),
                            *until_rate = node_entry(node_get(step, "until"), "pass_rate");
    int64_t trials = node_integer(repeat, 1) * node_integer(parallel, 1);
    check_alone(step, "examples", "given", NULL, "what to make up", d);
    check_alone(step, "seed", "given", NULL, "it is the seed of generated values", d);
    if (given && (repeat || parallel))
        diagnose(d, given->at, "given excludes repeat and parallel: its examples are the trials");
    if (given && rate)
        diagnose(
            d, rate->key_at,
            "given excludes pass_rate: an example that fails is made smaller and fails the case");
    else if (rate && !parallel && !repeat)
        diagnose(d, rate->key_at, "pass_rate needs %sparallel: it is about several executions",
                 is_case ? "repeat or " : "");
    if (rate && trials <= (int64_t)shape_repeat.max && cannot_fail(rate->value, trials))
        diagnose(d, rate->value->at, "the pass rate holds even when nothing passes")->hint =
            "say how many must pass, for example \">=0.9\"";
    if (until_rate)
        diagnose(d, until_rate->key_at, "pass_rate cannot be waited for: one try gives one answer");
    if (is_case && trials > (int64_t)shape_repeat.max)
        diagnose(d, (repeat ? repeat : step)->at,
                 "%lld times, %lld at once, are %lld trials; a case has at most %.0f",
                 (long long)node_integer(repeat, 1), (long long)node_integer(parallel, 1),
                 (long long)trials, shape_repeat.max);
}

/* Steps during a step: they begin at one point, which it must be able to reach. */
static void check_during(const struct node *step, const struct step_kind *kind,
                         struct diagnostics *d)
{
    const struct node *during = node_get(step, "during"), *steps = node_get(during, "steps");
    const struct node_entry *tokens = node_entry(during, "tokens"),
                            *events = node_entry(during, "events"),
                            *after = node_entry(during, "after");
    if (!during)
        return;
    if ((tokens != NULL) + (events != NULL) + (after != NULL) > 1)
        diagnose(d, during->at, "during begins at one of tokens, events and after, not at several");
    if (kind && tokens && !(kind->yields & OBSERVED_TOKENS))
        diagnose(d, tokens->key_at, "tokens can never be seen in the step %s", kind->name);
    if (kind && events && !(kind->yields & OBSERVED_EVENTS))
        diagnose(d, events->key_at, "events can never be seen in the step %s", kind->name);
    for (size_t i = 0; i < steps->count; i++)
        if (node_entry(steps->items[i], "parallel"))
            diagnose(d, node_entry(steps->items[i], "parallel")->key_at,
                     "a step during another one runs once: parallel is not possible here");
}

/* What belongs to a step means nothing on a case with several. */
static void check_no_step_keys(const struct node *node, struct diagnostics *d)
{
    static const char *const keys[] = {"until", "every", "within", "save", "during", NULL};
    for (size_t i = 0; keys[i]; i++)
        if (node_entry(node, keys[i]))
            diagnose(d, node_entry(node, keys[i])->key_at,
                     "%s belongs to a step; this case has steps: put it into one of them", keys[i]);
}

static void check_step(const struct node *step, struct diagnostics *d)
{
    size_t found = 0;
    for (size_t i = 0; step_kinds[i]; i++)
        found += node_get(step, step_kinds[i]->name) != NULL;
    bool is_case = node_get(step, "id") != NULL, has_steps = node_get(step, "steps") != NULL;
    if (is_case && has_steps && found > 0)
        diagnose(d, step->at, "a case has either steps or a step of its own, not both");
    if (found > 1)
        diagnose(d, step->at, "a step is of one kind; this one is of %zu", found);
    if (found == 0 && !(is_case && has_steps)) {
        struct diagnostic *fault =
            diagnose(d, step->at,
                     is_case ? "the case does nothing: it has no step and no steps"
                             : "the step does nothing");
        fault->hint = "add one of http, execute, exec, wait (assay schema --reference lists all)";
    }
    check_trials(step, is_case, d);
    if (has_steps) {
        check_no_step_keys(step, d);
        return;
    }
    check_alone(step, "every", "until", NULL, "what to repeat the step for", d);
    check_alone(step, "within", "until", NULL, "what to repeat the step for", d);
    check_during(step, step_kind_of(step), d);
    if (node_get(step, "until") && node_get(step, "during"))
        diagnose(d, node_entry(step, "until")->key_at, "a step cannot have both until and during");
}

static const struct shape *object_of(struct arena *arena, const char *name, const char *help,
                                     const struct field *const *fields,
                                     void (*check)(const struct node *, struct diagnostics *))
{
    struct shape *shape = ARENA_NEW(arena, struct shape);
    *shape = (struct shape){
        .name = name, .kind = SHAPE_OBJECT, .fields = fields, .help = help, .check = check};
    return shape;
}

static const struct shape *list_of(struct arena *arena, const struct shape *of)
{
    struct shape *shape = ARENA_NEW(arena, struct shape);
    *shape = (struct shape){.kind = SHAPE_LIST, .of = of, .min = 1, .max = LIMIT_CASES};
    return shape;
}

static const struct field **tables(struct arena *arena, const struct field *a,
                                   const struct field *b, const struct field *c)
{
    const struct field **list = ARENA_ARRAY(arena, const struct field *, 4);
    list[0] = a;
    list[1] = b;
    list[2] = c;
    return list;
}

static const struct field *fields_copy(struct arena *arena, const struct field *from, size_t count)
{
    struct field *fields = ARENA_ARRAY(arena, struct field, count + 1);
    memcpy(fields, from, count * sizeof(*from));
    return fields;
}

static const struct field *step_common(struct arena *arena, const struct shape *expect,
                                       const struct shape *during)
{
    const struct field fields[] = {
        {"expect", expect, .help = "What must be true of what came back. Each key is a check."},
        {"until", expect, .help = "Repeat the step until all of this is true."},
        {"every", &shape_duration,
         .help = "With `until`: how long to wait before the next try. Default 100ms."},
        {"within", &shape_duration,
         .help = "With `until`: how long it may take in all. Default 30s."},
        {"save", &shape_save,
         .help = "Keep values of the answer for later steps: a name, and where the value is: a "
                 "JSONPath (`$.id`), or `header NAME`, `status`, `text`, `body`, `stdout`.",
         .example = "{ \"job\": \"$.job_id\" }"},
        {"parallel", &shape_parallel, .help = "Run it so many times at once (see `pass_rate`)."},
        {"during", during, .help = during_words},
        {"service", &shape_string, .help = "The service that its path goes to."},
        {"timeout", &shape_duration,
         .help = "Time limit; on a case, of one attempt. Default 60s for a case."},
    };
    return fields_copy(arena, fields, sizeof(fields) / sizeof(fields[0]));
}

/* A file for `assay load`; plan/scenario.c makes a suite of it. */
static const struct shape *scenario_shape(struct arena *arena, const struct shape *expect)
{
    const struct field of_case[] = {
        {"service", &shape_string, .help = "The service whose url stands before a path."},
        {"expect", expect, .help = "What must be true of the load."},
    };
    const struct field of_loads[] = {
        {"name", &shape_string, .help = "Names the load. Default: load 1, load 2, …"},
    };
    const struct field *shared = fields_copy(arena, of_case, sizeof(of_case) / sizeof(of_case[0]));
    const struct shape *load =
        object_of(arena, "scenario load", "What it does not say is as at the top of the scenario.",
                  tables(arena, fields_copy(arena, of_loads, 1), load_fields, shared), NULL);
    const struct field top[] = {
        {"name", &shape_string, .help = "Names it in reports. Default: the file's name."},
        {"describe", &shape_text, .help = "What it is for, for people."},
        {"vars", &shape_object,
         .help = "Values for `${name}`, as in a suite; --set gives others. A `secret` is not "
                 "shown."},
        {"services", &shape_services,
         .help = "Services that are started before the load and stopped after it, as in a suite."},
        {"loads", list_of(arena, load), .help = "Several loads, one after another."},
        {"$schema", &shape_string,
         .help = "For editors: the JSON Schema of scenarios (`assay schema --scenario`). Ignored "
                 "here."},
    };
    return object_of(
        arena, "scenario",
        "A scenario: load, as `assay load` takes it from its options. What stands on the command "
        "line wins over the file.",
        tables(arena, load_fields, shared, fields_copy(arena, top, sizeof(top) / sizeof(top[0]))),
        NULL);
}

struct keys keys_in(struct arena *arena)
{
    struct keys keys;
    const struct field *kinds = kind_fields(arena);
    const struct shape *expect =
        object_of(arena, "expect", "Checks. A check that saw no data fails.",
                  tables(arena, check_fields, NULL, NULL), NULL);

    /* A step may hold steps: the shape is made first and filled when its fields are known. */
    struct shape *step = ARENA_NEW(arena, struct shape);
    const struct field during[] = {
        {"tokens", &shape_positive, .help = "Begin when it has shown so many tokens."},
        {"events", &shape_positive, .help = "Begin when it has shown so many events."},
        {"after", &shape_duration, .help = "Begin so long after its start."},
        {"steps", list_of(arena, step), .required = true, .help = "The steps."},
    };
    const struct shape *during_shape = object_of(
        arena, "during", during_words,
        tables(arena, fields_copy(arena, during, sizeof(during) / sizeof(during[0])), NULL, NULL),
        NULL);
    const struct field *common = step_common(arena, expect, during_shape);
    *step = (struct shape){.name = "step",
                           .kind = SHAPE_OBJECT,
                           .fields = tables(arena, steps_only_fields, kinds, common),
                           .help = "One thing done, and what is expected of it.",
                           .check = check_step};
    keys.step = step;

    const struct field steps_field[] = {
        {"steps", list_of(arena, step),
         .help = "Steps, one after another; the first that does not pass ends the case."}};
    const struct field **case_tables = ARENA_ARRAY(arena, const struct field *, 5);
    case_tables[0] = case_fields;
    case_tables[1] = kinds;
    case_tables[2] = fields_copy(arena, steps_field, 1);
    case_tables[3] = common;
    keys.case_shape = object_of(
        arena, "case", "One test: a step of its own or several steps, and what is expected.",
        case_tables, check_step);

    const struct field suite[] = {
        {"name", &shape_string, .help = "Names the suite in reports. Default: the file's name."},
        {"describe", &shape_text, .help = "What it is for, for people."},
        {"include", &shape_string_or_strings,
         .help = "Other suites whose vars, services, resources, defaults and cases belong to this "
                 "one."},
        {"vars", &shape_object,
         .help = "Values for `${name}`. `{ \"env\": \"NAME\", \"default\": …, \"secret\": true }` "
                 "takes one from the environment; a secret never reaches a report."},
        {"services", &shape_services, .help = "The services under test, by name."},
        {"resources", &shape_uses, .help = "Named semaphores: how much there is of each.",
         .example = "{ \"gpu\": 1 }"},
        {"defaults", &shape_defaults, .help = "For every case that does not say otherwise."},
        {"providers", &models_shape_providers,
         .help = "Who provides models, by name. What is here wins over assay.providers.json beside "
                 "the suite, which may have the keys providers, judge, budget and cache.",
         .example = "{ \"openai\": { \"url\": \"https://api.openai.com/v1\", \"key\": { \"env\": "
                    "\"OPENAI_API_KEY\" } } }"},
        {"judge", &models_shape_judge,
         .help = "Who judges for graded validators (rubric, agent_task, …).",
         .example = "{ \"model\": \"openai/gpt-4o\", \"votes\": 3 }"},
        {"budget", &models_shape_budget, .help = "What the models may cost in one run.",
         .example = "{ \"tokens\": 100000 }"},
        {"cache", &models_shape_cache,
         .help = "Keep answers of models in .assay/cache and use them again. Default false."},
        {"cases", list_of(arena, keys.case_shape), .required = true, .help = "The cases."},
        {"$schema", &shape_string,
         .help = "For editors: the JSON Schema of this format (`assay schema`). Ignored here."},
    };
    keys.suite = object_of(
        arena, "suite",
        "A suite: services, and the cases that test them. JSON with comments, or YAML.",
        tables(arena, fields_copy(arena, suite, sizeof(suite) / sizeof(suite[0])), NULL, NULL),
        NULL);
    keys.scenario = scenario_shape(arena, expect);
    return keys;
}
