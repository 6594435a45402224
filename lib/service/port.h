/*
 * Free TCP ports for services that are told where to listen. The kernel chooses one that is free on
 * every local address; it is let go just before the service starts, so somebody else can still take
 * it: the race is lost rarely, noticed (see service.h), and run again with another port.
 */
#ifndef SERVICE_PORT_H
#define SERVICE_PORT_H

#include <stdint.h>
#include <sys/types.h>

#include "core/result.h"

struct arena;

/* The ports that one run has given out, so that none is given twice at the same time. */
struct ports;

struct ports *ports_new(void);
void ports_free(struct ports *ports); /* NULL is allowed */

/* A free port, ours until port_release. ERR_IO when the system has none. */
struct result port_reserve(struct ports *ports, uint16_t *port) MUST_USE;
/* The same for a port we had before; false when somebody has it now. */
bool port_reserve_again(struct ports *ports, uint16_t port);
void port_release(struct ports *ports, uint16_t port);

/* Can nobody be found on it? (By binding it for a moment.) */
bool port_is_free(uint16_t port);

/* Does anybody listen on it? False where the kernel does not tell (sock_diag). */
bool port_has_listener(uint16_t port);

/*
 * Who listens on `port`, if it is certainly a process outside of the tree below `root`: its pid and
 * name in `*who`. False when the listener is within the tree, is the proxy of a container (which
 * listens for its container), or is nobody's that we may look into: what cannot be known is not
 * held against the service.
 */
bool port_held_by_stranger(struct arena *arena, uint16_t port, pid_t root, const char **who);

#endif
