/*
 * What is decided about answers of models: whether to ask again and when, what they cost, whether
 * there is anything left to spend, and who provides a model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "step/ask.h"
#include "suite/load.h"

/* ── asking again ── */

static int64_t retry_after(const char *value)
{
    struct header header = {SLICE("Retry-After"), slice_str(value)};
    struct observation o = {.headers = &header, .header_count = 1};
    return ask_retry_after(&o);
}

static void retry_after_is_read_in_both_forms_and_bounded(void **state)
{
    (void)state;
    assert_true(retry_after("0") == 0);
    assert_true(retry_after(" 7 ") == 7 * NS_PER_S);
    assert_true(retry_after("3600") == ASK_WAIT_MAX);
    assert_true(retry_after("99999999999999999999") == 0);
    assert_true(retry_after("-1") == 0);
    assert_true(retry_after("1.5") == 0);
    assert_true(retry_after("soon") == 0);
    assert_true(retry_after("") == 0);
    assert_true(retry_after("Fri, 31 Dec 1999 23:59:59 GMT") == 0);
    assert_true(retry_after("Fri, 31 Dec 2199 23:59:59 GMT") == ASK_WAIT_MAX);
    assert_true(retry_after("Fri, 31 Dec 2199 23:59:59 GMT and more") == 0);

    char text[64];
    time_t soon = time(NULL) + 30;
    struct tm tm;
    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&soon, &tm));
    int64_t wait = retry_after(text);
    assert_true(wait > 20 * NS_PER_S && wait <= 30 * NS_PER_S);
    struct observation none = {0};
    assert_true(ask_retry_after(&none) == 0);
}

static bool may(int status, enum error_code code)
{
    struct observation o = {.status = status, .seen = status ? OBSERVED_STATUS : 0};
    return ask_may_try_again(&o, (struct result){code});
}

static void what_may_pass_is_tried_again_and_what_cannot_is_not(void **state)
{
    (void)state;
    static const int not_now[] = {408, 409, 425, 429, 500, 502, 503, 504, 529};
    static const int never[] = {200, 201, 301, 400, 401, 402, 403, 404, 413, 422};
    for (size_t i = 0; i < sizeof(not_now) / sizeof(*not_now); i++)
        assert_true(may(not_now[i], ERR_OK));
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
        assert_false(may(never[i], ERR_OK));
    assert_true(may(0, ERR_CONNECT));
    assert_true(may(200, ERR_CLOSED));
    assert_true(may(0, ERR_TIMEOUT));
    assert_false(may(0, ERR_TLS));
    assert_false(may(0, ERR_SUITE));
    assert_false(may(0, ERR_TOO_LARGE));
}

/* ── providers ── */

struct fixture {
    struct arena *arena;
    const struct node *settings;
    struct models *models;
};

static struct fixture settings(const char *text)
{
    struct fixture f = {.arena = arena_new()};
    struct diagnostics d = diagnostics_in(f.arena);
    f.settings = load_text(f.arena, "test.json", slice_str(text), &d);
    assert_int_equal(d.count, 0);
    struct models_options options = {.settings = f.settings};
    f.models = models_new(f.arena, &options);
    return f;
}

static const char providers[] =
    "{\"providers\": {"
    "\"a\": {\"url\": \"http://a/v1\", \"models\": {\"small\": {\"model\": \"a-small-2\", "
    "\"input\": 0.15, \"output\": 0.6}}, \"timeout\": \"5s\"},"
    "\"b\": {\"url\": \"http://b/v1\", \"key\": {\"env\": \"ASSAY_TEST_KEY\"}, \"breaker\": false,"
    " \"headers\": {\"X-Org\": \"1\"}, \"models\": {\"org/big\": {}}}}}";

static struct model_target found(struct fixture *f, const char *name, const char *provider)
{
    struct model_target t;
    struct result r =
        models_find(f->models, f->settings, f->arena, slice_str(name), slice_str(provider), &t);
    if (!result_ok(r))
        fail_msg("%s", error_last()->text);
    return t;
}

static void a_model_is_found_by_list_by_prefix_and_by_provider(void **state)
{
    (void)state;
    struct fixture f = settings(providers);
    setenv("ASSAY_TEST_KEY", "k1", 1);
    struct model_target t = found(&f, "small", "");
    assert_true(slice_is(t.url, "http://a/v1") && slice_is(t.model, "a-small-2"));
    assert_true(t.timeout == 5 * NS_PER_S);
    assert_non_null(models_breaker(&t));

    t = found(&f, "a/small", "");
    assert_true(slice_is(t.model, "a-small-2"));
    t = found(&f, "a/other/one", "");
    assert_true(slice_is(t.url, "http://a/v1") && slice_is(t.model, "other/one"));
    assert_true(t.input_price < 0);

    /* A listed name may have a slash of its own. */
    t = found(&f, "org/big", "");
    assert_true(slice_is(t.url, "http://b/v1") && slice_is(t.model, "org/big"));
    assert_null(models_breaker(&t));
    assert_true(slice_is(node_get(t.headers, "Authorization")->string, "Bearer k1"));
    assert_non_null(node_get(t.headers, "X-Org"));

    t = found(&f, "small", "b");
    assert_true(slice_is(t.url, "http://b/v1") && slice_is(t.model, "small"));

    t = found(&f, "unknown", "");
    assert_true(t.url.len == 0 && slice_is(t.model, "unknown") && !t.provider);
    t = found(&f, "c/unknown", "");
    assert_true(t.url.len == 0 && slice_is(t.model, "c/unknown"));
    arena_free(f.arena);
}

static void without_its_key_or_its_name_a_provider_is_not_asked(void **state)
{
    (void)state;
    struct fixture f = settings(providers);
    struct model_target t;
    unsetenv("ASSAY_TEST_KEY");
    assert_int_equal(models_find(f.models, f.settings, f.arena, SLICE("b/x"), SLICE(""), &t).code,
                     ERR_VALUE);
    assert_non_null(strstr(error_last()->text, "ASSAY_TEST_KEY"));
    assert_int_equal(models_find(f.models, f.settings, f.arena, SLICE("x"), SLICE("aa"), &t).code,
                     ERR_SUITE);
    assert_non_null(strstr(error_last()->text, "known: a, b"));
    assert_int_equal(models_find(NULL, NULL, f.arena, SLICE("x"), SLICE("a"), &t).code, ERR_SUITE);
    assert_int_equal(models_find(NULL, NULL, f.arena, SLICE("x"), SLICE(""), &t).code, ERR_OK);
    arena_free(f.arena);
}

/* ── money ── */

static void costs_are_exact_to_the_billionth(void **state)
{
    (void)state;
    struct model_target t = {.input_price = 0.15, .output_price = 0.6};
    struct usage u = {.input_tokens = 1, .output_tokens = 0};
    assert_int_equal(models_cost(&t, &u), 150);
    u = (struct usage){.input_tokens = 1000000, .output_tokens = 1000000};
    assert_int_equal(models_cost(&t, &u), 750000000);
    u = (struct usage){.input_tokens = 3, .output_tokens = 7};
    assert_int_equal(models_cost(&t, &u), 450 + 4200);
    u.output_tokens = -1;
    assert_int_equal(models_cost(&t, &u), -1);
    t.output_price = -1;
    u.output_tokens = 1;
    assert_int_equal(models_cost(&t, &u), -1);
    t = (struct model_target){.input_price = 1e9, .output_price = 1e9};
    u = (struct usage){.input_tokens = INT32_MAX, .output_tokens = INT32_MAX};
    assert_int_equal(models_cost(&t, &u), -1); /* more than can be told */
}

static void a_budget_is_spent_when_it_is_and_not_before(void **state)
{
    (void)state;
    struct fixture f = settings("{\"budget\": {\"tokens\": 100, \"cost\": 0.5}}");
    struct model_target priced = {.model = SLICE("m"), .input_price = 1, .output_price = 1},
                        unpriced = {.model = SLICE("n"), .input_price = -1, .output_price = -1};
    struct usage u = {.input_tokens = 60, .output_tokens = 39, .cost = 499999999};
    assert_int_equal(models_afford(f.models, &unpriced).code, ERR_SUITE);
    models_spend(f.models, &u);
    assert_null(models_spent(f.models));
    assert_int_equal(models_afford(f.models, &priced).code, ERR_OK);

    struct usage cached = {.input_tokens = 60, .output_tokens = 39, .cost = 0, .cached = true};
    models_spend(f.models, &cached);
    assert_null(models_spent(f.models));

    u = (struct usage){.input_tokens = 1, .output_tokens = -1, .cost = -1};
    models_spend(f.models, &u);
    assert_string_equal(models_spent(f.models), "the budget of 100 tokens is spent: 100 were used");
    assert_int_equal(models_afford(f.models, &priced).code, ERR_TOO_LARGE);
    assert_int_equal(models_counted(f.models, &u).code, ERR_PROTOCOL);
    arena_free(f.arena);

    f = settings("{\"budget\": {\"cost\": 0.5}}");
    u = (struct usage){.input_tokens = 1, .output_tokens = 1, .cost = 500000000};
    models_spend(f.models, &u);
    assert_string_equal(models_spent(f.models), "the budget of 0.5 is spent: it cost 0.5");
    arena_free(f.arena);

    f = settings("{}");
    models_spend(f.models, &u);
    assert_null(models_spent(f.models));
    assert_int_equal(models_afford(f.models, &unpriced).code, ERR_OK);
    arena_free(f.arena);
}

static void an_answer_with_a_secret_is_not_kept(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct slice secrets[] = {SLICE("hunter22"), SLICE("x")};
    struct models_options options = {.secrets = secrets, .secret_count = 2};
    struct models *models = models_new(arena, &options);
    assert_false(models_may_keep(models, SLICE("it is hunter22!")));
    assert_true(models_may_keep(models, SLICE("it is hunter2, x")));
    assert_null(models_answers(models, false));
    assert_non_null(models_answers(models, true));
    options.cache = MODELS_CACHE_OFF;
    assert_null(models_answers(models_new(arena, &options), true));
    assert_null(models_answers(NULL, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after_is_read_in_both_forms_and_bounded),
        cmocka_unit_test(what_may_pass_is_tried_again_and_what_cannot_is_not),
        cmocka_unit_test(a_model_is_found_by_list_by_prefix_and_by_provider),
        cmocka_unit_test(without_its_key_or_its_name_a_provider_is_not_asked),
        cmocka_unit_test(costs_are_exact_to_the_billionth),
        cmocka_unit_test(a_budget_is_spent_when_it_is_and_not_before),
        cmocka_unit_test(an_answer_with_a_secret_is_not_kept),
    };
    return cmocka_run_group_tests_name("ask", tests, NULL, NULL);
}
