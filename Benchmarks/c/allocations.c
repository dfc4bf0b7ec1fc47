// SPDX-License-Identifier: Apache-2.0
//
// Counts what a process takes from its allocator: preloaded into it, it keeps the number of allocations, and of bytes
// that are taken and not given back, in the file that ALLOCATION_COUNTS names. Whatever the machine does meanwhile, the
// counts are the same.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct counts {
  _Atomic uint64_t allocations;
  _Atomic uint64_t taken;
  _Atomic uint64_t given;
};

static struct counts before_the_file;
static struct counts *counts = &before_the_file;
static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void (*real_free)(void *);
static size_t (*real_usable)(void *);

// What dlsym asks for before it has told where the allocator is; never given back.
static char early[64 << 10] __attribute__((aligned(16)));
static _Atomic size_t early_used;

static void *from_early(size_t size) {
  size_t start = atomic_fetch_add(&early_used, (size + 15) & ~(size_t)15);
  if (start + size > sizeof early) abort();
  return early + start;
}

static int is_early(void *memory) { return (char *)memory >= early && (char *)memory < early + sizeof early; }

__attribute__((constructor)) static void begin(void) {
  static int has_begun;
  if (has_begun) return;
  has_begun = 1;
  real_malloc = dlsym(RTLD_NEXT, "malloc");
  real_calloc = dlsym(RTLD_NEXT, "calloc");
  real_realloc = dlsym(RTLD_NEXT, "realloc");
  real_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
  real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
  real_free = dlsym(RTLD_NEXT, "free");
  real_usable = dlsym(RTLD_NEXT, "malloc_usable_size");
  const char *path = getenv("ALLOCATION_COUNTS");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) counts = mapped;
  close(file);
  // Programs that this one starts are not counted.
  unsetenv("LD_PRELOAD");
}

static void *taken(void *memory) {
  if (memory) {
    atomic_fetch_add_explicit(&counts->allocations, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->taken, real_usable(memory), memory_order_relaxed);
  }
  return memory;
}

void *malloc(size_t size) {
  if (!real_usable) begin();
  return real_usable ? taken(real_malloc(size)) : from_early(size);
}

void *calloc(size_t count, size_t size) {
  if (!real_usable) begin();
  // What lies early is zero.
  return real_usable ? taken(real_calloc(count, size)) : from_early(count * size);
}

void *realloc(void *memory, size_t size) {
  if (!real_usable) begin();
  if (is_early(memory)) {
    void *moved = malloc(size);
    size_t rest = (size_t)(early + sizeof early - (char *)memory);
    return moved ? memcpy(moved, memory, size < rest ? size : rest) : NULL;
  }
  if (memory) atomic_fetch_add_explicit(&counts->given, real_usable(memory), memory_order_relaxed);
  return taken(real_realloc(memory, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
  if (!real_usable) begin();
  return taken(real_aligned_alloc(alignment, size));
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (!real_usable) begin();
  int result = real_posix_memalign(memory, alignment, size);
  if (!result) taken(*memory);
  return result;
}

void free(void *memory) {
  if (!memory || is_early(memory)) return;
  atomic_fetch_add_explicit(&counts->given, real_usable(memory), memory_order_relaxed);
  real_free(memory);
}
