/*
 * base: errors, memory, buffers, file descriptors, numbers and units, text.
 *
 * Nothing here knows what a limit, a group or a container is.
 */
#pragma once

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

/* ---- the dictionary of small helpers ------------------------------------------------------- */

#define ARRAY_SIZE(a)       (sizeof(a) / sizeof((a)[0]))
#define _cleanup_(f)        __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _must_check_        __attribute__((warn_unused_result))

#define _cleanup_free_  _cleanup_(base_freep)
#define _cleanup_close_ _cleanup_(fd_closep)
#define _cleanup_buf_   _cleanup_(buf_done)

/* Take a pointer or fd out of a variable that has a cleanup attribute. */
#define TAKE_PTR(p)             \
    ({                          \
        typeof(p) taken_ = (p); \
        (p) = NULL;             \
        taken_;                 \
    })
#define TAKE_FD(fd)        \
    ({                     \
        int taken_ = (fd); \
        (fd) = -1;         \
        taken_;            \
    })

/*
 * A call whose failure nobody would come back to, asked once more: it may have failed for a moment only (no
 * memory, no descriptor, a signal).
 */
#define TRY_TWICE(call)               \
    ({                                \
        typeof(call) tried_ = (call); \
        tried_ < 0 ? (call) : tried_; \
    })

/*
 * Is what a program holds left to the kernel to take when the program ends? Freeing and closing all of it one by one
 * is a tenth of what a short run costs; but the sanitizers look for what was forgotten.
 */
#if defined(__SANITIZE_ADDRESS__)
#define PROCESS_LEAVES_ALL false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PROCESS_LEAVES_ALL false
#endif
#endif
#ifndef PROCESS_LEAVES_ALL
#define PROCESS_LEAVES_ALL true
#endif

static inline void base_freep(void *p)
{
    free(*(void **)p);
}

/* ---- errors -------------------------------------------------------------------------------- */

/* What an error means to whoever called the program; decides the exit status. */
enum err_class {
    ERR_FAILED,         /* something went wrong: 125 */
    ERR_REFUSED,        /* a limit or demand cannot be put in force: 125 */
    ERR_USAGE,          /* the request itself is wrong: 2 */
    ERR_NOT_EXECUTABLE, /* COMMAND exists and cannot be executed: 126 */
    ERR_NOT_FOUND,      /* COMMAND does not exist: 127 */
};

/*
 * One failure, told once. It has no heap part and is small enough to go through a pipe in a single
 * atomic write, so that the child side of a launch can send it whole.
 *
 * step names where in a launch or clean-up it arose ("mounts", "exec"), or is empty.
 */
struct err {
    int code; /* positive errno */
    enum err_class class;
    char step[24];
    char text[480];
};

#define ERR_INIT ((struct err){ 0 })

/*
 * Fill err with a sentence (no final dot, no newline) and return -code. code is a positive errno
 * value; the text says what was tried, on what, why, and which option asked for it; strerror text is
 * NOT appended by itself: write ": %m" or ": %s" with err_name(). err may be NULL.
 */
int err_set(struct err *err, int code, const char *fmt, ...) _printf_(3, 4);
int err_set_class(struct err *err, enum err_class class, int code, const char *fmt, ...)
    _printf_(4, 5);
#define err_usage(err, ...)        err_set_class(err, ERR_USAGE, EINVAL, __VA_ARGS__)
#define err_refuse(err, code, ...) err_set_class(err, ERR_REFUSED, code, __VA_ARGS__)
int err_vset(struct err *err, enum err_class class, int code, const char *fmt, va_list ap);
#ifdef __clang_analyzer__
/* What the analyzer cannot see from here: a failure is never 0. */
#define err_negative_(call)          \
    ({                               \
        int failed_ = (call);        \
        if (failed_ >= 0)            \
            __builtin_unreachable(); \
        failed_;                     \
    })
#define err_set(...)       err_negative_((err_set)(__VA_ARGS__))
#define err_set_class(...) err_negative_((err_set_class)(__VA_ARGS__))
#endif

/* Out of memory, said once and without allocating; returns -ENOMEM, and an analyzer of the caller sees that. */
static inline int err_nomem(struct err *err)
{
    err_set(err, ENOMEM, "out of memory");
    return -ENOMEM;
}

/* Put "PREFIX: " before the sentence: used when an error crosses from one room to the next. */
void err_prefix(struct err *err, const char *fmt, ...) _printf_(2, 3);

/* Name the step in which the error arose, unless one is named already. */
void err_step(struct err *err, const char *step);

/* The exit status that the program must end with for this error: 2, 125, 126 or 127. */
int err_exit_status(const struct err *err);

/* strerror without locale and without allocation, for any errno value. */
const char *err_name(int code);

/* ---- growing byte buffers -------------------------------------------------------------------- */

/*
 * Errors are sticky: after a failed allocation every further call does nothing and buf_error()
 * tells -ENOMEM, so that a printer checks once at its end. data is NUL-terminated after every call.
 */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    bool failed;
};

#define BUF_INIT ((struct buf){ 0 })

void buf_done(struct buf *b);
void buf_reset(struct buf *b);
int buf_error(const struct buf *b);
void buf_add(struct buf *b, const void *data, size_t len);
/* Room for len more bytes behind the text, to be filled in and counted by buf_add_length(); NULL: no memory. */
char *buf_room(struct buf *b, size_t len);
void buf_add_length(struct buf *b, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
/* The text so far ("" when empty); belongs to the buffer. */
const char *buf_text(const struct buf *b);
/* Take the text out of the buffer; the caller frees it. NULL when an allocation failed. */
char *buf_take(struct buf *b);

/* asprintf that returns NULL on failure. */
char *text_format(const char *fmt, ...) _printf_(1, 2) _must_check_;

/* NULL-terminated vectors of owned strings. */
size_t strv_length(char *const *v);
void strv_free(char **v);
void strv_freep(char ***v);
/* Append a copy of s; *v may be NULL. Returns 0 or -ENOMEM with *v unchanged. */
int strv_push(char ***v, const char *s);
int strv_copy(char *const *v, char ***ret);

/* Replaces the malloc'ed string at *p by a copy of s (NULL allowed). Returns 0 or -ENOMEM. */
int text_replace(char **p, const char *s);
bool text_starts(const char *s, const char *prefix);
/* Turn \\040 and its like into the bytes they stand for, in place: proc_pid_mountinfo(5). */
void text_unescape_octal(char *text);
static inline const char *text_or_empty(const char *s)
{
    return s ? s : "";
}
/*
 * The words of text between column indent and column width, and a newline; column is where the cursor is now.
 * An empty line in text ends a paragraph.
 */
void text_fill(const char *text, unsigned indent, unsigned column, unsigned width, struct buf *ret);
/* Text in which roff(7) sees nothing to act on: its escapes, dashes that stay dashes, no requests. */
void text_roff(const char *text, struct buf *ret);
/* The candidate nearest to word (edit distance at most a third of its length), or NULL. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

/* ---- numbers and units (strict: no sign, no spaces, no trailing bytes, no overflow) ------------ */

/* Decimal digits only, at most max. Returns 0, -EINVAL or -ERANGE. */
int number_parse(const char *text, uint64_t max, uint64_t *ret);
/* Exactly n of them with one blank between each. 0, -EINVAL or -ERANGE. */
int numbers_parse(const char *text, size_t n, uint64_t *ret);
/* Signed form, within min..max. */
int number_parse_signed(const char *text, int64_t min, int64_t max, int64_t *ret);
/*
 * A decimal fraction times scale: number_parse_fixed("1.5", 1000, ...) is 1500; ".5" is a half. More
 * digits than scale can hold are -EINVAL only if they are not zero.
 */
int number_parse_fixed(const char *text, uint64_t scale, uint64_t *ret);
/* Bytes: digits, optional fraction, optional unit b k m g t p (1024^n), also kb kib Ki ... */
int size_parse(const char *text, uint64_t *ret_bytes);
/* Microseconds: digits, optional fraction, unit us ms s m h; without unit: unit_us microseconds. */
int duration_parse(const char *text, uint64_t unit_us, uint64_t *ret_us);
/* "50 MiB", "1.5 GiB", "512 B": for people. Exact values stay exact: "52428801 B". */
void size_format(uint64_t bytes, char *ret, size_t size);
/* "1.234 s", "250 ms", "80 us": for people. */
void duration_format(uint64_t us, char *ret, size_t size);

/* ---- addresses (IPv4 in host byte order) ---------------------------------------------------------- */

#define IPV4_SIZE 16 /* "255.255.255.255" */
#define MAC_SIZE  18 /* "02:00:00:00:00:00" */
/* Four decimal numbers, without leading zeros or anything after them. 0 or -EINVAL, as for all of these. */
int ipv4_parse(const char *text, uint32_t *ret);
void ipv4_format(uint32_t address, char ret[static IPV4_SIZE]);
/* "10.88.0.0/16"; bits of the host part stay in the address. */
int ipv4_parse_prefix(const char *text, uint32_t *ret_address, unsigned *ret_prefix);
/* The bits of the network part: 24 is 0xffffff00. */
uint32_t ipv4_mask(unsigned prefix);
int mac_parse(const char *text, uint8_t ret[static 6]);
void mac_format(const uint8_t mac[static 6], char ret[static MAC_SIZE]);

/* ---- file descriptors and whole files ----------------------------------------------------------- */

void fd_closep(int *fd);
/* close() that keeps errno and accepts -1; returns -1 so that fd = fd_close(fd) works. */
int fd_close(int fd);
/* Read all of dir_fd/name (at most max bytes, else -EFBIG) into a buffer, replacing its content. */
int file_read(int dir_fd, const char *name, size_t max, struct buf *ret);
/*
 * The same for a file that somebody else names: -EISDIR or -EINVAL unless it is a regular one. A FIFO or a
 * terminal cannot make us wait, nor become ours.
 */
int file_read_regular(int dir_fd, const char *name, size_t max, struct buf *ret);
/* Read all that an open fd gives from offset 0 by pread. */
int fd_read_all(int fd, size_t max, struct buf *ret);
/*
 * Read into a fixed buffer, NUL-terminated, trailing newlines cut. Returns length or -errno; -EFBIG when
 * there is more than fits.
 */
ssize_t file_read_line(int dir_fd, const char *name, char *ret, size_t size);
/* One open(O_WRONLY), one write of the whole text, close. Returns 0 or -errno. */
int file_write(int dir_fd, const char *name, const char *text);
/* Write all, across short writes and EINTR. */
int fd_write_all(int fd, const void *data, size_t len);

/*
 * Remove dir_fd/name: a file, or a directory with all that is in it, however deep; nothing outside is touched and
 * no symbolic link followed. -ENOENT when there is none, otherwise the first failure, after all else is gone.
 */
int tree_remove(int dir_fd, const char *name);

/* ---- keyed text files: "key value" or "key=value" lines, as the kernel writes them --------------- */

/* Find the number after key at the start of a line of text (separator blank, ':' or '='). */
bool keyed_find_u64(const char *text, const char *key, uint64_t *ret);
/* Calls of this kind walk text line by line; *cursor starts at the text. Returns false at the end. */
bool line_next(const char **cursor, const char **ret_line, size_t *ret_len);
/* Make a directory and those above it where they are missing. path is absolute. 0 or -errno. */
int directory_make_all(const char *path, mode_t mode);

/* Any text as part of one line (a newline as \\n, a backslash doubled), and back, in place. */
void line_escape(const char *text, struct buf *ret);
void line_unescape(char *text);

/* Microseconds of a clock (CLOCK_MONOTONIC, CLOCK_REALTIME). */
uint64_t clock_us(int clock_id);

/* ---- users --------------------------------------------------------------------------------------------- */

struct id_range {
    uint32_t first, count;
};
/* The login name by /etc/passwd; false: there is none. */
bool user_name_of(uid_t uid, char ret[static 64]);
/* A user's line of /etc/subuid or /etc/subgid, subuid(5): the last that is theirs by name or number. */
bool user_sub_ids(const char *path, uid_t uid, struct id_range *ret);

/* ---- programs of ours ------------------------------------------------------------------------------- */

/*
 * Find the program name, which carries libraries that most calls have no use for: beside this one; where
 * it was built, in the folder of its room beside our own; or where it was installed (libexec/ration). False:
 * it is nowhere, and ret tells where it would have been installed. A program with more rights than its caller
 * looks at the last place alone.
 */
bool helper_find(const char *name, const char *room, char ret[static PATH_MAX]);
/*
 * Execute one with socket_fd as its stdin and stdout, third_fd (-1: none) as 3, no other descriptor beyond stderr,
 * and signals as a fresh program has them. own_group: what the terminal sends to ours does not reach it. 0
 * and its pid, or -errno.
 */
int helper_spawn(const char *path, char *const *argv, char *const *environment, int socket_fd,
                 int third_fd, bool own_group, pid_t *ret);
/* All of text, through a socket that may have been closed: 0 or -errno, and no signal. */
int helper_send(int fd, const char *text);
/* Its answer of one line, without the newline: the length, or -errno; -EPIPE: it ended before it had one. */
ssize_t helper_read_line(int fd, char *ret, size_t size);

/* ---- memory ------------------------------------------------------------------------------------------- */

/*
 * Give the kernel back what the heap and the stack used once and do not use now: for a process that is
 * about to wait for long. Cheap, but not free.
 */
void memory_give_back(void);
/*
 * What is on the stack above the caller of our caller, for a process that will never return there and look at
 * nothing there any more, its environment included.
 */
void memory_drop_stack(void);
/* All of the heap, for a process that will never look at anything in it again. */
void memory_drop_heap(void);
/* The stack alone; safe where nothing of libc's may be touched. */
void memory_give_back_stack(void);

/* ---- event loop ----------------------------------------------------------------------------------- */

/*
 * Waits for file descriptors and deadlines with one ppoll(2). Embedded, fixed in size, no heap: a
 * run watches a handful of things. Callbacks return 0 or -errno, which ends loop_run().
 */
#define LOOP_SLOTS 16

typedef int (*loop_fd_fn)(void *data, int fd, short revents);
typedef int (*loop_deadline_fn)(void *data);

struct loop {
    struct loop_watch {
        int fd; /* -1: free */
        short events, revents;
        loop_fd_fn fn;
        void *data;
    } watch[LOOP_SLOTS];
    struct loop_timer {
        uint64_t at_us; /* CLOCK_MONOTONIC; UINT64_MAX: not armed */
        loop_deadline_fn fn;
        void *data;
    } timer[LOOP_SLOTS];
    bool stopped;
};

void loop_init(struct loop *loop);
/* Returns a slot number, or -ENOSPC. fd stays the caller's. */
int loop_add_fd(struct loop *loop, int fd, short events, loop_fd_fn fn, void *data);
void loop_set_events(struct loop *loop, int slot, short events);
void loop_remove_fd(struct loop *loop, int slot);
/* A timer that is not armed yet. Returns a slot number, or -ENOSPC. */
int loop_add_timer(struct loop *loop, loop_deadline_fn fn, void *data);
/* Fires once at that time of CLOCK_MONOTONIC; UINT64_MAX disarms. Those due together fire in the order
 * of their times. */
void loop_arm(struct loop *loop, int slot, uint64_t at_us);
/* Run until loop_stop() or a callback's error, which is returned. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
