/*
 * The sink of a webhook: while a run goes on it keeps the few facts that will be told; when the run
 * has ended it decides whether that matters to anybody, and sends. What cannot be delivered is
 * written to a file with everything the message had, so that nothing is lost and somebody can see
 * why.
 */
#include "record/webhook.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/memory.h"
#include "core/random.h"
#include "record/delivery.h"
#include "record/failure.h"
#include "record/json_out.h"
#include "record/webhook_form.h"

/* All pauses between tries together: a run that is over should end. */
#define PATIENCE (20 * NS_PER_S)

struct webhook {
    struct sink base;
    struct webhook_options o;
    struct arena *arena;
    const struct webhook_form *form;
    const char *url;
    struct webhook_message message;
    struct run_info run; /* a copy of the end of it */
    bool ended;
};

static bool is_web(struct slice url)
{
    return slice_starts(url, SLICE("https://")) || slice_starts(url, SLICE("http://"));
}

/* "slack=https://…" into its form and its url; a target without a form is of ours. */
static const struct webhook_form *form_of(struct slice target, struct slice *url)
{
    ptrdiff_t equals = slice_find_byte(target, '=');
    *url = target;
    if (equals < 0 || is_web(target) || slice_starts(target, SLICE("$")))
        return &webhook_forms[0];
    for (const struct webhook_form *f = webhook_forms; f->name; f++) {
        if (!slice_is(slice_part(target, 0, (size_t)equals), f->name))
            continue;
        *url = slice_from(target, (size_t)equals + 1);
        return f;
    }
    return NULL;
}

struct slice webhook_shown(struct arena *arena, struct slice target)
{
    struct slice url;
    const struct webhook_form *form = form_of(target, &url);
    if (!form || !is_web(url))
        return target;
    size_t host = slice_starts(url, SLICE("https://")) ? 8 : 7, end = host;
    while (end < url.len && !strchr("/?#", url.data[end]))
        end++;
    size_t user = end;
    while (user > host && url.data[user - 1] != '@')
        user--;
    struct slice scheme = slice_part(url, 0, host), name = slice_part(url, user, end - user);
    return slice_str(arena_printf(arena, "%s%s%.*s%.*s%s",
                                  url.data == target.data ? "" : form->name,
                                  url.data == target.data ? "" : "=", SLICE_ARG(scheme),
                                  SLICE_ARG(name), end < url.len ? "/…" : ""));
}

static struct result read_target(struct webhook *w)
{
    struct slice url;
    w->form = form_of(slice_str(w->o.target), &url);
    ENSURE(w->form, ERR_USAGE,
           "--webhook %.*s…: the forms are json, slack and teams, as in slack=https://…",
           (int)strcspn(w->o.target, "="), w->o.target);
    if (slice_starts(url, SLICE("$"))) {
        const char *name = arena_string(w->arena, slice_from(url, 1));
        const char *value = getenv(name);
        ENSURE(value && *value, ERR_USAGE, "--webhook $%s: there is no %s in the environment", name,
               name);
        url = slice_str(value);
    }
    ENSURE(is_web(url), ERR_USAGE, "--webhook needs a URL that begins with https:// or http://");
    w->url = arena_string(w->arena, url);
    return RESULT_OK;
}

/* ── what will be told ── */

static void keep_case(struct webhook *w, struct webhook_cases *cases, const struct case_result *r,
                      bool fresh)
{
    cases->count++;
    cases->fresh += fresh;
    if (cases->count > LIMIT_WEBHOOK_CASES)
        return;
    struct webhook_case *c = ARENA_NEW(w->arena, struct webhook_case);
    *c = (struct webhook_case){
        .key = arena_copy(w->arena, r->key),
        .reason = arena_copy(w->arena, failure_line(w->arena, r)),
        .place = place_text(w->arena, failure_place(r)),
        .rerun = arena_copy(w->arena, r->rerun),
        .status = r->status,
        .fresh = fresh,
    };
    *cases->last = c;
    cases->last = &c->next;
}

static bool is_bad(enum case_status status)
{
    return status == CASE_FAILED || status == CASE_ERROR;
}

static void on_case(struct webhook *w, const struct case_result *r)
{
    enum case_status before = CASE_PASSED;
    bool known = w->o.before && w->o.before(w->o.context, r->key, &before);
    if (is_bad(r->status))
        keep_case(w, &w->message.failures, r, w->o.before && (!known || !is_bad(before)));
    else if (r->status == CASE_PASSED && known && is_bad(before))
        keep_case(w, &w->message.fixed, r, false);
}

static void on_event(struct sink *sink, const struct event *e)
{
    struct webhook *w = (struct webhook *)sink;
    if (e->kind == EVENT_CASE_FINISHED) {
        on_case(w, e->finished);
    } else if (e->kind == EVENT_RUN_FINISHED) {
        w->ended = true;
        w->run = *e->run;
        w->run.id = arena_copy(w->arena, e->run->id);
        w->run.command = arena_copy(w->arena, e->run->command);
        w->run.host = arena_copy(w->arena, e->run->host);
        w->run.version = arena_copy(w->arena, e->run->version);
    }
}

static bool matters(const struct webhook *w)
{
    switch (w->o.when) {
    case WEBHOOK_ALWAYS:
        return true;
    case WEBHOOK_FAILURES:
        return w->message.failures.count > 0;
    case WEBHOOK_CHANGES:
        return w->message.failures.fresh || w->message.fixed.count;
    }
    return true;
}

/* ── sending ── */

/* The folder and the one it is in. */
static struct result make_folder(const char *path)
{
    char parent[256];
    snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
    ENSURE(mkdir(parent, 0777) == 0 || errno == EEXIST, ERR_IO, "%s: %s", parent, strerror(errno));
    ENSURE(mkdir(path, 0777) == 0 || errno == EEXIST, ERR_IO, "%s: %s", path, strerror(errno));
    return RESULT_OK;
}

static struct result write_file(const char *path, struct slice text)
{
    FILE *to = fopen(path, "wex");
    ENSURE(to, ERR_IO, "%s: %s", path, strerror(errno));
    bool written = fchmod(fileno(to), 0600) == 0 && fwrite(text.data, 1, text.len, to) == text.len;
    written = fclose(to) == 0 && written;
    ENSURE(written, ERR_IO, "%s: %s", path, strerror(errno));
    return RESULT_OK;
}

static struct result keep_letter(struct webhook *w, struct slice body, uint32_t tries,
                                 const char *why, const char **path)
{
    struct text t = text_in(w->arena);
    json_open(&t, NULL, '{');
    json_text(&t, "run", w->run.id);
    json_text(&t, "to", webhook_shown(w->arena, slice_str(w->url)));
    json_text(&t, "form", slice_str(w->form->name));
    json_integer_of(&t, "tries", tries);
    json_text(&t, "error", slice_str(why));
    json_text(&t, "body", body);
    json_close(&t, '}');
    text_add_byte(&t, '\n');
    TRY(make_folder(WEBHOOK_DEAD_LETTERS));
    *path =
        arena_printf(w->arena, "%s/%.*s-%s-%04x.json", WEBHOOK_DEAD_LETTERS, SLICE_ARG(w->run.id),
                     w->form->name, (unsigned)(random_fresh_seed() & 0xffff));
    return write_file(*path, text_slice(&t));
}

static void send(struct webhook *w)
{
    struct text body = text_in(w->arena);
    char id[UUID_TEXT];
    uint32_t tries;
    w->message.run = &w->run;
    w->form->write(&body, &w->message);
    const struct delivery delivery = {
        .url = w->url,
        .id = arena_printf(w->arena, "msg_%s", random_uuid(id)),
        .secret = w->o.secret && *w->o.secret ? w->o.secret : NULL,
        .body = text_slice(&body),
        .patience = PATIENCE,
    };
    struct result sent = delivery_send(&delivery, &tries);
    if (result_ok(sent))
        return;
    const char *why = arena_string(w->arena, slice_str(error_last()->text)), *path = NULL;
    struct slice shown = webhook_shown(w->arena, slice_str(w->url));
    struct result kept = keep_letter(w, text_slice(&body), tries, why, &path);
    fprintf(w->o.err, "assay: the webhook to %.*s was not delivered (%u tr%s): %s; ",
            SLICE_ARG(shown), tries, tries == 1 ? "y" : "ies", why);
    if (result_ok(kept))
        fprintf(w->o.err, "it is kept in %s, and `assay report %.*s --webhook …` sends it again\n",
                path, SLICE_ARG(w->run.id));
    else
        fprintf(w->o.err, "nor could it be kept: %s\n", error_last()->text);
}

static struct result close_webhook(struct sink *sink)
{
    struct webhook *w = (struct webhook *)sink;
    if (w->ended && matters(w))
        send(w);
    if (w->o.closed)
        w->o.closed(w->o.context);
    arena_free(w->arena);
    mem_free(w);
    return RESULT_OK; /* that nobody could be told changes nothing of the run */
}

struct result sink_webhook(const struct webhook_options *options, struct sink **out)
{
    struct webhook *w = NEW(struct webhook);
    w->base = (struct sink){.event = on_event, .close = close_webhook};
    w->o = *options;
    w->arena = arena_new();
    w->message.failures.last = &w->message.failures.first;
    w->message.fixed.last = &w->message.fixed.first;
    w->message.history = options->before != NULL;
    struct result read = read_target(w);
    if (!result_ok(read)) {
        arena_free(w->arena);
        mem_free(w);
        return read;
    }
    *out = &w->base;
    return RESULT_OK;
}
