/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a VM on a bridge from speaking in the name of others. */
#ifndef RUNX_SPOOFING_H
#define RUNX_SPOOFING_H

/*
 * Lets in, at the host's end `vif` (an index) of a VM's interface, only what the VM may send: IPv4,
 * ARP and IPv6 from the MAC address `mac`, and from the addresses in `description`, its lines of
 * docs/guest-interface.md. If there are none, or one is to come by DHCP, all addresses are let in.
 * The VM can be no DHCP server and no IPv6 router. Call this before the interface is up. Returns 0,
 * or -1 with errno (ENOENT: the kernel lacks a module; EINVAL: a line is no address).
 */
int spoofing_refuse(int netlink, int vif, const unsigned char mac[6], const char *description);

#endif
