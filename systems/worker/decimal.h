/*
 * Numbers as the original worker prints them: Rust's `{}` of an f32, the shortest decimal digits
 * that read back as the same float, never with an exponent.
 */
#ifndef WORKER_DECIMAL_H
#define WORKER_DECIMAL_H

/* The longest is the smallest negative subnormal: "-0." and 45 digits. */
#define DECIMAL_TEXT 64

/* 3.0 gives "3", 2.1 gives "2.1", 1e-7 gives "0.0000001"; also "inf", "-inf", "NaN". Returns
 * `out`. */
const char *decimal_f32(char out[DECIMAL_TEXT], float value);

#endif
