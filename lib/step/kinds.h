/*
 * The kinds of steps there are. A new kind is a file of its own, a line here, and a row in kinds.c.
 */
#ifndef STEP_KINDS_H
#define STEP_KINDS_H

#include "step/step.h"

extern const struct step_kind step_http, step_execute, step_chat, step_complete, step_embed,
    step_infer, step_exec, step_wait, step_load;

#endif
