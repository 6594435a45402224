/*
 * What the redactor removes, in every shape a secret takes, and what it leaves alone.
 */
#include <stdlib.h>

#include "core/memory.h"
#include "core/text.h"
#include "fixture.h"

static struct slice text_of(const struct redactor *redactor, struct arena *arena, const char *text)
{
    return redact_text(redactor, arena, slice_str(text));
}

#define assert_text(got, wanted)                                                                   \
    do {                                                                                           \
        struct slice got_ = (got);                                                                 \
        if (!slice_is(got_, (wanted)))                                                             \
            fail_msg("got \"%.*s\", wanted \"%s\"", SLICE_ARG(got_), (wanted));                    \
    } while (0)

static void a_secret_is_removed_in_every_shape(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct redactor *r = redactor_new();
    redactor_add(r, SLICE("p4\"ss w/rd+"));
    static const char *const shapes[] = {
        "p4\"ss w/rd+",        /* plain */
        "p4%22ss%20w%2Frd%2B", /* percent-encoded */
        "p4%22ss%20w%2frd%2b", /* in lower case */
        "p4%22ss+w%2Frd%2B",   /* in a form */
        "p4\\\"ss w/rd+",      /* in JSON */
        "p4\\\"ss w\\/rd+",    /* in the JSON of PHP */
        "p4\\\\\\\"ss w/rd+",  /* in JSON within JSON */
        "p4&quot;ss w/rd+",    /* in XML and HTML */
    };
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const char *text = arena_printf(arena, "before %s, after", shapes[i]);
        assert_text(text_of(r, arena, text), "before [secret], after");
    }
    redactor_add(r, SLICE("<\xc3\xa9t\xc3\xa9> \xf0\x9f\x94\x91"));
    assert_text(text_of(r, arena, "\\u003c\xc3\xa9t\xc3\xa9\\u003e \xf0\x9f\x94\x91"), "[secret]");
    assert_text(text_of(r, arena, "<\\u00e9t\\u00e9> \\ud83d\\udd11"), "[secret]");
    /* In base64 the last character also holds bits of what follows. */
    assert_text(text_of(r, arena, "before cDQic3Mgdy9yZCs=, after"), "before [secret]s=, after");
    redactor_free(r);
}

/* user:PASSWORD in base64, for every length of the user name. */
static void a_secret_is_found_in_base64_at_every_offset(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct redactor *r = redactor_new();
    redactor_add(r, SLICE("correct horse battery"));
    assert_text(text_of(r, arena, "dTpjb3JyZWN0IGhvcnNlIGJhdHRlcnk="), "dTp[secret]k=");
    static const char *const encoded[] = {
        "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5",     /* itself */
        "OmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==", /* ":" before it */
        "YTpjb3JyZWN0IGhvcnNlIGJhdHRlcnk6", /* "a:" before, ":" behind */
    };
    for (size_t i = 0; i < sizeof(encoded) / sizeof(encoded[0]); i++) {
        struct slice clean = text_of(r, arena, encoded[i]);
        assert_true(slice_find(clean, SLICE("[secret]")) >= 0);
        assert_true(clean.len <= sizeof("xxxx[secret]xxxx"));
    }
    redactor_free(r);
}

static void a_secret_that_was_cut_at_the_end_is_removed_too(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct redactor *r = redactor_new();
    redactor_add(r, SLICE("abcdefghijklmnop"));
    assert_text(text_of(r, arena, "x abcdefghij"), "x [secret]");
    assert_text(text_of(r, arena, "x abcdefghij… (6 more bytes)"), "x [secret]… (6 more bytes)");
    assert_text(text_of(r, arena, "x abcde"), "x abcde");
    assert_text(text_of(r, arena, "abcdefghi and more"), "abcdefghi and more");
    redactor_free(r);
}

static void the_longest_secret_wins_and_all_are_found(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct redactor *r = redactor_new();
    redactor_add(r, SLICE("abcd"));
    redactor_add(r, SLICE("abcdef"));
    redactor_add(r, SLICE("xyz"));
    assert_text(text_of(r, arena, "abcdefabcdabcdefgxyz"), "[secret][secret][secret]gxyz");
    redactor_free(r);
}

static void a_text_without_secrets_is_itself(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice text = SLICE("expected 200, got 503: see http://127.0.0.1:80/v1?n=1");
    assert_ptr_equal(redact_text(NULL, arena, text).data, text.data);
    assert_int_equal(arena_size(arena), 0);
}

static void credentials_are_known_by_their_looks(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"got Bearer abc.DEF-123456 here", "got Bearer [secret] here"},
        {"got basic QWxhZGRpbjpvcGVu", "got basic [secret]"},
        {"http://me:pw@host/x", "http://[secret]@host/x"},
        {"redis://:pw@host:6379/0", "redis://[secret]@host:6379/0"},
        {"GET /v1?api_key=abc&n=2", "GET /v1?api_key=[secret]&n=2"},
        {"GET /v1?n=2&access_token=abc#x", "GET /v1?n=2&access_token=[secret]#x"},
        {"GET /v1?token=abc&key=def", "GET /v1?token=[secret]&key=[secret]"},
        {"OPENAI_API_KEY=abc assay run", "OPENAI_API_KEY=[secret] assay run"},
        {"--set password='a b'", "--set password='[secret] b'"},
        {"{\"api_key\": \"a\\\"b\", \"n\": 1}", "{\"api_key\": \"[secret]\", \"n\": 1}"},
        {"{\\\"client_secret\\\":\\\"abc\\\"}", "{\\\"client_secret\\\":\\\"[secret]\\\"}"},
        {"{\"Authorization\":\"Bearer x\"}", "{\"Authorization\":\"[secret]\"}"},
        {"key sk-proj-a1b2c3d4e5f6g7h8i9", "key [secret]"},
        {"hf_abcdefghij0123456789 x", "[secret] x"},
        {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[secret]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_text(text_of(NULL, arena, cases[i].text), cases[i].clean);
}

static void what_only_resembles_a_credential_stays(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "expected a bearer token, got none",
        "Basic authentication is required",
        "{\"type\":\"token\",\"token\":\"Hello\"}",
        "tokens count: 12, key: value, token=5",
        "http://host:80/path@home",
        "mail to me@example.org",
        "sk-short",
        "password: expected a string, got null",
        "set-cookie: expected to contain \"HttpOnly\"",
        "api_key=",
    };
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_text(text_of(NULL, arena, texts[i]), texts[i]);
}

static void header_lines_of_an_exchange_lose_their_credentials(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice exchange = SLICE("POST /x HTTP/1.1\r\n"
                                  "Host: h\r\n"
                                  "authorization: Digest user=\"a\", response=\"b\"\r\n"
                                  "X-API-Key:abc\r\n"
                                  "x-goog-api-key: abc\n"
                                  "Cookie: a=b; c=d\n"
                                  "Set-Cookie: a=b; Secure\n"
                                  "X-Amz-Security-Token: abc\n"
                                  "Proxy-Authorization: abc\n"
                                  "Content-Length: 3\n\nabc");
    assert_text(redact_exchange(NULL, arena, exchange), "POST /x HTTP/1.1\r\n"
                                                        "Host: h\r\n"
                                                        "authorization: [secret]\r\n"
                                                        "X-API-Key:[secret]\r\n"
                                                        "x-goog-api-key: [secret]\n"
                                                        "Cookie: [secret]\n"
                                                        "Set-Cookie: [secret]\n"
                                                        "X-Amz-Security-Token: [secret]\n"
                                                        "Proxy-Authorization: [secret]\n"
                                                        "Content-Length: 3\n\nabc");
}

static void redacting_twice_changes_nothing_more(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct redactor *r = fixture_redactor();
    for (size_t i = 0; i < FIXTURE_CASES; i++) {
        struct case_result *once = fixture_case(i);
        redact_result(r, once);
        for (const struct attempt_result *a = once->attempts; a; a = a->next) {
            for (const struct step_result *s = a->steps; s; s = s->next) {
                struct slice again = redact_exchange(r, arena, s->request);
                assert_true(slice_eq(again, s->request));
            }
        }
        arena_free(once->arena);
    }
    redactor_free(r);
}

/* Any bytes: no read outside the text (the sanitizers look), and the text only ever changes at
   secrets. */
static void any_bytes_pass(void **state)
{
    (void)state;
    static const char *const pieces[] = {"://", "@",    "=\"", "api_key", "Bearer ", "\\\"", ":",
                                         "?",   "\xff", "\n",  "abcd",    "cookie",  " ",    "sk-"};
    struct redactor *r = redactor_new();
    redactor_add(r, SLICE("abcdabcd"));
    uint64_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct text t = text_in(arena);
        for (int i = 0; i < 8; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text_add_str(&t, pieces[(seed >> 33) % (sizeof(pieces) / sizeof(pieces[0]))]);
        }
        char *exact = mem_alloc(t.len); /* so that a sanitizer sees one byte too many */
        memcpy(exact, text_str(&t), t.len);
        struct slice clean = redact_exchange(r, arena, slice_of(exact, t.len));
        assert_true(slice_find(clean, SLICE("abcdabcd")) < 0);
        mem_free(exact);
    }
    redactor_free(r);
}

static void a_result_is_valid_utf8_afterwards(void **state)
{
    (void)state;
    struct case_result *r = fixture_case(8);
    assert_false(utf8_valid(r->describe));
    redact_result(NULL, r);
    assert_true(utf8_valid(r->describe));
    const struct step_result *s = r->attempts->steps;
    assert_true(utf8_valid(s->verdicts->actual));
    assert_null(memchr(s->response.data, 0, s->response.len));
    arena_free(r->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_removed_in_every_shape),
        cmocka_unit_test(a_secret_is_found_in_base64_at_every_offset),
        cmocka_unit_test(a_secret_that_was_cut_at_the_end_is_removed_too),
        cmocka_unit_test(the_longest_secret_wins_and_all_are_found),
        cmocka_unit_test(a_text_without_secrets_is_itself),
        cmocka_unit_test(credentials_are_known_by_their_looks),
        cmocka_unit_test(what_only_resembles_a_credential_stays),
        cmocka_unit_test(header_lines_of_an_exchange_lose_their_credentials),
        cmocka_unit_test(redacting_twice_changes_nothing_more),
        cmocka_unit_test(any_bytes_pass),
        cmocka_unit_test(a_result_is_valid_utf8_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
