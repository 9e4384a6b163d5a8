/* SPDX-License-Identifier: Apache-2.0 */
/* Where the rings of a guest's console lie in the file that is its memory. */
#ifndef STANDIN_PAGE_H
#define STANDIN_PAGE_H

#include <stdint.h>

#define PAGE	   4096
#define DATA_PAGES 8

/* A grant's reference is the number of its page. */
enum { SHARED_REF = 1, FIRST_DATA_REF, PAGES = FIRST_DATA_REF + DATA_PAGES };

/* Bytes of each ring: half of the data pages. */
#define RING (DATA_PAGES * PAGE / 2)

/* xen/include/public/io/console.h */
struct page {
	char in[1024], out[2048];
	uint32_t in_cons, in_prod;
	uint32_t out_cons, out_prod;
};

/* What the helpers' half of /dev/xen/evtchn says to xen. An unmasking is the port alone. */
struct channel_order {
	enum { CHANNEL_BIND = 1, CHANNEL_NOTIFY } order;
	uint32_t domid, port;
};

#define CONSOLE_PORT 1

#endif
