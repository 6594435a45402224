/*
 * What the tests of lib/plan share: a plan made from the text of suites.
 */
#ifndef PLAN_TEST_H
#define PLAN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/memory.h"
#include "core/text.h"
#include "plan/plan.h"

/* One test's folder, arena and faults. */
struct planning {
    struct arena *arena;
    struct diagnostics d;
    struct plan_options options;
    struct plan *plan;
    char folder[32];
    const char *paths[4];
    const char *written[8];
    size_t path_count, written_count;
};

int planning_begin(void **state);
int planning_end(void **state);

#define PLAN_TEST(function) cmocka_unit_test_setup_teardown(function, planning_begin, planning_end)

/* A file of the folder; its path. */
const char *planning_file(struct planning *p, const char *name, const char *text);

/* A suite of the plan: its name and its cases, in YAML, NULL-ended. */
void planning_suite(struct planning *p, const char *name, const char *const *cases);

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A case that runs a program; `more` are further keys in YAML's flow form: "needs: a". */
#define CASE(id, more) "- {id: '" id "', exec: {command: ['true']}, expect: {exit: 0}, " more "}\n"

/* Make the plan; it must come out well. */
void planning_make(struct planning *p);

/* It must not: what is said, faults of suites or the error. */
const char *planning_refused(struct planning *p);

/* The ids of the plan's cases, one a line. */
const char *planning_ids(const struct planning *p);

const struct plan_case *planning_case(const struct planning *p, const char *id);

#endif
