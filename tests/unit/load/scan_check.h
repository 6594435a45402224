/*
 * The scanner and jansson on the same text, for the unit test and the fuzzer: what jansson reads,
 * the scanner accepts, with the same values where it looked.
 */
#ifndef TESTS_LOAD_SCAN_CHECK_H
#define TESTS_LOAD_SCAN_CHECK_H

#include "core/slice.h"

/* Aborts with the text when the two differ. */
void scan_check(struct slice text);

#endif
