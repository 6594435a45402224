/*
 * What goes over the links of a lane: requests out, answers in, and between them and the sockets
 * the protocols. Who asks when, and what becomes of an answer, is the lane's.
 */
#ifndef LOAD_TRAFFIC_H
#define LOAD_TRAFFIC_H

#include "load/lane.h"

#define TRAFFIC_READ (256u << 10)  /* of one read: lane.buffer */
#define TRAFFIC_RECORD (16u << 10) /* of one TLS record: lane.plain */
#define TRAFFIC_FRAMES (1u << 20)  /* of HTTP/2, at once: lane.frames */

/* The connection is made: secure it, and then what waits for it goes. */
void traffic_opened(struct lane *lane, struct link *link);

/* Send the request of a busy slot, at once or as soon as HTTP/2 allows it; the link is open. */
void traffic_send(struct lane *lane, struct link *link, struct slot *slot);

/* HTTP/2: send the frames of all links that have some. */
void traffic_flush(struct lane *lane);

/* HTTP/2: nobody waits for this slot's answer any more. */
void traffic_cancel(struct lane *lane, struct link *link, struct slot *slot);

/* epoll told of the link. */
void traffic_event(struct lane *lane, struct link *link, uint32_t events);

#endif
