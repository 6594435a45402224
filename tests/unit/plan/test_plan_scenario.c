/*
 * Scenarios: which files are one, the suite they become, and the options their loads stand for.
 */
#include "plan_test.h"

#include "step/load_keys.h"

static void scenario(struct planning *p, const char *text)
{
    p->paths[p->path_count++] = planning_file(p, "s.yaml", text);
    p->options.paths = p->paths;
    p->options.path_count = p->path_count;
}

static const struct node *load_of(const struct planning *p, const char *id)
{
    return node_get(planning_case(p, id)->steps[0].node, "load");
}

static struct assay_load_options options_of(struct planning *p, const char *id)
{
    struct assay_load_options o;
    struct result r = load_keys_read(p->arena, load_of(p, id), SLICE("folder"), &o);
    assert_int_equal(r.code, ERR_OK);
    return o;
}

static void a_scenario_is_a_suite_with_one_load(void **state)
{
    struct planning *p = *state;
    scenario(p, "url: http://127.0.0.1:1/\nrate: 5\n");
    planning_make(p);
    assert_string_equal(planning_ids(p), "load\n");
    assert_true(slice_is(planning_case(p, "load")->key, "s/load"));
    assert_string_equal(options_of(p, "load").rate, "5");
}

static void each_of_its_loads_says_what_it_has_other_than_the_top(void **state)
{
    struct planning *p = *state;
    scenario(p, "url: http://127.0.0.1:1/\nrate: 5\narrivals: constant\nduration: 2s\n"
                "loads:\n  - {name: quick, rate: 50}\n  - {concurrency: 3}\n");
    planning_make(p);
    assert_string_equal(planning_ids(p), "quick\nload 2\n");
    struct assay_load_options quick = options_of(p, "quick"), users = options_of(p, "load 2");
    assert_string_equal(quick.rate, "50");
    assert_string_equal(quick.arrivals, "constant");
    assert_int_equal(quick.duration_ns, 2 * NS_PER_S);
    assert_int_equal(users.concurrency, 3);
    assert_null(users.rate); /* what it excludes is out of force */
    assert_null(users.arrivals);
    assert_int_equal(users.duration_ns, 2 * NS_PER_S);
}

static void a_case_with_a_load_runs_alone_and_has_the_time_it_takes(void **state)
{
    struct planning *p = *state;
    scenario(p, "url: http://127.0.0.1:1/\nwarmup: 1m\nduration: 10m\ndrain: 1m\n");
    planning_make(p);
    assert_true(planning_case(p, "load")->isolate);
    assert_int_equal(planning_case(p, "load")->timeout, PLAN_TIMEOUT + 12 * 60 * NS_PER_S);
}

static void faults_have_their_place(void **state)
{
    struct planning *p = *state;
    scenario(p, "url: http://127.0.0.1:1/\nloads:\n  - {rat: 5}\n");
    const char *said = planning_refused(p);
    assert_non_null(strstr(said, "unknown key \"rat\" in a scenario load"));
    assert_non_null(strstr(said, "did you mean \"rate\"?"));
}

static void a_load_that_does_not_say_what_is_loaded_is_refused(void **state)
{
    struct planning *p = *state;
    scenario(p, "loads:\n  - {rate: 5}\n");
    assert_non_null(strstr(planning_refused(p), "a load does not say what is loaded"));
}

static void what_no_shape_describes_is_told_at_its_place_and_once(void **state)
{
    struct planning *p = *state;
    scenario(p, "url: http://127.0.0.1:1/\nslo: [ttf p99 < 1s]\nloads:\n  - {rate: 5}\n"
                "  - {rate: fast}\n  - {arrivals: constant}\n");
    const char *said = planning_refused(p);
    assert_non_null(strstr(said, "s.yaml:2:6: error: slo \"ttf p99 < 1s\": there is no quantity"));
    assert_non_null(strstr(said, "s.yaml:5:12: error: rate fast: expected requests a second"));
    assert_non_null(strstr(said, "s.yaml:6:16: error: arrivals needs --rate"));
    assert_non_null(strstr(said, "3 errors"));
}

static void values_become_what_options_are(void **state)
{
    struct planning *p = *state;
    scenario(p, "url: http://127.0.0.1:1/v1/chat/completions\nstream: true\nrate: 0.5\n"
                "headers: {A: b, C: 5}\nslo: [errors < 1%, ttft p99 < 1s]\nbody: {n: 1}\n"
                "seed: 0\nthresholds: {errors: rate<0.1, ttft: ['p(99)<200', {threshold: med<5, "
                "abortOnFail: true, delayAbortEval: 10s}]}\n");
    planning_make(p);
    struct assay_load_options o = options_of(p, "load");
    assert_true(o.stream && o.has_seed && o.seed == 0);
    assert_string_equal(o.rate, "0.5");
    assert_int_equal(o.headers.count, 2);
    assert_string_equal(o.headers.items[1], "C: 5");
    assert_string_equal(o.slo, "errors < 1%, ttft p99 < 1s");
    assert_string_equal(o.body, "{\"n\":1}");
    assert_int_equal(o.thresholds.count, 2);
    assert_string_equal(o.thresholds.items[1], "ttft: p(99)<200");
    assert_int_equal(o.aborts.count, 1);
    assert_string_equal(o.aborts.items[0], "ttft: med<5 after 10s");
}

static void paths_are_relative_to_the_scenario(void **state)
{
    struct planning *p = *state;
    scenario(p, "url: http://127.0.0.1:1/\nloads:\n  - {body: '@b.json'}\n"
                "  - {prompts: /p.jsonl}\n  - {trace: t.csv}\n");
    planning_make(p);
    assert_string_equal(options_of(p, "load 1").body, "@folder/b.json");
    assert_string_equal(options_of(p, "load 2").prompts, "/p.jsonl");
    assert_string_equal(options_of(p, "load 3").trace, "folder/t.csv");
}

static void what_is_given_lies_on_top_and_displaces(void **state)
{
    (void)state;
    struct assay_load_options file = {.rate = "5",
                                      .arrivals = "constant",
                                      .prompt = "file",
                                      .model = "file"},
                              given = {.concurrency = 2, .prompts = "given", .has_seed = true};
    load_keys_lay(&given, &file);
    assert_null(file.rate);
    assert_null(file.arrivals);
    assert_null(file.prompt);
    assert_int_equal(file.concurrency, 2);
    assert_string_equal(file.prompts, "given");
    assert_string_equal(file.model, "file");
    assert_true(file.has_seed);
}

static void an_error_of_an_option_is_told_at_its_key(void **state)
{
    struct planning *p = *state;
    scenario(p, "url: http://127.0.0.1:1/\nmax_tokens: 5\nheaders: {a: b}\n");
    planning_make(p);
    const struct node *load = load_of(p, "load");
    struct result r = error_set(ERR_USAGE, "--max-tokens: too many");
    assert_int_equal(load_keys_blame(load, NULL, r).code, ERR_USAGE);
    assert_int_equal(error_last()->place.line, 2);
    assert_string_equal(error_last()->text, "max_tokens: too many");
    r = error_set(ERR_USAGE, "--header 'a: b': no");
    assert_int_equal(load_keys_blame(load, NULL, r).code, ERR_USAGE);
    assert_int_equal(error_last()->place.line, 3);
    r = error_set(ERR_USAGE, "--rate: not in the file");
    assert_int_equal(load_keys_blame(load, NULL, r).code, ERR_USAGE);
    assert_string_equal(error_last()->text, "--rate: not in the file");
    r = error_set(ERR_USAGE, "--max-tokens and --header (both of the file) and --rate");
    assert_int_equal(load_keys_blame(load, NULL, r).code, ERR_USAGE);
    assert_string_equal(error_last()->text, "max_tokens and headers (both of the file) and --rate");
}

static void an_error_of_the_command_line_is_none_of_the_files(void **state)
{
    struct planning *p = *state;
    scenario(p, "url: http://127.0.0.1:1/\nrate: 5\n");
    planning_make(p);
    const struct assay_load_options given = {.rate = "ten"};
    struct result r = error_set(ERR_USAGE, "--rate ten: expected a number");
    assert_int_equal(load_keys_blame(load_of(p, "load"), &given, r).code, ERR_USAGE);
    assert_null(error_last()->place.source);
    assert_string_equal(error_last()->text, "--rate ten: expected a number");
}

static void a_url_that_nothing_is_at_is_blamed_on_its_line(void **state)
{
    struct planning *p = *state;
    scenario(p, "rate: 5\nurl: http://127.0.0.1:1/\n");
    planning_make(p);
    struct result r = error_set(ERR_CONNECT, "127.0.0.1:1 cannot be reached");
    assert_int_equal(load_keys_blame(load_of(p, "load"), NULL, r).code, ERR_CONNECT);
    assert_int_equal(error_last()->place.line, 2);
}

int main(void)
{
    mem_install();
    const struct CMUnitTest tests[] = {
        PLAN_TEST(a_scenario_is_a_suite_with_one_load),
        PLAN_TEST(each_of_its_loads_says_what_it_has_other_than_the_top),
        PLAN_TEST(a_case_with_a_load_runs_alone_and_has_the_time_it_takes),
        PLAN_TEST(faults_have_their_place),
        PLAN_TEST(a_load_that_does_not_say_what_is_loaded_is_refused),
        PLAN_TEST(what_no_shape_describes_is_told_at_its_place_and_once),
        PLAN_TEST(values_become_what_options_are),
        PLAN_TEST(paths_are_relative_to_the_scenario),
        PLAN_TEST(what_is_given_lies_on_top_and_displaces),
        PLAN_TEST(an_error_of_an_option_is_told_at_its_key),
        PLAN_TEST(an_error_of_the_command_line_is_none_of_the_files),
        PLAN_TEST(a_url_that_nothing_is_at_is_blamed_on_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
