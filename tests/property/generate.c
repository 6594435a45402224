/*
 * Texts are of few different characters, so that stop sequences are often found, nearly found, and
 * found within one another.
 */
#include "generate.h"

#include "core/random.h"

/* Characters of one to four bytes, some that combine, some that JSON escapes. */
static const char *const characters[] = {
    "a",  "b", " ", "}",  "\"",   "\\",   "\n",     "\t",     "/",      "é",
    "ß",  "λ", "ש", "语", "漢",   "字",   "€",      "\u200d", "\u0301", "🚀",
    "👩", "🇩", "🇰", "𠜎", "\x01", "\x7f", "\ufeff", "\u2028",
};
/* Parts of what the stub says to a prompt that is no echo. */
static const char *const said[] = {" the", "a",   " ",  "é", "日",     "本",
                                   ".",    " 👩", "🚀", "ς", "tokens", "λό"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const stream_framings[] = {
    "",
    "crlf",
    "no_space",
    "crlf;no_space",
    "segments,bytes=1",
    "segments,bytes=7",
    "one_segment",
    "bundle,tokens=2",
    "bundle,tokens=5;crlf",
    "split_utf8",
    "split_utf8;no_space",
    "silent,ms=1",
    "stall,at=1,ms=1",
    "loris,bytes=2000,ms=1",
};
static const char *const whole_framings[] = {"", "segments,bytes=3", "one_segment", "silent,ms=1",
                                             "loris,bytes=500,ms=1"};
static const char *const paces[] = {
    NULL,
    NULL,
    NULL,
    "X-Assay-Delay-Ms: normal:0.05,0.05",
    "X-Assay-First-Token-Ms: 1",
    "X-Assay-Metrics-Interval-Ms: 0.01",
};

static const char *const execute_samplings[] = {
    "",
    "",
    ",\"top_p\":0.5,\"top_k\":7",
    ",\"min_p\":0.1,\"repetition_penalty\":1.5",
    ",\"unknown\":[{}]",
};
static const char *const openai_samplings[] = {
    "",
    "",
    ",\"top_p\":0.5,\"user\":\"u\"",
    ",\"presence_penalty\":1,\"frequency_penalty\":-1",
    ",\"unknown\":[{}]",
};

static size_t below(struct random *r, size_t count)
{
    return (size_t)random_between(r, 0, (int64_t)count - 1);
}

static bool one_in(struct random *r, size_t count)
{
    return below(r, count) == 0;
}

/* `count` characters, of an alphabet that begins at `first` and has `different`. */
static struct slice random_text(struct arena *arena, struct random *r, size_t first,
                                size_t different, size_t count)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < count; i++)
        text_add_str(&t, characters[(first + below(r, different)) % COUNT(characters)]);
    return text_slice(&t);
}

/* Where its i-th character begins; its length when there are not so many. */
static size_t character_at(struct slice text, size_t i)
{
    size_t at = 0;
    while (i-- > 0 && at < text.len)
        at += utf8_sequence(slice_from(text, at));
    return at;
}

/* A part of the text, sometimes with another character behind it. */
static struct slice part_of(struct arena *arena, struct random *r, struct slice text,
                            struct slice other)
{
    size_t from = character_at(text, below(r, utf8_length(text)));
    struct slice part = slice_from(text, from);
    part = slice_part(part, 0, character_at(part, 1 + below(r, 6)));
    return one_in(r, 4)
               ? slice_str(arena_printf(arena, "%.*s%.*s", SLICE_ARG(part), SLICE_ARG(other)))
               : part;
}

static void choose_stops(struct arena *arena, struct random *r, struct scenario *s, size_t first,
                         size_t different)
{
    s->stop_count = below(r, STOPS_MAX + 1);
    for (size_t i = 0; i < s->stop_count; i++) {
        struct slice random = random_text(arena, r, first, different, 1 + below(r, 4));
        s->stops[i] = !s->echo       ? slice_str(said[below(r, COUNT(said))])
                      : one_in(r, 3) ? random
                                     : part_of(arena, r, s->text, random);
    }
}

static struct variant random_variant(struct random *r, enum wire wire, uint64_t seed)
{
    struct variant v = {.stream = wire == WIRE_EXECUTE || !one_in(r, 3), .seed = seed};
    v.framing = v.stream ? stream_framings[below(r, COUNT(stream_framings))]
                         : whole_framings[below(r, COUNT(whole_framings))];
    v.pace = paces[below(r, COUNT(paces))];
    v.sampling = wire == WIRE_EXECUTE ? execute_samplings[below(r, COUNT(execute_samplings))]
                                      : openai_samplings[below(r, COUNT(openai_samplings))];
    return v;
}

struct scenario scenario_random(struct arena *arena, uint64_t seed, uint64_t number)
{
    struct random r = random_for(seed + number, SLICE("property"));
    size_t first = below(&r, COUNT(characters)), different = 1 + below(&r, 8);
    struct scenario s = {.number = number, .wire = (enum wire)below(&r, 3), .echo = !one_in(&r, 4)};
    s.text = random_text(arena, &r, first, different, 1 + below(&r, one_in(&r, 8) ? 400 : 40));
    choose_stops(arena, &r, &s, first, different);
    bool unlimited = s.wire != WIRE_EXECUTE && one_in(&r, 3);
    s.max_tokens = unlimited ? 0 : 1 + (uint32_t)below(&r, one_in(&r, 2) ? 8 : 120);
    s.has_temperature = one_in(&r, 2);
    s.temperature = one_in(&r, 2) ? 0 : (int)below(&r, 21);
    s.has_seed = !one_in(&r, 4);
    s.n = s.wire == WIRE_EXECUTE || !one_in(&r, 3) ? 1 : 1 + (unsigned)below(&r, 4);
    s.logprobs = one_in(&r, 4);
    s.usage = one_in(&r, 2);
    uint64_t own = random_next(&r) >> (s.wire == WIRE_EXECUTE ? 0 : 12);
    bool greedy = s.has_temperature && s.temperature == 0;
    s.variants[0] = random_variant(&r, s.wire, own);
    s.variants[1] = random_variant(&r, s.wire, greedy ? own / 2 : own);
    return s;
}

struct variant scenario_reference(const struct scenario *s)
{
    return (struct variant){
        .stream = true, .framing = "", .sampling = "", .seed = s->variants[0].seed};
}

const char *scenario_path(const struct scenario *s)
{
    static const char *const paths[] = {"/execute", "/v1/chat/completions", "/v1/completions"};
    return paths[s->wire];
}

static void add_prompt(struct text *t, const struct scenario *s)
{
    struct text prompt = text_in(t->arena);
    text_add_str(&prompt, s->echo ? "echo:" : "");
    text_add(&prompt, s->text);
    if (s->wire == WIRE_CHAT)
        text_add_str(t, "\"messages\":[{\"role\":\"user\",\"content\":");
    else
        text_add_str(t, "\"prompt\":");
    text_add_json(t, text_slice(&prompt));
    text_add_str(t, s->wire == WIRE_CHAT ? "}]" : "");
}

struct slice scenario_body(struct arena *arena, const struct scenario *s, const struct variant *v,
                           const char *id, bool with_stops)
{
    struct text t = text_in(arena);
    text_printf(&t, "{\"%s\":\"%s\",", s->wire == WIRE_EXECUTE ? "job_id" : "model",
                s->wire == WIRE_EXECUTE ? id : "stub");
    add_prompt(&t, s);
    if (s->max_tokens)
        text_printf(&t, ",\"max_tokens\":%u", s->max_tokens);
    if (s->has_temperature)
        text_printf(&t, ",\"temperature\":%d.%d", s->temperature / 10, s->temperature % 10);
    if (s->has_seed)
        text_printf(&t, ",\"seed\":%llu", (unsigned long long)v->seed);
    if (s->wire != WIRE_EXECUTE)
        text_printf(&t, ",\"n\":%u,\"stream\":%s%s", s->n, v->stream ? "true" : "false",
                    s->usage && v->stream ? ",\"stream_options\":{\"include_usage\":true}" : "");
    if (s->logprobs && s->wire != WIRE_EXECUTE)
        text_add_str(&t, s->wire == WIRE_CHAT ? ",\"logprobs\":true" : ",\"logprobs\":1");
    text_add_str(&t, v->sampling);
    if (*v->framing)
        text_printf(&t, ",\"assay_fault\":\"%s\"", v->framing);
    if (with_stops && s->stop_count) {
        text_add_str(&t, ",\"stop\":[");
        for (size_t i = 0; i < s->stop_count; i++) {
            text_add_str(&t, i ? "," : "");
            text_add_json(&t, s->stops[i]);
        }
        text_add_byte(&t, ']');
    }
    text_add_byte(&t, '}');
    return text_slice(&t);
}

/* ---- smaller ---- */

/* Leave out the i-th character. */
static bool without_character(struct arena *arena, struct slice *text, size_t i)
{
    size_t at = character_at(*text, i), next = at + character_at(slice_from(*text, at), 1);
    if (utf8_length(*text) == 1)
        return false;
    *text = slice_str(
        arena_printf(arena, "%.*s%.*s", (int)at, text->data, SLICE_ARG(slice_from(*text, next))));
    return true;
}

static bool without_stop(struct scenario *s, size_t i)
{
    s->stops[i] = s->stops[--s->stop_count];
    return true;
}

static bool plain_variant(struct variant *v, size_t what)
{
    struct variant before = *v;
    v->framing = what == 0 ? "" : v->framing;
    v->stream = what == 1 || v->stream;
    v->pace = what == 2 ? NULL : v->pace;
    v->sampling = what == 3 ? "" : v->sampling;
    return v->sampling[0] != before.sampling[0] || v->framing[0] != before.framing[0] ||
           v->stream != before.stream || v->pace != before.pace;
}

/* Settings at their defaults, halves of what can be halved. */
static bool simpler(struct scenario *s, size_t what)
{
    struct scenario before = *s;
    size_t middle = character_at(s->text, utf8_length(s->text) / 2);
    switch (what) {
    case 0:
        s->n = 1;
        break;
    case 1:
        s->logprobs = s->usage = false;
        break;
    case 2:
        s->has_temperature = false;
        s->variants[1].seed = s->variants[0].seed;
        break;
    case 3:
        s->has_seed = false;
        break;
    case 4:
        s->text = middle ? slice_part(s->text, 0, middle) : s->text;
        break;
    case 5:
        s->text = slice_from(s->text, middle);
        break;
    case 6:
        s->max_tokens -= s->max_tokens / 2;
        break;
    default:
        s->max_tokens -= s->max_tokens > 1;
    }
    return s->n != before.n || s->logprobs != before.logprobs || s->usage != before.usage ||
           s->has_temperature != before.has_temperature || s->has_seed != before.has_seed ||
           s->text.len != before.text.len || s->max_tokens != before.max_tokens;
}

bool scenario_smaller(struct arena *arena, const struct scenario *s, size_t i,
                      struct scenario *smaller, bool *changed)
{
    *smaller = *s;
    if (i < 8)
        *changed = plain_variant(&smaller->variants[i / 4], i % 4);
    else if ((i -= 8) < 8)
        *changed = simpler(smaller, i);
    else if ((i -= 8) < s->stop_count)
        *changed = without_stop(smaller, i);
    else if ((i -= s->stop_count) < utf8_length(s->text))
        *changed = without_character(arena, &smaller->text, i);
    else {
        i -= utf8_length(s->text);
        for (size_t k = 0; k < s->stop_count; k++) {
            size_t length = utf8_length(s->stops[k]);
            if (i < length) {
                *changed = without_character(arena, &smaller->stops[k], i);
                return true;
            }
            i -= length;
        }
        return false;
    }
    return true;
}
