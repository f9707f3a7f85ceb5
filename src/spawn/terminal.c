/* COMMAND's terminal, or its three files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/steps.h"
#include "sys/sys.h"

#define TTY_GROUP 5

/* The multiplexer of the run's own devpts, found beneath the root and looked at before it is trusted. */
static int multiplexer_open(const struct launch *launch)
{
    struct statfs fs;
    int fd = launch->dev_fd >= 0
                 ? sys_openat2(launch->dev_fd, "pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
                               RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
                 : sys_openat2(launch->root_fd, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
                               RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

    if (fd < 0)
        return fd;
    if (fstatfs(fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC) {
        close(fd);
        return -ENOTTY;
    }
    return fd;
}

/* A clone of the terminal, to be mounted. */
static int console_tree(const struct launch *launch)
{
    return sys_open_tree(launch->tty_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

/* Whatever /dev is here: found beneath the root, through no link, and made when it is missing. */
static int console_make_found(struct launch *launch)
{
    struct place place;
    _cleanup_close_ int tree = -1;
    int r = place_find(launch, "/dev/console", PLACE_REAL | PLACE_MAKE_FILE, &place, NULL);

    if (r < 0)
        return r;
    tree = console_tree(launch);
    r = tree < 0 ? tree : place_attach(&place, tree);
    place_done(&place);
    return r;
}

/* /dev/console is the terminal, as in every container. */
static int console_make(struct launch *launch)
{
    int tree, file;
    int r;

    if (launch->entering)
        return 0;
    if (launch->spec->document)
        return console_make_found(launch);
    if (launch->dev_fd < 0)
        return 0;
    file = openat(launch->dev_fd, "console", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    if (file < 0)
        return errno == EEXIST ? 0 : -errno;
    close(file);
    tree = console_tree(launch);
    if (tree < 0)
        return tree;
    r = sys_move_mount(tree, "", launch->dev_fd, "console", MOVE_MOUNT_F_EMPTY_PATH);
    close(tree);
    return r;
}

/* As asked for; else what a run's is, or none: then the client gives it one. */
static struct winsize terminal_size(const struct launch *launch)
{
    const struct spawn_options *options = launch->options;
    const struct spec *spec = launch->spec;
    unsigned short rows = options->rows ? options->rows : spec->rows;
    unsigned short columns = options->columns ? options->columns : spec->columns;

    return (struct winsize){
        .ws_row = rows || spec->document ? rows : 24,
        .ws_col = columns || spec->document ? columns : 80,
    };
}

int step_terminal_open(struct launch *launch, struct err *err)
{
    const struct winsize size = terminal_size(launch);
    int r;

    launch->terminal_fd = multiplexer_open(launch);
    if (launch->terminal_fd < 0)
        return err_refuse(err, -launch->terminal_fd,
                          "--tty: cannot open /dev/pts/ptmx of the run's own devpts: %s",
                          err_name(-launch->terminal_fd));
    launch->tty_fd = sys_pty_peer(launch->terminal_fd, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (launch->tty_fd < 0)
        return err_set(err, -launch->tty_fd, "--tty: cannot open the terminal: %s",
                       err_name(-launch->tty_fd));
    if (ioctl(launch->terminal_fd, TIOCSWINSZ, &size) < 0)
        return err_set(err, errno, "--tty: cannot set the window size: %m");
    /* To COMMAND's user, as login(1) does it; an unmapped group is left as it is. */
    if (fchown(launch->tty_fd, launch->uid, TTY_GROUP) < 0 &&
        fchown(launch->tty_fd, launch->uid, (gid_t)-1) < 0)
        return err_set(err, errno, "--tty: cannot give the terminal to user %u: %m", launch->uid);
    r = console_make(launch);
    return r < 0 ? err_set(err, -r, "--tty: cannot make /dev/console: %s", err_name(-r)) : 0;
}

/*
 * The master to whoever listens at the console socket, with the terminal's name: one message of that name
 * and one file descriptor, as all runtimes send it.
 */
int step_console_send(struct launch *launch, struct err *err)
{
    char name[32];
    int number;
    int r;

    if (ioctl(launch->terminal_fd, TIOCGPTN, &number) < 0)
        return err_set(err, errno, "--console-socket: cannot tell the terminal's name: %m");
    snprintf(name, sizeof(name), "/dev/pts/%d", number);
    r = fd_send(launch->options->console_fd, launch->terminal_fd, name);
    if (r < 0)
        return err_set(err, -r, "--console-socket: cannot pass the terminal on: %s", err_name(-r));
    launch->terminal_fd = fd_close(launch->terminal_fd);
    return 0;
}

/* A session of its own: no signal of the caller's terminal reaches it, and it cannot type there. */
static int session_make(struct err *err)
{
    /* The first of a session may not make another, and need not. */
    if (setsid() < 0 && (errno != EPERM || getsid(0) != getpid()))
        return err_set(err, errno, "cannot make a session: %m");
    return 0;
}

int step_terminal_take(struct launch *launch, struct err *err)
{
    int r = session_make(err);

    if (r < 0)
        return r;
    if (ioctl(launch->tty_fd, TIOCSCTTY, 0) < 0)
        return err_set(err, errno, "--tty: cannot take the terminal: %m");
    for (int i = 0; i < 3; i++) {
        if (dup2(launch->tty_fd, i) < 0)
            return err_set(err, errno, "--tty: cannot take the terminal as file %d: %m", i);
    }
    if (!launch->spec->init && launch->terminal_fd >= 0) {
        struct message message = { .kind = MESSAGE_TERMINAL,
                                   .fds = { launch->terminal_fd },
                                   .n_fds = 1 };
        r = message_send(launch->channel_fd, &message);
    }
    return r < 0 ? err_set(err, -r, "--tty: cannot pass the terminal on: %s", err_name(-r)) : 0;
}

/*
 * Pipes become the user's: opening /dev/stdout again takes that. Where it cannot be done it was not needed
 * before either.
 */
static void stdio_give(const struct launch *launch)
{
    struct stat st;

    for (int i = 0; i < 3; i++) {
        if (fstat(i, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != launch->uid &&
            fchown(i, launch->uid, (gid_t)-1) < 0)
            continue;
    }
}

int step_stdio(struct launch *launch, struct err *err)
{
    int fds[3];
    int r = session_make(err);

    /* First out of the way what stands where another belongs. */
    for (int i = 0; i < 3 && r >= 0; i++) {
        fds[i] = launch->stdio[i];
        if (fds[i] > STDERR_FILENO || fds[i] == i)
            continue;
        fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (fds[i] < 0)
            r = err_set(err, errno, "cannot duplicate file descriptor %d: %m", launch->stdio[i]);
    }
    for (int i = 0; i < 3 && r >= 0; i++) {
        if (fds[i] != i && dup2(fds[i], i) < 0)
            r = err_set(err, errno, "cannot set up file descriptor %d of COMMAND: %m", i);
    }
    if (r >= 0 && launch->spec->document)
        stdio_give(launch);
    return r;
}
