/*
 * Images of a message as data URLs. What is read is a file that a suite names, so its size is
 * bounded, and only a regular file of a known kind is taken: a suite is no way to send any file of
 * this machine to a model.
 */
#ifndef STEP_IMAGE_H
#define STEP_IMAGE_H

#include "core/arena.h"

/*
 * "data:image/png;base64,…" of the PNG, JPEG, GIF or WebP file `path`, relative to `folder`.
 * ERR_IO when it cannot be read, ERR_TOO_LARGE past LIMIT_IMAGE_BYTES, ERR_VALUE when it is none of
 * these.
 */
struct result image_data_url(struct arena *arena, struct slice folder, struct slice path,
                             struct slice *url) MUST_USE;

/* Is it a URL already? */
bool image_is_url(struct slice text);

#endif
