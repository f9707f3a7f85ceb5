/*
 * Whom TLS believes: the system's certificates and those that stand for one registry alone, as docker has them:
 * HOST/NAME.crt are authorities, NAME.cert and NAME.key are what we show of ourselves.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "registry/session.h"

#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define BUNDLE_MAX    (8u << 20)

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

static int add_file(int dir_fd, const char *dir, const char *name, struct buf *ca, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    int r = file_read_regular(dir_fd, name, BUNDLE_MAX, &text);
    if (r < 0)
        return err_set(err, -r, "the certificates in %.150s/%.100s cannot be read: %m", dir, name);
    buf_add(ca, buf_text(&text), text.len);
    buf_putc(ca, '\n');
    return buf_error(ca) == 0 ? 0 : err_nomem(err);
}

static int take_entry(int dir_fd, const char *dir, const char *name, struct http_options *ret,
                      struct err *err)
{
    if (ends_with(name, ".crt")) {
        struct err none = ERR_INIT;
        /* In addition to the system's; a machine may have none of those. */
        if (ret->ca.len == 0)
            (void)add_file(AT_FDCWD, "", SYSTEM_BUNDLE, &ret->ca, &none);
        return add_file(dir_fd, dir, name, &ret->ca, err);
    }
    if (!ends_with(name, ".cert") || ret->client_cert)
        return 0;
    ret->client_cert = text_format("%s/%s", dir, name);
    ret->client_key = text_format("%s/%.*s.key", dir, (int)(strlen(name) - 5), name);
    return ret->client_cert && ret->client_key ? 0 : err_nomem(err);
}

static int read_dir(const char *dir, bool asked, struct http_options *ret, struct err *err)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    int r = 0;

    if (!d && errno == ENOENT && !asked)
        return 0;
    if (!d)
        return err_set(err, errno, "the directory of certificates %.200s%s cannot be read: %m", dir,
                       asked ? " (--cert-dir)" : "");
    while (r == 0 && (entry = readdir(d)))
        r = take_entry(dirfd(d), dir, entry->d_name, ret, err);
    closedir(d);
    return r;
}

int certificates_read(const char *cert_dir, const char *host, struct http_options *ret,
                      struct err *err)
{
    static const char *const dir_table[] = { "/etc/docker/certs.d", "/etc/containers/certs.d" };

    if (cert_dir)
        return read_dir(cert_dir, true, ret, err);
    for (size_t i = 0; i < ARRAY_SIZE(dir_table); i++) {
        _cleanup_free_ char *dir = text_format("%s/%s", dir_table[i], host);
        if (!dir)
            return err_nomem(err);
        int r = read_dir(dir, false, ret, err);
        if (r < 0)
            return r;
    }
    return 0;
}
