/*
 * Running a suite from a C program: the cases with one tag, with a JUnit report beside what people
 * read, and a decision made on the outcome.
 *
 *     cc run_suite.c $(pkg-config --cflags --libs assay) -o run_suite
 *     ./run_suite suites/worker stream
 */
#include <assay/assay.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: run_suite SUITE TAG\n");
        return 2;
    }
    int status = assay_init(stderr); /* once, before anything else */
    if (status)
        return status;

    /* Everything left out is zero, and zero is the default. */
    const char *reports[] = {"junit=results.xml"};
    struct assay_run_options options = {
        .selection = {.suites = {(const char *const *)&argv[1], 1},
                      .tags = {(const char *const *)&argv[2], 1},
                      .timeout_ns = 10 * 1000000000ll},
        .reports = {reports, 1},
        .store = "none",
        .jobs = 4,
    };
    status = assay_run(&options);
    switch (status) {
    case 0:
        printf("ready to be deployed\n");
        break;
    case 1:
        printf("not to be deployed: see results.xml\n");
        break;
    default:
        printf("no verdict: status %d\n", status);
        break;
    }
    return status;
}
