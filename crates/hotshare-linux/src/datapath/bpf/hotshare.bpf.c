// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The kernel meter: tcx programs. `cargo xtask bpf` compiles this file; the object is committed beside it.
 *
 *   lan_in      says who a packet is from, drops what can neither be metered nor is needed, sets the OK mark
 *   uplink_out  charges uploads, and the box's own traffic     (after filter and NAT, before the queue)
 *   uplink_in   counts what is billed, marks "from uplink"
 *   lan_out     charges downloads
 *
 * Two more, queue_in and queue_out, carry slowed packets through a queue before they are charged.
 *
 * Exactness: a packet takes its bytes from the grant with one fetch-and-add *before* it may pass, and only its
 * own taking is given back when it did not fit. What passed is then never more than what was granted, at any
 * moment and on any number of CPUs. The daemon never writes `spent`.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "hotshare.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ACCOUNTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct account);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} acct SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DEVICES);
	__type(key, struct device_key);
	__type(value, struct device);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} dev SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} cfg SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_BYTES);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASON_ROOM);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} reasons SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct queue);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} waiting SEC(".maps");

struct tick {
	__u64 jiffies;
	__u64 boot;
};

/* Private to this load of the programs, so not pinned. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tick);
} clock SEC(".maps");

#define PASS (-1) /* TCX_NEXT: whoever is attached after us still has a say */
#define DROP 2    /* TCX_DROP */

#define SLOT_BITS 0xfffU
#define VLAN_VID 0xfffU
#define ARP_SENDER 14           /* where the sender's IPv4 address stands in ARP for Ethernet */
#define HEADERS_IN_IPV6 6       /* extension headers looked through, at most */
#define SMALLEST_PAYLOAD 46     /* Ethernet pads shorter ones */
#define GLIDE_FROM (2ULL << 30) /* bytes left: no glide above */
#define GLIDE_SLOWEST (512ULL << 10) /* bytes a second: the last of a plan goes in a moment */
/* ns that a sender may be ahead of its rate: a tenth of what is left. Merged packets come 64 KB at a time, and
 * TCP that loses one whole packet after another starves long before the plan ends. */
#define GLIDE_BURST 100000000ULL
#define SECOND 1000000000ULL
#define QUEUED 0x8000U
/* ns that the bytes let through may be ahead of a rate. Behind the queue they never are; without it, TCP needs this
 * much to get over what it lost. */
#define RATE_BURST 300000000ULL

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define inline __attribute__((always_inline)) inline
#define read_once(x) (*(volatile typeof(x) *)&(x))
#define add(counter, n) ((void)__sync_fetch_and_add(&(counter), (n)))

/* ---- small words ---- */

static inline struct config *config(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&cfg, &zero);
}

static inline struct account *account(__u32 slot)
{
	return bpf_map_lookup_elem(&acct, &slot);
}

/* Boot time, as of this CPU's last tick (1 to 10 ms): good enough for an expiry, and reading the clock costs
 * more than all the rest of a charge. */
static inline __u64 boot_time(void)
{
	__u32 zero = 0;
	struct tick *t = bpf_map_lookup_elem(&clock, &zero);
	__u64 jiffies = bpf_jiffies64();

	if (unlikely(!t))
		return bpf_ktime_get_boot_ns();
	if (unlikely(t->jiffies != jiffies)) {
		t->boot = bpf_ktime_get_boot_ns();
		t->jiffies = jiffies;
	}
	return t->boot;
}

static inline void count(__u32 reason)
{
	__u64 *n = bpf_map_lookup_elem(&reasons, &reason);
	if (n)
		*n += 1;
}

static inline int drop(enum reason reason)
{
	count(reason);
	return DROP;
}

static inline __u32 our_bits(const struct config *c)
{
	return c->ok | c->from_uplink | SLOT_BITS << (c->slot_shift & 31);
}

static inline bool is_open(const struct account *a, __u64 now)
{
	return (read_once(a->flags) & OPEN) && now < read_once(a->expiry);
}

/* ---- news for the daemon ---- */

static inline bool report(__u32 kind, __u32 slot, bool last)
{
	struct event e = { .kind = kind, .slot = slot, .last = last };
	return bpf_ringbuf_output(&events, &e, sizeof(e), 0) == 0;
}

/* Fetch-and-add gives each packet an interval of its own, so one packet crosses the mark. */
static inline void say_if_low(const struct account *a, __u32 slot, __u64 before, __u64 bytes)
{
	__u64 low = read_once(a->low);
	if (unlikely(before < low && low <= before + bytes))
		report(EVENT_LOW, slot, false);
}

/* Once, until the daemon stores 0. The plain read spares a flood the locked exchange. */
static inline void say_refused(struct account *a, __u32 slot)
{
	if (read_once(a->told) || __sync_lock_test_and_set(&a->told, 1))
		return;
	if (!report(EVENT_REFUSED, slot, read_once(a->later) == 0))
		a->told = 0; /* no room for the news: the next refused packet tries again */
}

/* ---- bytes ---- */

/* Bytes of layer-4 header that each segment repeats. */
static inline __u32 transport_header(struct __sk_buff *skb, __u32 at, __u8 protocol)
{
	__u8 doff;

	if (protocol == IPPROTO_TCP)
		return bpf_skb_load_bytes(skb, at + 12, &doff, 1) ? 0 : (doff >> 4) * 4;
	if (protocol == IPPROTO_SCTP)
		return 12;
	return 8; /* UDP */
}

/* Bytes of layer 3 and 4 header that each segment of a merged packet repeats; 0 when it cannot be told. */
static __attribute__((noinline)) __u32 repeated_header(struct __sk_buff *skb, __u32 l2, __be16 ethertype)
{
	__u32 l3 = 20;
	__u8 next;

	if (ethertype == bpf_htons(ETH_P_IP)) {
		struct iphdr ip;
		if (bpf_skb_load_bytes(skb, l2, &ip, sizeof(ip)))
			return 0;
		l3 = ip.ihl * 4;
		next = ip.protocol;
	} else {
		if (bpf_skb_load_bytes(skb, l2 + 6, &next, 1))
			return 0;
		l3 = 40;
#pragma unroll
		for (int i = 0; i < HEADERS_IN_IPV6; i++) {
			__u8 head[2];
			if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
				break;
			if (bpf_skb_load_bytes(skb, l2 + l3, head, 2))
				return 0;
			next = head[0];
			l3 += (head[1] + 1) * 8;
		}
	}
	return l3 + transport_header(skb, l2 + l3, next);
}

/* The same for what nearly always comes, TCP or UDP over IPv4 with its headers at hand: no call. */
static inline __u32 usual_header(struct __sk_buff *skb, __u32 l2, __be16 ethertype)
{
	void *end = (void *)(long)skb->data_end;
	void *l3 = (void *)(long)skb->data + (l2 & 31);
	const struct iphdr *ip = l3;
	const struct tcphdr *tcp;
	__u64 length;

	if (ethertype != bpf_htons(ETH_P_IP) || l3 + sizeof(*ip) > end)
		return 0;
	length = ip->ihl * 4;
	if (ip->protocol == IPPROTO_UDP)
		return length + 8;
	tcp = l3 + length;
	if (ip->protocol != IPPROTO_TCP || (void *)(tcp + 1) > end)
		return 0;
	return length + tcp->doff * 4;
}

/* Layer-3 bytes on the wire: a merged packet will be cut up again behind us, and every piece then carries the
 * headers. `gso_segs` is 0 after some drivers and header changes. */
static inline __u64 wire_bytes(struct __sk_buff *skb, __u32 l2, __be16 ethertype)
{
	__u64 bytes = skb->len - l2;
	__u64 size = skb->gso_size;
	__u64 pieces, header;

	if (!size)
		return bytes;
	header = usual_header(skb, l2, ethertype);
	if (unlikely(!header))
		header = repeated_header(skb, l2, ethertype);
	if (unlikely(header >= bytes))
		return bytes;
	pieces = skb->gso_segs;
	if (unlikely(!pieces))
		pieces = (bytes - header + size - 1) / size;
	return bytes + (pieces - 1) * header;
}

/* What the IP header says, for a frame that Ethernet may have padded. The carrier bills the packet. */
static inline __u64 without_padding(struct __sk_buff *skb, __u32 l2, __be16 ethertype, __u64 bytes)
{
	__be16 said;
	__u64 length;

	if (ethertype == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, l2 + 2, &said, 2))
			return bytes;
		length = bpf_ntohs(said);
	} else {
		if (bpf_skb_load_bytes(skb, l2 + 4, &said, 2))
			return bytes;
		length = 40 + bpf_ntohs(said);
	}
	return length >= 20 && length < bytes ? length : bytes;
}

static inline bool is_ip(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_IP) || ethertype == bpf_htons(ETH_P_IPV6);
}

/* A VLAN tag that stands in the frame itself moves the IP header. False: not layer 3, and free. */
static inline bool find_ip(struct __sk_buff *skb, __u32 *l2, __be16 *ethertype)
{
	*ethertype = (__be16)skb->protocol;
	if (likely(is_ip(*ethertype)))
		return skb->len > *l2;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (*ethertype != bpf_htons(ETH_P_8021Q) && *ethertype != bpf_htons(ETH_P_8021AD))
			break;
		if (bpf_skb_load_bytes(skb, *l2 + 2, ethertype, 2))
			return false;
		*l2 += 4;
	}
	return is_ip(*ethertype) && skb->len > *l2;
}

/* ---- the charge ---- */

/* Takes `bytes` if they fit. `before` is for say_if_low, once the whole chain agreed. The order of the three
 * reads pairs with the daemon's stores (`later` and `reserve` before `granted`): whoever sees a raised grant
 * also sees that it is the last one. The fetch-and-add is a full barrier. */
static inline bool take(struct account *a, __u64 bytes, __u64 *before)
{
	__u64 granted = read_once(a->granted);
	__u64 limit;

	*before = __sync_fetch_and_add(&a->spent, bytes);
	limit = granted - (read_once(a->later) ? 0 : read_once(a->reserve));
	if (likely((__s64)(limit - *before - bytes) >= 0))
		return true;
	__sync_fetch_and_sub(&a->spent, bytes);
	return false;
}

/* Towards its end the plan lets through per second only what it still has, both directions together, so that
 * what is in flight when it closes is small. One word, moved on by compare-and-swap, is the whole bucket; one
 * packet always fits. False: too fast, drop. */
static inline bool in_glide(struct account *plan, __u64 bytes)
{
	__u64 later = read_once(plan->later);
	__u64 cost, now;
	__s64 left;

	if (!(read_once(plan->flags) & GLIDE) || later > GLIDE_FROM)
		return true;
	left = read_once(plan->granted) + later - read_once(plan->spent) - read_once(plan->reserve);
	if (left > (__s64)GLIDE_FROM)
		return true;
	if (left < (__s64)GLIDE_SLOWEST)
		left = GLIDE_SLOWEST;
	cost = bytes * SECOND / (__u64)left;
	now = bpf_ktime_get_boot_ns();
#pragma unroll
	for (int i = 0; i < 4; i++) {
		__u64 due = read_once(plan->tat);
		__u64 from = due > now ? due : now;
		if (from - now > GLIDE_BURST)
			return false;
		if (__sync_val_compare_and_swap(&plan->tat, due, from + cost) == due)
			return true;
	}
	return false; /* four CPUs were faster: that is too fast */
}

struct chain {
	struct account *device, *person, *plan;
	__u32 person_slot;
};

static inline bool find_chain(struct chain *c, __u32 slot)
{
	c->plan = account(PLAN);
	c->device = account(slot);
	if (!c->plan || !c->device)
		return false;
	c->person_slot = read_once(c->device->parent);
	c->person = account(c->person_slot);
	return c->person && slot > PLAN && c->person_slot > PLAN && c->person_slot != slot;
}

static inline bool chain_open(const struct chain *c, __u64 now)
{
	return (read_once(c->device->flags) & OPEN) && is_open(c->person, now) && is_open(c->plan, now);
}

/* ---- rates ---- */

static inline bool is_rated(const struct account *a)
{
	return read_once(a->flags) & RATED;
}

/* One word, moved on by compare-and-swap, is the whole bucket, as in the glide; one packet always fits. `cost` is
 * the time that was taken, for who has to give it back. */
static inline bool take_time(__u64 *due, const struct account *a, __u64 bytes, __u64 *cost)
{
	__u64 rate = read_once(a->rate);
	__u64 now = bpf_ktime_get_boot_ns();

	*cost = bytes * SECOND / (rate | !rate);
#pragma unroll
	for (int i = 0; i < 4; i++) {
		__u64 was = read_once(*due);
		__u64 from = was > now ? was : now;
		if (from - now > RATE_BURST)
			return false;
		if (__sync_val_compare_and_swap(due, was, from + *cost) == was)
			return true;
	}
	return false;
}

enum pace { IN_TIME, PERSON_TOO_FAST, PLAN_TOO_FAST };

/* Not faster than the person's own rate, nor all people together than the plan's. The box's own traffic does not
 * come here. */
static __attribute__((noinline)) int pace(struct account *person, struct account *plan, __u64 bytes, __u32 down)
{
	__u64 *due, cost = 0, plan_cost;
	bool own;

	if (!person || !plan)
		return PLAN_TOO_FAST;
	own = is_rated(person);
	due = down ? &person->due_down : &person->due_up;
	if (own && !take_time(due, person, bytes, &cost))
		return PERSON_TOO_FAST;
	if (is_rated(plan) && !take_time(down ? &plan->due_down : &plan->due_up, plan, bytes, &plan_cost)) {
		if (own)
			__sync_fetch_and_sub(due, cost);
		return PLAN_TOO_FAST;
	}
	return IN_TIME;
}

/* ---- the queue ---- */

/* Lets a packet wait. It comes back to the program that sent it here, with both marks. 0: there is no queue. */
static __attribute__((noinline)) int queued(struct __sk_buff *skb, __u32 marks, __u32 class, __u32 l2)
{
	__u32 zero = 0;
	const struct queue *q = bpf_map_lookup_elem(&waiting, &zero);
	__u32 enter = q ? read_once(q->enter) : 0;
	struct ethhdr eth = { .h_proto = (__be16)skb->protocol };

	if (!enter)
		return 0;
	/* Bare IP gets a header for the way through the queue, which is taken off again where it leaves. */
	if (!l2 && (bpf_skb_change_head(skb, ETH_HLEN, 0) || bpf_skb_store_bytes(skb, 0, &eth, ETH_HLEN, 0)))
		return DROP;
	skb->mark |= marks;
	skb->tc_index = QUEUED | class; /* the one word that a veth leaves alone, beside the mark */
	return bpf_redirect(enter, 0);
}

static inline int refuse_up(const struct chain *c, __u64 bytes, enum reason reason)
{
	add(c->device->refused_up, bytes);
	add(c->person->refused_up, bytes);
	add(c->plan->refused_up, bytes);
	return drop(reason);
}

static inline int refuse_down(const struct chain *c, __u64 bytes, enum reason reason)
{
	add(c->device->refused_down, bytes);
	add(c->person->refused_down, bytes);
	add(c->plan->refused_down, bytes);
	return drop(reason);
}

/* ---- the box's own traffic ---- */

static inline int charge_own(const struct config *c, __u64 bytes)
{
	struct account *plan = account(PLAN);
	__u64 granted, before;

	if (!plan)
		return DROP;
	granted = read_once(plan->granted);
	before = __sync_fetch_and_add(&plan->spent, bytes);
	if (unlikely((__s64)(granted - before - bytes) < 0)) {
		/* A plan that never had an order stops nobody's own traffic: the daemon is about to give one. */
		if (c->limited && read_once(plan->later) == 0 && read_once(plan->expiry)) {
			__sync_fetch_and_sub(&plan->spent, bytes);
			add(plan->refused_up, bytes);
			say_refused(plan, PLAN);
			return drop(REASON_PLAN_SPENT_OWN);
		}
		say_refused(plan, PLAN); /* overdrawn: the next grant is late */
	}
	add(plan->up, bytes);
	say_if_low(plan, PLAN, before, bytes);
	return PASS;
}

/* ---- the four programs ---- */

SEC("classifier")
int uplink_out(struct __sk_buff *skb)
{
	const struct config *c = config();
	__u64 bytes, person_before, plan_before;
	struct chain chain;
	__be16 ethertype;
	__u32 l2, slot;
	bool slowed;

	if (!c)
		return DROP;
	l2 = c->uplink_l2;
	if (!find_ip(skb, &l2, &ethertype))
		return PASS;
	bytes = wire_bytes(skb, l2, ethertype);
	if (!(skb->mark & c->ok))
		return charge_own(c, bytes);

	slot = skb->mark >> (c->slot_shift & 31) & SLOT_BITS;
	if (!find_chain(&chain, slot))
		return drop(REASON_UNKNOWN_DEVICE);
	if (unlikely(!chain_open(&chain, boot_time())))
		return refuse_up(&chain, bytes, REASON_CLOSED_UP);
	slowed = is_rated(chain.person) || is_rated(chain.plan);
	if (unlikely(slowed)) {
		if (!(skb->mark & c->from_uplink)) {
			int verdict = queued(skb, c->from_uplink, chain.person_slot, c->uplink_l2);
			if (verdict)
				return verdict;
		}
		skb->mark &= ~c->from_uplink;
		skb->tc_index = 0;
	}
	if (unlikely(!in_glide(chain.plan, bytes)))
		return refuse_up(&chain, bytes, REASON_GLIDE_UP);
	if (unlikely(slowed)) {
		int too_fast = pace(chain.person, chain.plan, bytes, 0);
		if (too_fast)
			return refuse_up(&chain, bytes, too_fast == PERSON_TOO_FAST ? REASON_PERSON_RATE_UP : REASON_PLAN_RATE_UP);
	}
	if (unlikely(!take(chain.person, bytes, &person_before))) {
		say_refused(chain.person, chain.person_slot);
		return refuse_up(&chain, bytes, REASON_PERSON_SPENT_UP);
	}
	if (unlikely(!take(chain.plan, bytes, &plan_before))) {
		__sync_fetch_and_sub(&chain.person->spent, bytes);
		say_refused(chain.plan, PLAN);
		return refuse_up(&chain, bytes, REASON_PLAN_SPENT_UP);
	}
	add(chain.device->up, bytes);
	add(chain.person->up, bytes);
	add(chain.plan->up, bytes);
	say_if_low(chain.person, chain.person_slot, person_before, bytes);
	say_if_low(chain.plan, PLAN, plan_before, bytes);
	return PASS;
}

SEC("classifier")
int uplink_in(struct __sk_buff *skb)
{
	const struct config *c = config();
	struct account *plan = account(PLAN);
	__u64 bytes, granted, before;
	__be16 ethertype;
	__u32 l2;

	if (!c || !plan)
		return DROP;
	skb->mark = (skb->mark & ~our_bits(c)) | c->from_uplink;
	l2 = c->uplink_l2;
	if (!find_ip(skb, &l2, &ethertype))
		return PASS;
	bytes = wire_bytes(skb, l2, ethertype);
	if (bytes <= SMALLEST_PAYLOAD && l2)
		bytes = without_padding(skb, l2, ethertype, bytes);

	granted = read_once(plan->granted);
	before = __sync_fetch_and_add(&plan->spent, bytes);
	add(plan->down, bytes);
	say_if_low(plan, PLAN, before, bytes);
	if (unlikely((__s64)(granted - before - bytes) < 0))
		say_refused(plan, PLAN); /* billed beyond the grant, whether we like it or not */
	return PASS;
}

SEC("classifier")
int lan_out(struct __sk_buff *skb)
{
	const struct config *c = config();
	void *end = (void *)(long)skb->data_end;
	void *data = (void *)(long)skb->data;
	struct device_key key = { .ifindex = skb->ifindex };
	__u64 bytes, granted, limit, before;
	const struct device *d;
	struct chain chain;
	__be16 ethertype;
	__u32 l2;
	bool slowed;

	if (!c)
		return DROP;
	if (!(skb->mark & c->from_uplink))
		return PASS; /* the box itself speaks: portal, DHCP, DNS */
	l2 = c->lan_l2;
	if (!find_ip(skb, &l2, &ethertype))
		return PASS;
	bytes = wire_bytes(skb, l2, ethertype);

	if (likely(data + ETH_ALEN <= end))
		__builtin_memcpy(key.mac, data, ETH_ALEN);
	else if (bpf_skb_load_bytes(skb, 0, key.mac, ETH_ALEN))
		return drop(REASON_MALFORMED);
	d = bpf_map_lookup_elem(&dev, &key);
	if (unlikely(!d || !find_chain(&chain, d->slot))) {
		struct account *plan = account(PLAN);
		if (plan)
			add(plan->refused_down, bytes);
		return drop(REASON_UNKNOWN_RECEIVER);
	}
	if (unlikely(!chain_open(&chain, boot_time())))
		return refuse_down(&chain, bytes, REASON_CLOSED_DOWN);

	slowed = is_rated(chain.person) || is_rated(chain.plan);
	if (unlikely(slowed)) {
		if (!(skb->mark & c->ok)) {
			int verdict = queued(skb, c->ok, QUEUE_DOWN | chain.person_slot, c->lan_l2);
			if (verdict)
				return verdict;
		}
		skb->mark &= ~c->ok;
		skb->tc_index = 0;
	}

	/* The plan was charged when the packet came in; this one is part of `spent` already. */
	granted = read_once(chain.plan->granted);
	limit = granted - (read_once(chain.plan->later) ? 0 : read_once(chain.plan->reserve));
	if (unlikely((__s64)(limit - read_once(chain.plan->spent)) < 0)) {
		say_refused(chain.plan, PLAN);
		return refuse_down(&chain, bytes, REASON_PLAN_SPENT_DOWN);
	}
	if (unlikely(!in_glide(chain.plan, bytes)))
		return refuse_down(&chain, bytes, REASON_GLIDE_DOWN);
	if (unlikely(slowed)) {
		int too_fast = pace(chain.person, chain.plan, bytes, 1);
		if (too_fast)
			return refuse_down(&chain, bytes, too_fast == PERSON_TOO_FAST ? REASON_PERSON_RATE_DOWN : REASON_PLAN_RATE_DOWN);
	}
	if (unlikely(!take(chain.person, bytes, &before))) {
		say_refused(chain.person, chain.person_slot);
		return refuse_down(&chain, bytes, REASON_PERSON_SPENT_DOWN);
	}
	add(chain.device->down, bytes);
	add(chain.person->down, bytes);
	say_if_low(chain.person, chain.person_slot, before, bytes);
	return PASS;
}

/* ARP is the LAN's own affair, but for two lies: being the gateway, and being another device. */
static inline int arp_in(struct __sk_buff *skb, const struct config *c, const struct device *d)
{
	__be32 sender;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + ARP_SENDER, &sender, sizeof(sender)))
		return drop(REASON_MALFORMED);
	if (sender == 0)
		return PASS; /* a probe before an address is used */
	if (sender == c->gateway || (d && d->ip4 && sender != d->ip4))
		return drop(REASON_SPOOFED_ARP);
	return PASS;
}

static inline bool is_for_all(__be32 to, const struct config *c)
{
	return to == 0xffffffff || (to & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000) ||
	       to == (c->gateway | ~c->lan_mask);
}

SEC("classifier")
int lan_in(struct __sk_buff *skb)
{
	const struct config *c = config();
	void *end = (void *)(long)skb->data_end;
	void *data = (void *)(long)skb->data;
	struct {
		__u16 align; /* puts the addresses of the IP header on a word */
		struct ethhdr eth;
		struct iphdr ip;
	} copy;
	struct device_key key = { .ifindex = skb->ifindex };
	const struct ethhdr *eth = data;
	const struct iphdr *ip = data + ETH_HLEN;
	const struct device *d;
	struct chain chain;
	__u32 mark;

	if (!c)
		return DROP;
	mark = skb->mark & ~our_bits(c); /* a stale mark opens nothing */
	if (unlikely(skb->mark != mark))
		skb->mark = mark;
	if (unlikely(skb->vlan_present && skb->vlan_tci & VLAN_VID))
		return drop(REASON_VLAN); /* id 0 is only a priority */

	/* An IP header's worth of bytes is also there in an ARP frame. */
	if (unlikely(data + ETH_HLEN + sizeof(*ip) > end)) {
		if (bpf_skb_load_bytes(skb, 0, &copy.eth, ETH_HLEN + sizeof(*ip)))
			return drop(REASON_MALFORMED);
		eth = &copy.eth;
		ip = &copy.ip;
	}
	if (unlikely(eth->h_source[0] & 1))
		return drop(REASON_BAD_SOURCE_MAC);
	__builtin_memcpy(key.mac, eth->h_source, ETH_ALEN);
	if (unlikely(!(key.mac[0] | key.mac[1] | key.mac[2] | key.mac[3] | key.mac[4] | key.mac[5])))
		return drop(REASON_BAD_SOURCE_MAC);

	switch (eth->h_proto) {
	case bpf_htons(ETH_P_IP):
		break;
	case bpf_htons(ETH_P_ARP):
		return arp_in(skb, c, bpf_map_lookup_elem(&dev, &key));
	case bpf_htons(ETH_P_IPV6):
		return drop(REASON_IPV6);
	default:
		return drop(REASON_ETHERTYPE);
	}

	d = bpf_map_lookup_elem(&dev, &key);
	if (ip->daddr == c->gateway || is_for_all(ip->daddr, c)) {
		if (d && d->ip4 && ip->saddr && ip->saddr != d->ip4)
			return drop(REASON_SPOOFED_ADDRESS);
		return PASS;
	}
	if (unlikely(((ip->daddr ^ c->gateway) & c->lan_mask) == 0))
		return drop(REASON_STATION_TO_STATION);

	/* From here on: passed without the mark, nft refuses it politely. */
	if (unlikely(!d || !find_chain(&chain, d->slot))) {
		count(REASON_UNKNOWN_DEVICE);
		return PASS;
	}
	if (unlikely(!d->ip4)) {
		count(REASON_NO_LEASE);
		return PASS;
	}
	if (unlikely(ip->saddr != d->ip4))
		return drop(REASON_SPOOFED_ADDRESS);
	if (unlikely(!chain_open(&chain, boot_time()))) {
		count(REASON_CLOSED_AT_LAN);
		return PASS;
	}
	skb->mark = mark | c->ok | (d->slot & SLOT_BITS) << (c->slot_shift & 31);
	return PASS;
}

/* On the queue's second end: into the queue. Nothing but what `queued` sent comes this way. */
SEC("classifier")
int queue_in(struct __sk_buff *skb)
{
	if (!(skb->tc_index & QUEUED))
		return DROP;
	skb->priority = QUEUE_HANDLE | (skb->tc_index & ~QUEUED);
	return bpf_redirect(skb->ifindex, 0);
}

/* On its first end: on to where it was going. */
SEC("classifier")
int queue_out(struct __sk_buff *skb)
{
	__u32 zero = 0;
	const struct queue *q = bpf_map_lookup_elem(&waiting, &zero);
	__u32 to;

	if (!q || !(skb->tc_index & QUEUED))
		return DROP;
	to = skb->tc_index & QUEUE_DOWN ? read_once(q->lan) : read_once(q->uplink);
	return to ? bpf_redirect(to, 0) : DROP;
}
