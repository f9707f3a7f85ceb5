/* ration login and logout: who we are to a registry. */
#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "imagecli/transfer.h"

#define HUB       "docker.io"
#define TYPED_MAX 4096

/* The registry that is meant: "host", "host:port", or docker's own addresses for its hub. */
static int read_domain(const struct call *call, char **ret, struct err *err)
{
    const char *text = call_n_operands(call) > 0 ? call->operands[0] : HUB;
    const char *scheme = strstr(text, "://");

    if (scheme)
        text = scheme + 3;
    size_t n = strcspn(text, "/");
    if (n == 0 || strcspn(text, " \t\n@?#") < n)
        return err_usage(err, "\"%.100s\" is no registry: HOST or HOST:PORT is one", text);
    _cleanup_free_ char *host = strndup(text, n);
    if (!host)
        return err_nomem(err);
    bool hub = strcmp(host, "index.docker.io") == 0 || strcmp(host, "registry-1.docker.io") == 0;
    *ret = strdup(hub ? HUB : host);
    return *ret ? 0 : err_nomem(err);
}

/* One line of standard input without its end, byte by byte: what follows is not ours. */
static int read_line(const char *what, struct buf *ret, struct err *err)
{
    for (;;) {
        char c = 0;
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, errno, "the %s cannot be read from standard input: %m", what);
        if (n == 0 || c == '\n')
            break;
        if (ret->len >= TYPED_MAX)
            return err_usage(err, "the %s on standard input is too long", what);
        buf_putc(ret, c);
    }
    if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
        ret->data[--ret->len] = '\0';
    if (buf_error(ret) < 0)
        return err_nomem(err);
    return ret->len > 0 ? 0 : err_usage(err, "there is no %s on standard input", what);
}

/* A question on the terminal; what is typed to it is not seen when it is secret. */
static int ask(const char *what, bool secret, struct buf *ret, struct err *err)
{
    struct termios before, quiet;
    _cleanup_free_ char *question = text_format("%s: ", what);

    if (!question)
        return err_nomem(err);
    if (!isatty(STDIN_FILENO))
        return err_usage(err,
                         "there is no terminal to ask for the %s: use --user and "
                         "--password-stdin",
                         what);
    (void)fd_write_all(STDERR_FILENO, question, strlen(question));
    bool changed = secret && tcgetattr(STDIN_FILENO, &before) == 0;
    if (changed) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        changed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    }
    int r = read_line(what, ret, err);
    if (changed) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)fd_write_all(STDERR_FILENO, "\n", 1);
    }
    return r;
}

static int read_user(const struct call *call, struct buf *ret, struct err *err)
{
    const char *user = call_option(call, "user");

    if (!user)
        return ask("user", false, ret, err);
    buf_puts(ret, user);
    return buf_error(ret) == 0 ? 0 : err_nomem(err);
}

static int read_password(const struct call *call, struct buf *ret, struct err *err)
{
    return call_flag(call, "password-stdin") ? read_line("password", ret, err)
                                             : ask("password", true, ret, err);
}

int command_login(struct call *call, struct err *err)
{
    _cleanup_transfer_ struct transfer t = { 0 };
    _cleanup_buf_ struct buf user = BUF_INIT, password = BUF_INIT;
    _cleanup_free_ char *domain = NULL, *where = NULL;

    int r = call_need(call, 0, 1, "a registry", err);
    if (r == 0)
        r = transfer_init(&t, call, err);
    if (r == 0)
        r = read_domain(call, &domain, err);
    if (r == 0 && call_flag(call, "password-stdin") && !call_option(call, "user"))
        r = err_usage(err, "--password-stdin needs --user");
    if (r == 0)
        r = read_user(call, &user, err);
    if (r == 0)
        r = read_password(call, &password, err);
    if (r == 0)
        r = registry_login(&t.options, domain, buf_text(&user), buf_text(&password), &where, err);
    if (password.data)
        explicit_bzero(password.data, password.cap);
    if (r == 0)
        call_say("logged in to %s as %s; the password is kept in %s", domain, buf_text(&user),
                 where);
    return r;
}

int command_logout(struct call *call, struct err *err)
{
    _cleanup_transfer_ struct transfer t = { 0 };
    _cleanup_free_ char *domain = NULL, *where = NULL;

    int r = call_need(call, 0, 1, "a registry", err);
    if (r == 0)
        r = transfer_init(&t, call, err);
    if (r == 0)
        r = read_domain(call, &domain, err);
    if (r == 0)
        r = registry_logout(&t.options, domain, &where, err);
    if (r < 0)
        return r;
    if (r == 0)
        call_say("no password for %s was kept", domain);
    else
        call_say("the password for %s is gone from %s", domain, where);
    return 0;
}
