/*
 * Host names: RFC 1123 with A-labels, and with U-labels as IDNA 2008 (RFC 5890 to 5893) has them.
 */
#ifndef CHECK_HOSTNAME_H
#define CHECK_HOSTNAME_H

#include "core/slice.h"

/* ASCII only; a label that begins with "xn--" must be the encoding of a valid U-label. */
bool hostname_valid(struct slice name);

/* U-labels too, and the full stops of East Asia as separators. */
bool hostname_valid_international(struct slice name);

#endif
