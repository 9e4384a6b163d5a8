/* SPDX-License-Identifier: Apache-2.0 */
/* Where the rings of a guest lie in the file that is its memory: of its console, and of files. */
#ifndef STANDIN_PAGE_H
#define STANDIN_PAGE_H

#include <stdint.h>

#define PAGE	   4096
#define DATA_PAGES 8

/* The guest's 9pfs devices have two rings each, of 2^NINE_ORDER data pages behind their page. */
#define NINE_DEVICES 2
#define NINE_RINGS   2
#define NINE_ORDER   3
#define NINE_PAGES   (1 + (1 << NINE_ORDER))

/* A grant's reference is the number of its page. */
enum {
	SHARED_REF = 1,
	FIRST_DATA_REF,
	FIRST_NINE_REF = FIRST_DATA_REF + DATA_PAGES,
	PAGES = FIRST_NINE_REF + NINE_DEVICES * NINE_RINGS * NINE_PAGES
};

/* The page of a ring, and the port of its event channel. */
#define NINE_REF(device, ring)	(FIRST_NINE_REF + ((device)*NINE_RINGS + (ring)) * NINE_PAGES)
#define NINE_PORT(device, ring) (CONSOLE_PORT + 1 + (device)*NINE_RINGS + (ring))

/* Bytes of each ring: half of the data pages. */
#define RING (DATA_PAGES * PAGE / 2)

/* xen/include/public/io/console.h */
struct page {
	char in[1024], out[2048];
	uint32_t in_cons, in_prod;
	uint32_t out_cons, out_prod;
};

/* xen/include/public/io/9pfs.h */
struct nine_page {
	uint32_t in_cons, in_prod;
	uint8_t pad1[56];
	uint32_t out_cons, out_prod;
	uint8_t pad2[56];
	uint32_t order, refs[1 << NINE_ORDER];
};

/* Bytes of each half of such a ring. */
#define NINE_HALF ((1 << NINE_ORDER) * PAGE / 2)

/* What the helpers' half of /dev/xen/evtchn says to xen. An unmasking is the port alone. */
struct channel_order {
	enum { CHANNEL_BIND = 1, CHANNEL_NOTIFY } order;
	uint32_t domid, port;
};

/* A bell between the VM and xen is a byte: the port. */
#define CONSOLE_PORT 1
#define PORTS	     (NINE_PORT(NINE_DEVICES, 0))

#endif
