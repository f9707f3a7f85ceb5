/*
 * Private to the seccomp room.
 *
 *   policy ──► one table per architecture: number ──► answer ──► spans of numbers ──► instructions
 *
 * libseccomp knows the numbers of every system call on every architecture; the program is made here. Its
 * own would test each of the 400 numbers of an engine's profile by itself, three times over; runs of
 * numbers with the same answer make a program of a tenth of that length, and the kernel's time to take it
 * goes by length.
 */
#pragma once

#include <linux/seccomp.h>

#include "seccomp/seccomp.h"

/* ---- table.c: what each number of an architecture gets ---------------------------------------------- */

/* A rule that may answer a number. */
struct seccomp_entry {
    uint32_t number;
    uint32_t answer; /* SECCOMP_RET_* and its data */
    unsigned rule;   /* index into the policy's rules */
    /*
     * The rule is about a call that is made through another, socketcall(2) or ipc(2): it fits when the
     * first argument says so. Its own conditions cannot be seen there.
     */
    uint32_t through, through_mask; /* mask 0: no */
};

/* The numbers from first up to the next span, which all get the same. */
struct seccomp_span {
    uint32_t first;
    uint32_t answer;                     /* when none of the entries fits */
    const struct seccomp_entry *entries; /* those with conditions, in the order of their counting */
    size_t n_entries;
};

/* One value of seccomp_data.arch; x32 shares it with x86_64. */
struct seccomp_table {
    uint32_t arch;                 /* AUDIT_ARCH_* */
    bool wide;                     /* arguments have 64 bits */
    struct seccomp_entry *entries; /* owned */
    size_t n_entries;
    struct seccomp_span *spans; /* owned; ascending, the first begins at 0 */
    size_t n_spans;
};

struct seccomp_tables {
    struct seccomp_table *tables; /* owned; the machine's own architecture first */
    size_t n;
};

#define SECCOMP_BAD_ARCH SECCOMP_RET_KILL_PROCESS /* calls of an architecture that is not named */

/* Checks the policy and looks up its names. Errors name the field. */
int seccomp_tables_make(const struct seccomp_policy *policy, struct seccomp_tables *ret,
                        struct err *err);
void seccomp_tables_done(struct seccomp_tables *tables);
/* Do two spans say the same? */
bool seccomp_span_same(const struct seccomp_span *a, const struct seccomp_span *b);

/* ---- emit.c ------------------------------------------------------------------------------------------ */

/* The program for the tables; -E2BIG when the kernel would not take its length. */
int seccomp_emit(const struct seccomp_policy *policy, const struct seccomp_tables *tables,
                 struct sock_filter **ret, size_t *ret_n, struct err *err);

/* ---- cache.c ----------------------------------------------------------------------------------------- */

#define SECCOMP_CACHE_FILES 64

/* True and the program, when one is kept for exactly this text. Never fails loudly. */
bool seccomp_cache_get(int dir_fd, const char *text, struct sock_filter **ret, size_t *ret_n);
/* Keep a program; of more than SECCOMP_CACHE_FILES the oldest go. What fails is not kept. */
void seccomp_cache_put(int dir_fd, const char *text, const struct sock_filter *program, size_t n);
