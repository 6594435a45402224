/*
 * The witnesses. Words of our own and of others are looked for in tables: what lib/run, lib/service
 * and libcurl say when something fails, and what programs print when the system refuses them.
 */
#include "report/witness.h"

#include <signal.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"
#include "record/failure.h"
#include "report/answer.h"

/* Steps of an attempt that are listened to; the rest of a thousand trials says the same. */
#define STEPS_HEARD 20
#define EVIDENCE_LINE_BYTES 200
/* How long after a case a service's death is still likely to have been what broke it. */
#define DEATH_AFTER (1 * NS_PER_S)

struct hearing {
    struct testimony *t;
    const struct case_result *r;
    const struct step_result *step; /* NULL: the case never began */
    struct slice error;             /* of the step, or why the case never began */
    struct slice service;           /* whom the step called; empty: none */
    struct answer answer;
};

/* ── naming a cause ── */

static int worth(const struct cause *c)
{
    /* Down to TLS the table has roots, which explain what is seen below. */
    bool root = c->kind <= CAUSE_TLS && c->strength >= EVIDENCE_STRONG;
    return 2 * (int)c->strength + (root ? 3 : 0);
}

static bool better(const struct cause *a, const struct cause *b)
{
    return worth(a) != worth(b) ? worth(a) > worth(b) : a->kind < b->kind;
}

void testimony_add(struct cause causes[EXPLAIN_CAUSES], size_t *count, struct cause cause)
{
    size_t at = *count;
    for (size_t i = 0; i < *count; i++) {
        if (causes[i].kind != cause.kind || !slice_eq(causes[i].subject, cause.subject))
            continue;
        if (causes[i].strength >= cause.strength)
            return;
        memmove(&causes[i], &causes[i + 1], (*count - i - 1) * sizeof(causes[0]));
        at = --*count;
        break;
    }
    while (at > 0 && better(&cause, &causes[at - 1]))
        at--;
    if (at == EXPLAIN_CAUSES)
        return;
    if (*count < EXPLAIN_CAUSES)
        ++*count;
    memmove(&causes[at + 1], &causes[at], (*count - at - 1) * sizeof(causes[0]));
    causes[at] = cause;
}

static void add(struct hearing *h, enum cause_kind kind, enum evidence strength,
                struct slice subject, struct slice evidence, const char *format, ...)
    PRINTF_LIKE(6, 7);

static void add(struct hearing *h, enum cause_kind kind, enum evidence strength,
                struct slice subject, struct slice evidence, const char *format, ...)
{
    struct arena *arena = h->t->arena;
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(arena, format, args);
    va_end(args);
    testimony_add(h->t->causes, &h->t->count,
                  (struct cause){
                      .kind = kind,
                      .strength = strength,
                      .subject = subject,
                      .text = line_text(arena, slice_str(text), EVIDENCE_LINE_BYTES),
                      .evidence = line_text(arena, evidence, EVIDENCE_LINE_BYTES),
                  });
}

/* `service "x"`, or "it" when nobody knows. */
static const char *who(const struct hearing *h, struct slice service)
{
    return service.len ? arena_printf(h->t->arena, "service \"%.*s\"", SLICE_ARG(service)) : "it";
}

/* ── reading text ── */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool says_at(struct slice text, size_t at, struct slice words)
{
    for (size_t i = 0; i < words.len; i++)
        if (lower(text.data[at + i]) != words.data[i])
            return false;
    return true;
}

/* Does it say one of "these words|or these", in lower or upper case? */
static bool says(struct slice text, const char *alternatives)
{
    struct slice rest = slice_str(alternatives), words;
    while (slice_split(&rest, '|', &words))
        for (size_t at = 0; at + words.len <= text.len; at++)
            if (says_at(text, at, words))
                return true;
    return false;
}

/* The last line that says so. */
static struct slice line_saying(struct slice text, const char *alternatives)
{
    struct slice rest = text, line, found = {0};
    while (slice_split(&rest, '\n', &line))
        if (says(line, alternatives))
            found = line;
    return slice_trim(found);
}

static struct slice last_line(struct slice text)
{
    struct slice rest = slice_trim(text), line = {0};
    while (slice_split(&rest, '\n', &line))
        ;
    return slice_trim(line);
}

/* What stands in the first double quotes. */
static struct slice quoted(struct slice text)
{
    ptrdiff_t from = slice_find_byte(text, '"');
    struct slice rest = from < 0 ? (struct slice){0} : slice_from(text, (size_t)from + 1);
    ptrdiff_t to = slice_find_byte(rest, '"');
    return to < 0 ? (struct slice){0} : slice_part(rest, 0, (size_t)to);
}

/* What stands behind `words`, up to `end`. */
static struct slice behind(struct slice text, struct slice words, char end)
{
    ptrdiff_t at = slice_find(text, words);
    struct slice rest = at < 0 ? (struct slice){0} : slice_from(text, (size_t)at + words.len), part;
    return slice_split(&rest, end, &part) ? part : (struct slice){0};
}

/* A sentence of ours without the log that may follow it. */
static struct slice sentence_of(struct slice text)
{
    ptrdiff_t log = slice_find(text, SLICE("; its last lines"));
    return slice_trim(log < 0 ? text : slice_part(text, 0, (size_t)log));
}

/* ── what programs print when the system refuses them ── */

static const struct {
    enum cause_kind kind;
    const char *words, *means;
} complaints[] = {
    {CAUSE_OUT_OF_GPU_MEMORY, "cuda out of memory|vram_oom|cudaerrormemoryallocation",
     "ran out of GPU memory"},
    {CAUSE_OUT_OF_MEMORY,
     "out of memory|cannot allocate memory|bad_alloc|memoryerror|std::alloc::alloc error|"
     "allocation failed",
     "ran out of memory"},
    {CAUSE_OUT_OF_DESCRIPTORS, "too many open files|error: emfile", "ran out of descriptors"},
    {CAUSE_OUT_OF_SPACE, "no space left on device|disk quota exceeded|error: enospc",
     "found no space on the device"},
    {CAUSE_PORT_TAKEN, "address already in use|listen eaddrinuse", "found its port taken"},
    {CAUSE_CONNECTION_REFUSED, "connection refused|connect econnrefused|couldn't connect to server",
     "could not connect to what it needs"},
    {CAUSE_NAME_NOT_RESOLVED,
     "could not resolve host|name or service not known|getaddrinfo enotfound",
     "found no address for a name"},
    {CAUSE_TLS, "certificate verify failed|certificate has expired", "found no TLS to trust"},
};

/* The first of the table that it complains of: where "CUDA out of memory" stands, so does "out of
 * memory". */
static bool hear_complaints(struct hearing *h, struct slice text, const char *whose,
                            struct slice subject, enum evidence strength)
{
    for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
        struct slice line = line_saying(text, complaints[i].words);
        if (line.len == 0)
            continue;
        /* What a service does not reach it may do without, unless it fails at the request. */
        bool of_others = complaints[i].kind >= CAUSE_NAME_NOT_RESOLVED && subject.len;
        if (of_others && strength == EVIDENCE_STRONG && h->answer.status < 500)
            strength = EVIDENCE_WEAK;
        add(h, complaints[i].kind, strength, subject, line, "%s %s", whose, complaints[i].means);
        return true;
    }
    return false;
}

/* ── services ── */

/* The number of changes before a time. */
static size_t changes_before(const struct run_data *data, int64_t at)
{
    size_t low = 0, high = data->change_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (data->changes[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Is it of that service, in this run? */
static bool concerns(const struct hearing *h, const struct service_change *change,
                     struct slice service)
{
    const struct case_outcome *c = h->t->outcome;
    return c->started && change->run == c->run && slice_eq(change->service, service);
}

/* Which instance of its service the step called, by the port in its request; 0: not known. */
static uint32_t instance_called(const struct hearing *h, struct slice service)
{
    struct slice url =
        h->step ? behind(h->step->request, SLICE("http://127.0.0.1:"), '\n') : (struct slice){0};
    size_t digits = 0;
    while (digits < url.len && url.data[digits] >= '0' && url.data[digits] <= '9')
        digits++;
    if (digits == 0)
        return 0;
    struct slice port = slice_str(arena_printf(h->t->arena, "port %.*s,", (int)digits, url.data));
    const struct case_outcome *c = h->t->outcome;
    for (size_t i = changes_before(h->t->data, c->started + c->duration); i-- > 0;) {
        const struct service_change *change = &h->t->data->changes[i];
        if (change->run == c->run && slice_eq(change->service, service) &&
            slice_is(change->state, "ready") && slice_find(change->detail, port) >= 0)
            return change->instance;
    }
    return 0;
}

/* Also one that ended by a signal nobody stops services with: writing its core took too long for
 * its death to be noticed before the case was over. */
static bool is_death(const struct service_change *change)
{
    bool asked = change->signal == SIGTERM || change->signal == SIGINT ||
                 change->signal == SIGQUIT || change->signal == SIGKILL || change->signal == SIGHUP;
    return slice_is(change->state, "died") ||
           (slice_is(change->state, "stopped") && change->signal && !asked);
}

/*
 * Its death in that time; `how` (or nothing) is what the case was told of it. Of several instances
 * at once (scope "case") one is its own: the one it called, or that it was told of.
 */
static const struct service_change *death_of(const struct hearing *h, struct slice service,
                                             struct slice how)
{
    const struct run_data *data = h->t->data;
    const struct service_change *death = NULL;
    uint32_t called = how.len ? 0 : instance_called(h, service), seen = 0;
    size_t first = changes_before(data, h->t->outcome->started);
    int64_t until = h->t->outcome->started + h->t->outcome->duration + DEATH_AFTER;

    for (size_t i = first; i < data->change_count && data->changes[i].at <= until; i++) {
        const struct service_change *change = &data->changes[i];
        if (!concerns(h, change, service) || (called && change->instance != called))
            continue;
        if (how.len == 0 && seen && change->instance != seen)
            return NULL;
        seen = change->instance;
        if (!death && is_death(change) && slice_starts(change->detail, how))
            death = change;
    }
    return death;
}

/* A service of the case that died while it ran, told by the case itself or only by the service. */
static void hear_death(struct hearing *h, struct slice service, bool told)
{
    const struct service_change *death =
        death_of(h, service, told ? sentence_of(h->error) : (struct slice){0});
    struct slice detail = death ? death->detail : h->error;
    if (death && slice_is(death->state, "stopped"))
        detail =
            slice_str(arena_printf(h->t->arena, "%s was killed by signal %d (SIG%s)",
                                   who(h, service), death->signal, sigabbrev_np(death->signal)));
    struct slice how = sentence_of(detail);
    char after[DURATION_TEXT];
    enum evidence strength = told ? EVIDENCE_CERTAIN : EVIDENCE_STRONG;

    if (!death && !told)
        return;
    struct slice evidence = how;
    if (death) {
        int64_t since = death->at - h->t->outcome->started;
        evidence = slice_str(arena_printf(h->t->arena, "%.*s, %s after the case began",
                                          SLICE_ARG(how), format_duration(after, since)));
    }
    bool complained = hear_complaints(h, slice_from(detail, how.len), who(h, service), service,
                                      told ? EVIDENCE_CERTAIN : EVIDENCE_STRONG);
    ptrdiff_t guess = slice_find(how, SLICE(", not by assay"));
    if (guess >= 0 && !complained)
        add(h, CAUSE_OUT_OF_MEMORY, EVIDENCE_WEAK, service, evidence,
            "the system may have killed %s to get memory back", who(h, service));
    add(h, CAUSE_SERVICE_DIED, strength, service, evidence, "%.*s",
        SLICE_ARG(guess < 0 ? how : slice_part(how, 0, (size_t)guess)));
}

static bool one_of(const struct slice *names, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(names[i], name))
            return true;
    return false;
}

static void hear_services(struct hearing *h)
{
    const struct case_definition *d = h->t->outcome->definition;
    for (size_t i = 0; i < d->service_count; i++)
        hear_death(h, d->services[i], false);
    if (h->service.len && !one_of(d->services, d->service_count, h->service))
        hear_death(h, h->service, false);
}

/* What a service says of itself when it does not become ready. */
static void hear_start(struct hearing *h)
{
    struct slice text = h->error, how = sentence_of(text), name = quoted(text);
    struct slice log = slice_from(text, how.len);

    if (slice_find(text, SLICE("there is no such program")) >= 0 ||
        (slice_find(how, SLICE("cannot start")) >= 0 && says(how, "no such file") &&
         !says(how, "working directory"))) {
        struct slice program = quoted(slice_from(text, (size_t)slice_find(text, SLICE("cannot "))));
        add(h, CAUSE_PROGRAM_MISSING, EVIDENCE_CERTAIN, program, how,
            "there is no program \"%.*s\"", SLICE_ARG(program));
    } else if (slice_find(how, SLICE("was not ready within")) >= 0) {
        add(h, CAUSE_SERVICE_NOT_READY, EVIDENCE_CERTAIN, name, how, "%.*s", SLICE_ARG(how));
    } else if (slice_find(how, SLICE("has lost port")) >= 0) {
        add(h, CAUSE_PORT_TAKEN, EVIDENCE_CERTAIN, name, how, "%.*s", SLICE_ARG(how));
    } else if (slice_find(how, SLICE("before it was ready")) >= 0 ||
               slice_find(how, SLICE("cannot start")) >= 0) {
        hear_complaints(h, log, who(h, name), name, EVIDENCE_CERTAIN);
        add(h, CAUSE_SERVICE_NOT_STARTED, EVIDENCE_CERTAIN, name, log.len ? last_line(log) : how,
            "%.*s", SLICE_ARG(how));
    }
}

/* ── how the step ended ── */

/* "690 ms" and "1.25 s" as the suite would write them. */
static int64_t shown_duration(struct arena *arena, struct slice shown)
{
    struct text t = text_in(arena);
    int64_t ns = 0;
    for (size_t i = 0; i < shown.len; i++)
        if (shown.data[i] != ' ')
            text_add_byte(&t, shown.data[i]);
    struct slice text = text_slice(&t);
    if (slice_ends(text, SLICE("\xc2\xb5s"))) {
        text = slice_part(text, 0, text.len - 3);
        text = slice_str(arena_printf(arena, "%.*sus", SLICE_ARG(text)));
    }
    return result_ok(parse_duration(text, &ns)) ? ns : -1;
}

static void hear_timeout(struct hearing *h)
{
    const struct case_past *past = h->t->outcome->past;
    struct slice last = behind(h->error, SLICE("the last byte had come "), 'b');
    char usual[DURATION_TEXT];
    struct slice evidence = h->error;

    if (past && past->longest > 0 && past->longest * 10 >= h->step->duration * 8)
        evidence =
            slice_str(arena_printf(h->t->arena, "%.*s; it has passed with %s", SLICE_ARG(h->error),
                                   format_duration(usual, past->longest)));
    if (slice_find(h->error, SLICE("not a byte had come")) >= 0) {
        add(h, CAUSE_NO_ANSWER, EVIDENCE_CERTAIN, h->service, evidence,
            "%s took the request and did not answer", who(h, h->service));
        return;
    }
    int64_t ago = shown_duration(h->t->arena, last);
    if (last.len == 0 || ago < 0)
        add(h, CAUSE_SLOW_ANSWER, EVIDENCE_WEAK, h->service, evidence, "%.*s",
            SLICE_ARG(sentence_of(h->error)));
    else if (2 * ago >= h->step->duration)
        add(h, CAUSE_STALLED, EVIDENCE_STRONG, h->service, evidence,
            "the answer of %s began and did not go on", who(h, h->service));
    else
        add(h, CAUSE_SLOW_ANSWER, EVIDENCE_STRONG, h->service, evidence,
            "the answer of %s was still on its way when time was up", who(h, h->service));
}

/* What execution.c saw of the process at that moment. */
static void hear_condition(struct hearing *h)
{
    static const struct {
        const char *words;
        enum cause_kind kind;
        enum evidence strength;
        const char *means;
    } conditions[] = {
        {"is stopped by a signal", CAUSE_SERVICE_STOPPED, EVIDENCE_CERTAIN,
         "was stopped by a signal"},
        {"is held by a debugger", CAUSE_SERVICE_STOPPED, EVIDENCE_CERTAIN,
         "was held by a debugger"},
        {"descriptors open", CAUSE_OUT_OF_DESCRIPTORS, EVIDENCE_STRONG,
         "had no descriptor left to open a connection with"},
    };
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
        if (slice_find(h->error, slice_str(conditions[i].words)) >= 0)
            add(h, conditions[i].kind, conditions[i].strength, h->service, h->error, "%s %s",
                who(h, h->service), conditions[i].means);
}

static void hear_connect(struct hearing *h)
{
    if (says(h->error, "resolve")) {
        struct slice name = behind(h->error, SLICE("host: "), ' ');
        add(h, CAUSE_NAME_NOT_RESOLVED, EVIDENCE_CERTAIN, name, h->error,
            "there is no address for the name %.*s", SLICE_ARG(name));
        return;
    }
    struct slice address = behind(h->error, SLICE("connect to "), ':');
    ptrdiff_t after = slice_find(address, SLICE(" after "));
    if (after >= 0)
        address = slice_part(address, 0, (size_t)after);
    add(h, CAUSE_CONNECTION_REFUSED, EVIDENCE_STRONG, address, h->error,
        "nothing accepts connections at %.*s", SLICE_ARG(address));
}

static void hear_end(struct hearing *h)
{
    struct slice service = h->service;
    switch (h->step->error_code) {
    case ERR_DIED:
        hear_death(h, quoted(h->error), true);
        break;
    case ERR_SPAWN:
        hear_start(h);
        break;
    case ERR_CONNECT:
        hear_connect(h);
        break;
    case ERR_CLOSED:
        /* libcurl's other words for an error of the socket, where an end would be none. */
        if (says(h->error, "reset|select/poll returned error"))
            add(h, CAUSE_CONNECTION_RESET,
                says(h->error, "reset") ? EVIDENCE_CERTAIN : EVIDENCE_STRONG, service, h->error,
                "%s reset the connection", who(h, service));
        else
            add(h, CAUSE_CONNECTION_CUT, EVIDENCE_CERTAIN, service, h->error,
                "%s closed the connection before the answer was complete", who(h, service));
        break;
    case ERR_TIMEOUT:
        hear_timeout(h);
        break;
    case ERR_TLS:
        add(h, CAUSE_TLS, EVIDENCE_CERTAIN, service, h->error, "no TLS connection could be made");
        break;
    case ERR_PROTOCOL:
    case ERR_TOO_LARGE:
        add(h, CAUSE_PROTOCOL_BROKEN, EVIDENCE_CERTAIN, service, h->error,
            "what %s sent breaks the protocol", who(h, service));
        break;
    case ERR_SUITE:
    case ERR_VALUE:
    case ERR_NOT_FOUND:
    case ERR_USAGE:
        add(h, CAUSE_SUITE_WRONG, EVIDENCE_CERTAIN, (struct slice){0}, h->error,
            "the suite asks for something that cannot be done");
        break;
    case ERR_OK:
    case ERR_SYNTAX:
    case ERR_CANCELLED:
    case ERR_STORE:
    case ERR_IO:
    case ERR_UNSUPPORTED:
        break;
    }
    hear_condition(h);
}

/* ── the answer ── */

static enum cause_kind cause_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
    case 407:
        return CAUSE_NOT_AUTHORISED;
    case 404:
    case 405:
    case 410:
    case 501:
        return CAUSE_NO_SUCH_PATH;
    case 429:
        return CAUSE_RATE_LIMITED;
    case 502:
    case 503:
    case 504:
        return CAUSE_SERVICE_UNAVAILABLE;
    case 507:
        return CAUSE_OUT_OF_SPACE;
    default:
        return status >= 500 ? CAUSE_SERVER_ERROR : CAUSE_REQUEST_REFUSED;
    }
}

/* A check that passed says that this was expected. */
static bool expected(const struct step_result *step, const char *check)
{
    for (const struct verdict *v = step->verdicts; v; v = v->next)
        if (v->passed && slice_starts(slice_str(v->check), slice_str(check)))
            return true;
    return false;
}

static void hear_status(struct hearing *h)
{
    const struct answer *a = &h->answer;
    struct text t = text_in(h->t->arena);
    if (a->status < 400 || expected(h->step, "status"))
        return;
    text_printf(&t, "HTTP %d", a->status);
    if (a->retry_after.len)
        text_printf(&t, ", Retry-After: %.*s", SLICE_ARG(a->retry_after));
    if (a->error_code.len)
        text_printf(&t, ", %.*s", SLICE_ARG(a->error_code));
    if (a->error_message.len)
        text_printf(&t, ": %.*s", SLICE_ARG(a->error_message));
    else if (a->body.len && a->error_code.len == 0)
        text_printf(&t, ": %.*s", SLICE_ARG(slice_part(slice_trim(a->body), 0, 150)));
    struct slice subject = h->service;
    enum cause_kind kind = cause_of_status(a->status);
    if (kind == CAUSE_SERVER_ERROR || kind == CAUSE_NO_SUCH_PATH || kind == CAUSE_REQUEST_REFUSED)
        subject = slice_str(arena_printf(h->t->arena, "%.*s %d", SLICE_ARG(subject), a->status));
    add(h, kind, EVIDENCE_CERTAIN, subject, text_slice(&t), "%s answered with status %d",
        who(h, h->service), a->status);
}

static void hear_error_event(struct hearing *h)
{
    const struct answer *a = &h->answer;
    struct slice code = a->error_code, message = a->error_message;
    enum cause_kind kind = CAUSE_ERROR_EVENT;
    struct slice evidence = slice_str(
        arena_printf(h->t->arena, "error event: %.*s %.*s", SLICE_ARG(code), SLICE_ARG(message)));

    if (!a->error_event || expected(h->step, "error"))
        return;
    if (says(code, "vram|oom|gpu_memory") || says(message, "out of memory|kv cache is full"))
        kind = CAUSE_OUT_OF_GPU_MEMORY;
    else if (says(code, "rate_limit|too_many_requests|insufficient_quota"))
        kind = CAUSE_RATE_LIMITED;
    else if (says(code, "invalid_api_key|unauthorized|forbidden"))
        kind = CAUSE_NOT_AUTHORISED;
    struct slice subject = kind == CAUSE_ERROR_EVENT ? code : h->service;
    add(h, kind, EVIDENCE_CERTAIN, subject, evidence, "%s ended the stream with the error %.*s",
        who(h, h->service), SLICE_ARG(code));
}

static void hear_bytes(struct hearing *h)
{
    const struct answer *a = &h->answer;
    struct slice service = h->service;
    bool whole = h->step->error_code == ERR_OK && !a->cut;

    if (a->not_utf8.len)
        add(h, CAUSE_INVALID_UTF8, EVIDENCE_STRONG, service, a->not_utf8,
            "%s sent bytes that are not UTF-8", who(h, service));
    else if (a->not_json.len && whole)
        add(h, CAUSE_MALFORMED_JSON, EVIDENCE_CERTAIN, service, a->not_json,
            "%s sent an event that is no JSON", who(h, service));
    else if (a->not_json_body && whole)
        add(h, CAUSE_MALFORMED_JSON, EVIDENCE_CERTAIN, service, last_line(a->body),
            "%s sent a body that is no JSON, and says it is", who(h, service));
    else if (a->not_ordered.len)
        add(h, CAUSE_STREAM_ORDER, EVIDENCE_CERTAIN, service, a->not_ordered,
            "tokens of %s are missing, doubled or out of order", who(h, service));
    if (a->stream && a->status == 200 && !a->ended && whole)
        add(h, CAUSE_STREAM_UNFINISHED, EVIDENCE_CERTAIN, service,
            slice_str(arena_printf(h->t->arena, "the stream closed after %zu events", a->events)),
            "the stream of %s closed without the event that ends it", who(h, service));
}

static void hear_answer(struct hearing *h)
{
    answer_read(h->t->arena, h->step->response, &h->answer);
    if (h->answer.status == 0)
        return;
    hear_status(h);
    hear_error_event(h);
    hear_bytes(h);
}

/* ── programs, checks, logs ── */

static void hear_program(struct hearing *h)
{
    const struct step_result *s = h->step;
    struct slice said = s->response, line = {0}, rest = said;
    if (!slice_is(s->kind, "exec") || s->error.len || expected(s, "exit") || said.len == 0)
        return; /* one that was ended says nothing about why */
    slice_split(&rest, '\n', &line);
    hear_complaints(h, rest, "the program", (struct slice){0}, EVIDENCE_STRONG);
    if (says(rest, "command not found|: not found"))
        add(h, CAUSE_PROGRAM_MISSING, EVIDENCE_STRONG, (struct slice){0},
            line_saying(rest, "not found"), "the program does not find another");
    if (says(line, "exited with status 0"))
        return;
    add(h, CAUSE_PROGRAM_FAILED, EVIDENCE_STRONG, (struct slice){0},
        last_line(rest).len ? last_line(rest) : line, "%.*s", SLICE_ARG(slice_trim(line)));
}

static void hear_checks(struct hearing *h)
{
    for (const struct verdict *v = h->step->verdicts; v; v = v->next) {
        struct slice name = slice_str(v->check), message = slice_str(v->message);
        if (v->passed)
            continue;
        if (slice_starts(name, SLICE("time")))
            add(h, CAUSE_TOO_SLOW, EVIDENCE_WEAK, name, message, "it took longer than it may: %.*s",
                SLICE_ARG(message));
        else if (slice_starts(name, SLICE("json")) && says(message, "not json:"))
            add(h, CAUSE_MALFORMED_JSON, EVIDENCE_CERTAIN, h->service, message,
                "%s sent a body that is no JSON", who(h, h->service));
        else if (h->step->error.len == 0)
            add(h, CAUSE_OTHER_ANSWER, EVIDENCE_WEAK, name, message,
                "the answer is not what check \"%s\" expects", v->check);
        break; /* the first that said no; the others often follow from it */
    }
}

static void hear_log(struct hearing *h)
{
    struct slice log = h->step->log;
    if (log.len == 0 || hear_complaints(h, log, who(h, h->service), h->service, EVIDENCE_STRONG))
        return;
    struct slice line = line_saying(log, "error|fatal|panic|exception|abort|traceback|failed");
    if (line.len)
        add(h, CAUSE_LOG_LINE, EVIDENCE_WEAK, h->service, line,
            "%s logged an error while the step ran", who(h, h->service));
}

/* Only where time is what went wrong, or nothing better is known. */
static void hear_anomalies(struct hearing *h)
{
    const struct case_outcome *c = h->t->outcome;
    const struct cause *top = h->t->count ? &h->t->causes[0] : NULL;
    bool late = top && (top->kind == CAUSE_STALLED || top->kind == CAUSE_NO_ANSWER ||
                        top->kind == CAUSE_SLOW_ANSWER || top->kind == CAUSE_TOO_SLOW);
    if (top && top->strength > EVIDENCE_WEAK && !late)
        return;
    for (size_t i = 0; i < h->t->data->anomaly_count; i++) {
        const struct run_anomaly *a = &h->t->data->anomalies[i];
        bool overlaps = c->started && a->run == c->run && a->started <= c->started + c->duration &&
                        a->ended >= c->started;
        bool its_own = slice_is(a->subject, "assay") || slice_eq(a->subject, h->service) ||
                       one_of(c->definition->services, c->definition->service_count, a->subject);
        if (overlaps && its_own)
            add(h, CAUSE_ANOMALY, EVIDENCE_WEAK, a->subject, a->text,
                "%.*s was out of the ordinary at the same time: %.*s", SLICE_ARG(a->subject),
                SLICE_ARG(a->kind));
    }
}

/* ── all of them ── */

static void hear_step(struct testimony *t, const struct case_result *r,
                      const struct step_result *step)
{
    struct hearing h = {
        .t = t, .r = r, .step = step, .error = step->error, .service = step->service};
    if (step->error.len)
        hear_end(&h);
    hear_answer(&h);
    hear_program(&h);
    hear_checks(&h);
    hear_log(&h);
    hear_services(&h);
}

/* That the answer is another says nothing any more when it is known why. */
static void forget_what_follows(struct testimony *t)
{
    while (t->count > 1 && t->causes[t->count - 1].kind == CAUSE_OTHER_ANSWER)
        t->count--;
}

void witness_hear(struct testimony *t)
{
    const struct case_result *r = t->outcome->detail;
    const struct attempt_result *attempt = failure_attempt(r);
    struct hearing h = {.t = t, .r = r, .error = r->reason};
    size_t heard = 0;

    for (const struct step_result *s = attempt ? attempt->steps : NULL; s; s = s->next) {
        if (s->status == CASE_PASSED || heard == STEPS_HEARD)
            continue;
        hear_step(t, r, s);
        h.service = h.service.len ? h.service : s->service;
        heard++;
    }
    if (heard == 0) {
        hear_start(&h);
        hear_services(&h);
    }
    hear_anomalies(&h);
    forget_what_follows(t);
}
