/* SPDX-License-Identifier: Apache-2.0 OR MIT
 *
 * What the kernel programs and the daemon share: the layout of the pinned maps. `abi.rs` beside this folder
 * mirrors it, and its tests read this file. A change of a layout or of a meaning here needs a new ABI number,
 * because maps outlive the daemon.
 */
#pragma once

#include <linux/types.h>

#define HOTSHARE_ABI 2

#define ACCOUNTS 4096
#define DEVICES 4096
#define EVENT_BYTES (256 * 1024)
#define REASON_ROOM 64 /* more than there are reasons, so that a new one needs no new map */

/* The account of the uplink's plan. Slot 0 is nobody's. */
#define PLAN 1

/* account.flags */
#define OPEN 1
#define COUNT_ONLY 2
#define GLIDE 4
#define RATED 8 /* `rate` holds */

/* One account. The first 64 bytes are written by the daemon only, the second by the programs only (the
 * daemon stores 0 to `told`); so a packet dirties one cache line of each account in its chain. The third is
 * looked at only where a rate is set (flag RATED). */
struct account {
	__u64 granted; /* cumulative; may be spent up to here */
	__u64 low;     /* the packet that takes `spent` to this mark says so */
	__u64 later;   /* what remains of the balance after `granted`; 0: this is the last grant */
	__u64 reserve; /* kept back from phones while `later` is 0 */
	__u64 expiry;  /* closed from this boot time (ns) on */
	__u32 parent;
	__u32 flags;
	__u64 spare_daemon[2];

	__u64 spent; /* taken; may for an instant include what is about to be given back */
	__u64 up;    /* forwarded; for the plan: billed */
	__u64 down;
	__u64 refused_up;
	__u64 refused_down;
	__u64 tat;  /* glide: when the bytes let through so far are due (boot ns) */
	__u64 told; /* 1: a refusal was reported and nobody has answered it yet */
	__u64 spare_kernel;

	__u64 rate; /* layer-3 bytes a second, each direction by itself */
	/* When the bytes let through so far are due (boot ns). The daemon moves them when it changes the rate. */
	__u64 due_up;
	__u64 due_down;
	__u64 spare_rate[5];
};

/* Where slowed packets wait before they are charged: a pair of veth, whose second end has an HTB queue. A packet
 * goes in at the first, is cut up there if it is a merged one, is sent back by the second through the queue, and
 * comes out of the first. All are interface numbers; `enter` is 0 while there is no queue. */
struct queue {
	__u32 enter;
	__u32 uplink;
	__u32 lan;
	__u32 spare;
};

/* The class of the queue that a packet waits in: this, or'ed with QUEUE_DOWN and with the person's slot. */
#define QUEUE_HANDLE 0x48530000
#define QUEUE_DOWN 0x1000

struct device_key {
	__u32 ifindex;
	__u8 mac[6];
	__u16 zero;
};

struct device {
	__u32 slot;
	__be32 ip4; /* its lease; 0: none yet */
	__u32 flags;
};

struct config {
	__u64 generation; /* random when the maps are made, never changed after; 0: not made yet */
	__u32 abi;
	__u32 ok;          /* mark bit: may be forwarded */
	__u32 from_uplink; /* mark bit: came in from the uplink */
	__u32 slot_shift;  /* where in the mark the device's slot stands, 12 bits */
	__be32 gateway;
	__be32 lan_mask;
	__u32 uplink_l2; /* bytes of link header: 14, or 0 on a raw-IP device */
	__u32 lan_l2;
	__u32 limited; /* the plan has a cap, which the box's own traffic must respect too */
	__u32 spare[5];
};

enum event_kind {
	EVENT_LOW = 1,
	EVENT_REFUSED = 2,
};

struct event {
	__u32 kind;
	__u32 slot;
	__u32 last; /* refused: there was nothing left to grant */
	__u32 spare;
};

/* Why a packet was dropped, or was passed on without the mark that lets it through. The order is the
 * promised index into the map `reasons`. */
enum reason {
	REASON_NONE,
	REASON_MALFORMED,
	REASON_VLAN,
	REASON_IPV6,
	REASON_ETHERTYPE,
	REASON_BAD_SOURCE_MAC,
	REASON_SPOOFED_ARP,
	REASON_SPOOFED_ADDRESS,
	REASON_STATION_TO_STATION,
	REASON_UNKNOWN_DEVICE,
	REASON_NO_LEASE,
	REASON_CLOSED_AT_LAN,
	REASON_CLOSED_UP,
	REASON_CLOSED_DOWN,
	REASON_GLIDE_UP,
	REASON_GLIDE_DOWN,
	REASON_PERSON_SPENT_UP,
	REASON_PERSON_SPENT_DOWN,
	REASON_PLAN_SPENT_UP,
	REASON_PLAN_SPENT_DOWN,
	REASON_PLAN_SPENT_OWN,
	REASON_UNKNOWN_RECEIVER,
	REASON_PERSON_RATE_UP,
	REASON_PERSON_RATE_DOWN,
	REASON_PLAN_RATE_UP,
	REASON_PLAN_RATE_DOWN,
	REASONS,
};
