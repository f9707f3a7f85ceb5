/*
 * Our own program, out of reach of what we start.
 *
 * A process that is about to be a container's has our program still: whoever in there makes the kernel
 * execute /proc/self/exe (as a script's interpreter, or a loader) executes ours, and can then open that
 * file for writing through its own /proc/self/exe, by the mount that it was executed from. So the program
 * is on another mount from the beginning: a read-only one that is nowhere attached, so that nobody can
 * change it, neither.
 *
 * To execute it again from there would cost as much as everything else that is done here twice over. It is
 * enough to map it again from there, over itself, and to tell the kernel so (PR_SET_MM_MAP, prctl(2)), which
 * it believes when nothing of the old file is mapped any more. What cannot be done that way is done by
 * execution.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

#define SELF      "/proc/self/exe"
#define PAGE_SIZE ((uintptr_t)4096) /* compared page by page; a larger one is a multiple */

/* ---- mapping it again -------------------------------------------------------------------------------- */

static uintptr_t page_down(uintptr_t address)
{
    return address & ~((uintptr_t)getauxval(AT_PAGESZ) - 1);
}

static uintptr_t page_up(uintptr_t address)
{
    return page_down(address + getauxval(AT_PAGESZ) - 1);
}

static int segment_protection(const ElfW(Phdr) * segment)
{
    return (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0) |
           (segment->p_flags & PF_X ? PROT_EXEC : 0);
}

/*
 * Data: mapped elsewhere, made the same where the program has written since it began, and moved here whole.
 * From the comparison on nothing may be written to it, errno not either (it lies elsewhere).
 */
static int data_remap(int fd, uintptr_t begin, size_t length, off_t offset)
{
    char *fresh = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, offset);

    if (fresh == MAP_FAILED)
        return -errno;
    for (size_t at = 0; at < length; at += PAGE_SIZE) {
        if (memcmp(fresh + at, (const char *)begin + at, PAGE_SIZE) != 0)
            memcpy(fresh + at, (const char *)begin + at, PAGE_SIZE);
    }
    if (mremap(fresh, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)begin) == MAP_FAILED)
        return -errno;
    return 0;
}

static int segment_remap(int fd, const ElfW(Phdr) * segment, uintptr_t bias)
{
    uintptr_t begin = page_down(bias + segment->p_vaddr);
    size_t length = page_up(bias + segment->p_vaddr + segment->p_filesz) - begin;
    off_t offset = (off_t)page_down(segment->p_offset);

    if (length == 0)
        return 0;
    if (segment->p_flags & PF_W)
        return data_remap(fd, begin, length, offset);
    return mmap((void *)begin, length, segment_protection(segment), MAP_PRIVATE | MAP_FIXED, fd,
                offset) == MAP_FAILED
               ? -errno
               : 0;
}

/* What is to be added to the program's addresses: nothing but where it was placed by chance. */
static uintptr_t program_bias(const ElfW(Phdr) * segments, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0)
            return (uintptr_t)segments - sizeof(ElfW(Ehdr)) - segments[i].p_vaddr;
    }
    return 0;
}

/* All of the program, the code that does this included: it is the same from one instruction to the next. */
static int program_remap(int fd, struct prctl_mm_map *map)
{
    const ElfW(Phdr) *segments = (const void *)getauxval(AT_PHDR);
    size_t n = getauxval(AT_PHNUM);
    uintptr_t bias = program_bias(segments, n);
    int r = 0;

    for (size_t i = 0; i < n && r >= 0; i++) {
        uintptr_t begin = bias + segments[i].p_vaddr;

        if (segments[i].p_type != PT_LOAD)
            continue;
        r = segment_remap(fd, &segments[i], bias);
        if (segments[i].p_flags & PF_X) {
            map->start_code = begin;
            map->end_code = begin + segments[i].p_filesz;
        } else if (segments[i].p_flags & PF_W) {
            map->start_data = begin;
            map->end_data = begin + segments[i].p_filesz;
        }
    }
    for (size_t i = 0; i < n && r >= 0; i++) {
        uintptr_t begin = page_down(bias + segments[i].p_vaddr);
        uintptr_t end = page_down(bias + segments[i].p_vaddr + segments[i].p_memsz);

        if (segments[i].p_type == PT_GNU_RELRO &&
            mprotect((void *)begin, end - begin, PROT_READ) < 0)
            r = -errno;
    }
    return r;
}

/* What the kernel knows of our memory: all but the file is as it was. See prctl(2). */
static void map_describe(char *const *argv, struct prctl_mm_map *map)
{
    char *const *last = argv;
    char *const *variable = environ;
    uintptr_t heap =
        (uintptr_t)__builtin_thread_pointer(); /* a static program's first piece of it */

    while (last[0] && last[1])
        last++;
    map->arg_start = (uintptr_t)argv[0];
    map->arg_end = (uintptr_t)*last + strlen(*last) + 1;
    map->env_start = map->env_end = map->arg_end;
    for (; variable && *variable; variable++)
        map->env_end = (uintptr_t)*variable + strlen(*variable) + 1;
    map->start_stack = (uintptr_t)argv - sizeof(*argv);
    map->brk = (uintptr_t)sbrk(0);
    map->start_brk = heap > map->end_data && heap < map->brk ? page_down(heap) : map->brk;
}

static int program_move(int fd, char *const *argv)
{
    struct prctl_mm_map map = { .exe_fd = (uint32_t)fd };
    int r;

    if (!argv[0])
        return -EINVAL;
    r = program_remap(fd, &map);
    map_describe(argv, &map);
    if (r >= 0 && prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) < 0)
        r = -errno;
    return r;
}

/* ---- where from ---------------------------------------------------------------------------------------- */

/*
 * The root of our program's own mount. Whoever closes it last takes the mount apart, and waits for all processors to
 * notice, a tenth of a millisecond or many on a busy machine: that can be done while somebody else is at work.
 */
static int mount_left = -1;

#define LEFT_FD_MIN 40 /* out of the way of descriptors that are passed on by their number */

void self_settle(void)
{
    mount_left = fd_close(mount_left);
}

void self_settle_child(void)
{
    fd_close(mount_left);
}

/* Our program on a read-only mount of its own that is nowhere attached, open for reading. */
static int self_detached(void)
{
    _cleanup_close_ int tree = sys_open_tree(AT_FDCWD, SELF, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    const struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
    char path[40];
    int fd, r;

    if (tree < 0)
        return tree;
    r = sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr);
    if (r < 0)
        return r;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", tree);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    mount_left = fcntl(tree, F_DUPFD_CLOEXEC, LEFT_FD_MIN);
    return fd;
}

/* A copy of it that nobody can write to, itself included. */
static int self_sealed(int own_fd)
{
    _cleanup_close_ int fd = memfd_create("ration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    struct stat st;
    off_t at = 0;

    if (fd < 0 || fstat(own_fd, &st) < 0)
        return -errno;
    while (at < st.st_size) {
        ssize_t n = sendfile(fd, own_fd, &at, (size_t)(st.st_size - at));

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return -EIO;
    }
    return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : TAKE_FD(fd);
}

/* Nobody whom we start has rights that we have not: what we may not write to, they cannot. */
static bool is_out_of_reach(int own_fd)
{
    int seals;

    if (access(SELF, W_OK) < 0 && (errno == EACCES || errno == EROFS))
        return true;
    seals = fcntl(own_fd, F_GET_SEALS);
    return seals >= 0 && seals & F_SEAL_WRITE;
}

int self_protect(char *const *argv, struct err *err)
{
    _cleanup_close_ int own_fd = open(SELF, O_RDONLY | O_CLOEXEC);
    _cleanup_close_ int fd = -1;

    if (own_fd < 0)
        return err_set(err, errno, "cannot open our own program, %s: %m", SELF);
    if (is_out_of_reach(own_fd))
        return 0;
    fd = self_detached();
    if (fd >= 0 && program_move(fd, argv) >= 0)
        return 0;
    if (fd < 0)
        fd = self_sealed(own_fd);
    if (fd < 0)
        return err_set(err, -fd, "cannot put our own program out of a container's reach: %s",
                       err_name(-fd));
    fexecve(fd, argv, environ);
    return err_set(err, errno,
                   "cannot execute our own program again, out of a container's reach: %m");
}
