// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workloads of `slablab scale` on malloc and free, in the same windows with the same yardstick
 * beside them: two locked compare-and-swaps on a word of the thread's own. Which malloc it is, the
 * dynamic linker decides (LD_PRELOAD).
 *
 *   peers LIBRARY WORKLOAD SIZE CPUS WINDOWS WARM_UP_MS PATIENCE_MS DISCARDS SEED
 *
 * LIBRARY must be loaded, or the program exits with 2; "-" is the C library's own. Prints a JSON array
 * with the windows of each CPU.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { OBJECTS = 10000, MOST_BYTES = 16 << 20, SLOTS = 1000, CHOICES = 8192, STINT = 4096 };
enum { BATCH = 64, ROOM = 16, CAS_PAIRS = 4000, WARM_UP_OPERATIONS = 400000, MOST_CPUS = 64 };
#define WINDOW_NS 800000.0
#define WARM_UP_NS 60e6

/* From each CPU to the next, batches of objects; each side writes its own count only. */
struct ring {
	_Alignas(64) atomic_uint sent;
	_Alignas(64) atomic_uint received;
	_Alignas(64) void *objects[ROOM][BATCH];
};

struct cpu {
	_Alignas(64) atomic_int word;
	int number;
	uint32_t random;
	void *objects[OBJECTS];
	int order[OBJECTS];
	int choices[CHOICES];
	int count, choice, stint;
	double *windows, *cas;
	int measured, discarded;
	double done, worked;
};

static const char *workload;
static size_t size;
static int cpus, wanted, discards;
static double warm_up_ns, patience_ns;
static struct cpu *all[MOST_CPUS];
static struct ring rings[MOST_CPUS];
static atomic_int finished;
static pthread_barrier_t barrier;
static long (*run)(struct cpu *, long);

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static long switches(void)
{
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

static unsigned below(struct cpu *cpu, unsigned limit)
{
	cpu->random ^= cpu->random << 13;
	cpu->random ^= cpu->random >> 17;
	cpu->random ^= cpu->random << 5;
	return cpu->random % limit;
}

static void cas_pairs(struct cpu *cpu)
{
	for (int i = 0; i < CAS_PAIRS; i++) {
		int zero = 0, one = 1;
		atomic_compare_exchange_strong(&cpu->word, &zero, 1);
		atomic_compare_exchange_strong(&cpu->word, &one, 0);
	}
}

static long pairs(struct cpu *cpu, long operations)
{
	(void)cpu;
	for (long i = 0; i < operations; i++) free(malloc(size));
	return operations;
}

/* fifo, random and bulk: so many allocations, then as many frees by `order`. */
static long then_free(struct cpu *cpu, long operations)
{
	int count = cpu->count;
	long rounds = (operations + count - 1) / count;
	for (long round = 0; round < rounds; round++) {
		for (int i = 0; i < count; i++) cpu->objects[i] = malloc(size);
		for (int i = 0; i < count; i++) free(cpu->objects[cpu->order[i]]);
	}
	return rounds * count;
}

static void take_over(struct cpu *cpu)
{
	struct ring *ring = &rings[(cpu->number + cpus - 1) % cpus];
	unsigned received = atomic_load_explicit(&ring->received, memory_order_relaxed);
	if (atomic_load_explicit(&ring->sent, memory_order_acquire) == received) return;
	int start = below(cpu, SLOTS - BATCH);
	for (int i = 0; i < BATCH; i++) {
		free(cpu->objects[start + i]);
		cpu->objects[start + i] = ring->objects[received % ROOM][i];
	}
	atomic_store_explicit(&ring->received, received + 1, memory_order_release);
}

static void hand_over(struct cpu *cpu)
{
	struct ring *ring = &rings[cpu->number];
	unsigned sent = atomic_load_explicit(&ring->sent, memory_order_relaxed);
	if (sent - atomic_load_explicit(&ring->received, memory_order_acquire) == ROOM) return;
	int start = below(cpu, SLOTS - BATCH);
	memcpy(ring->objects[sent % ROOM], cpu->objects + start, BATCH * sizeof(void *));
	atomic_store_explicit(&ring->sent, sent + 1, memory_order_release);
	for (int i = 0; i < BATCH; i++) cpu->objects[start + i] = malloc(size);
}

static long larson(struct cpu *cpu, long operations)
{
	for (long i = 0; i < operations; i++) {
		int slot = cpu->choices[cpu->choice];
		cpu->choice = (cpu->choice + 1) & (CHOICES - 1);
		free(cpu->objects[slot]);
		cpu->objects[slot] = malloc(size);
	}
	cpu->stint += operations;
	if (cpu->stint >= STINT && cpus > 1) {
		cpu->stint = 0;
		take_over(cpu);
		hand_over(cpu);
	}
	return operations;
}

static void prepare(struct cpu *cpu)
{
	int bulk = strncmp(workload, "bulk-", 5) == 0 ? atoi(workload + 5) : 0;
	int most = MOST_BYTES / size < OBJECTS ? (int)(MOST_BYTES / size) : OBJECTS;
	cpu->count = bulk > 0 ? bulk : most;
	for (int i = 0; i < cpu->count; i++) cpu->order[i] = i;
	for (int i = cpu->count - 1; i > 0 && strcmp(workload, "random") == 0; i--) {
		int j = below(cpu, i + 1), kept = cpu->order[i];
		cpu->order[i] = cpu->order[j];
		cpu->order[j] = kept;
	}
	if (run != larson) return;
	for (int i = 0; i < CHOICES; i++) cpu->choices[i] = below(cpu, SLOTS);
	for (int i = 0; i < SLOTS; i++) cpu->objects[i] = malloc(size);
}

/* Returns how many operations make a window. */
static long warm_up(struct cpu *cpu)
{
	double start = now(), time = start;
	long operations = 64, done = 0;
	while ((time - start < WARM_UP_NS || done < WARM_UP_OPERATIONS) && time - start < warm_up_ns) {
		double before = time;
		done += run(cpu, operations);
		time = now();
		if (time - before < WINDOW_NS / 2 && operations < 1 << 22) operations *= 2;
		else if (time - before > 2 * WINDOW_NS && operations > 64) operations /= 2;
	}
	return operations;
}

static void measure(struct cpu *cpu, long operations)
{
	double end = now() + patience_ns, time = now();
	while (cpu->measured < wanted && time < end) {
		long earlier = switches();
		double before = now();
		long did = run(cpu, operations);
		double between = now();
		cas_pairs(cpu);
		time = now();
		cpu->done += did;
		cpu->worked += between - before;
		if (discards && switches() != earlier) {
			cpu->discarded++;
			continue;
		}
		cpu->windows[cpu->measured] = (between - before) / did;
		cpu->cas[cpu->measured++] = (time - between) / CAS_PAIRS;
	}
}

static void *thread(void *argument)
{
	struct cpu *cpu = argument;
	prepare(cpu);
	pthread_barrier_wait(&barrier);
	long operations = warm_up(cpu);
	measure(cpu, operations);
	/* Goes on as a load for the others. */
	finished++;
	while (finished < cpus) run(cpu, operations);
	return NULL;
}

static void print_numbers(const char *name, const double *numbers, int count)
{
	printf("\"%s\":[", name);
	for (int i = 0; i < count; i++) printf("%s%.4f", i == 0 ? "" : ",", numbers[i]);
	printf("],");
}

static void print_cpu(const struct cpu *cpu)
{
	printf("%s{", cpu->number == 0 ? "" : ",");
	print_numbers("windows", cpu->windows, cpu->measured);
	print_numbers("casPairs", cpu->cas, cpu->measured);
	double rate = cpu->worked == 0 ? 0 : cpu->done / cpu->worked * 1e9;
	printf("\"discarded\":%d,\"rate\":%.0f}\n", cpu->discarded, rate);
}

int main(int count, char **words)
{
	if (count != 10) return 1;
	if (strcmp(words[1], "-") != 0 && dlopen(words[1], RTLD_LAZY | RTLD_NOLOAD) == NULL) return 2;
	workload = words[2];
	size = strtoul(words[3], NULL, 10);
	cpus = atoi(words[4]);
	wanted = atoi(words[5]);
	warm_up_ns = atof(words[6]) * 1e6;
	patience_ns = atof(words[7]) * 1e6;
	discards = atoi(words[8]);
	run = strcmp(workload, "pairs") == 0 ? pairs : strcmp(workload, "larson") == 0 ? larson : then_free;
	if (size == 0 || cpus < 1 || cpus > MOST_CPUS || wanted < 1) return 1;
	pthread_t threads[MOST_CPUS];
	pthread_barrier_init(&barrier, NULL, cpus);
	for (int i = 0; i < cpus; i++) {
		struct cpu *cpu = all[i] = aligned_alloc(64, sizeof(struct cpu));
		memset(cpu, 0, sizeof *cpu);
		cpu->number = i;
		cpu->random = 0x9e3779b9u * (strtoul(words[9], NULL, 10) + 64 * i + 1) | 1;
		cpu->windows = calloc(wanted, sizeof(double));
		cpu->cas = calloc(wanted, sizeof(double));
	}
	for (int i = 0; i < cpus; i++) pthread_create(&threads[i], NULL, thread, all[i]);
	for (int i = 0; i < cpus; i++) pthread_join(threads[i], NULL);
	printf("[");
	for (int i = 0; i < cpus; i++) print_cpu(all[i]);
	printf("]\n");
	return 0;
}
