/*
 * How many segments with data a connection has received: the kernel's own count. In a file of its
 * own because the header that has it does not go with the one that libuv includes.
 */
#ifndef FAULTS_SEGMENTS_H
#define FAULTS_SEGMENTS_H

unsigned segments_received(int fd);

#endif
