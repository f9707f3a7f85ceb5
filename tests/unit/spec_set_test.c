/* Options: every one of them, with values that are taken and values that are refused. */
#include "spec_world.h"

static const struct {
    const char *name, *value;
} good_table[] = {
    { "interactive", NULL },
    { "interactive", "true" },
    { "tty", "FALSE" },
    { "rm", "1" },
    { "init", "0" },
    { "name", "a" },
    { "name", "run-1_2.x" },
    { "env", "A=1" },
    { "env", "A=" },
    { "env", "OURS" },
    { "env", "A.b=c" },
    { "env-file", "good.env" },
    { "env-file", "bom.env" },
    { "env-file", "utf8.env" },
    { "workdir", "/" },
    { "workdir", "/a/./b//c" },
    { "user", "0" },
    { "user", "alice" },
    { "user", "1000:100" },
    { "user", "alice:audio" },
    { "user", "4294967294" },
    { "group-add", "44" },
    { "group-add", "video" },
    { "umask", "022" },
    { "umask", "0777" },
    { "umask", "0" },
    { "stop-signal", "TERM" },
    { "stop-signal", "SIGKILL" },
    { "stop-signal", "15" },
    { "stop-signal", "rtmin+3" },
    { "stop-timeout", "10" },
    { "stop-timeout", "1.5s" },
    { "stop-timeout", "0" },
    { "soft-signal", "usr1" },
    { "oom-score-adj", "-1000" },
    { "oom-score-adj", "1000" },
    { "label", "a=b" },
    { "label", "a" },
    { "restart", "on-failure:3" },
    { "log-opt", "max-size=10m" },
    { "health-cmd", "test -e /ready" },
    { "health-interval", "30s" },
    { "health-timeout", "500ms" },
    { "health-retries", "3" },
    { "health-start-period", "2m" },
    { "health-start-interval", "5" },
    { "no-healthcheck", NULL },
    { "rootfs", "dir" },
    { "rootfs", "/srv/root" },
    { "read-only", NULL },
    { "entrypoint", "/bin/sh" },
    { "entrypoint", "" },
    { "label-file", "good.env" },
    { "platform", "linux/amd64" },
    { "platform", "linux/arm/v7" },
    { "platform", "arm64" },
    { "pull", "never" },
    { "storage-opt", "size=64m" },
    { "storage-opt", "size=256k" },
    { "volume", "/a" },
    { "volume", "a:/b" },
    { "volume", "data_1.x-y:/b:ro,nocopy" },
    { "mount", "dst=/b" },
    { "mount", "type=volume,src=a,dst=/b,volume-nocopy,readonly" },
    { "volume", "/a:/b" },
    { "volume", "./a:/b:ro" },
    { "volume", ".:/b:ro,z,rprivate" },
    { "volume", "../a:/b:rw,nosuid,noexec,rslave" },
    { "volume", "/a:/b:"
                "bind" },
    { "mount", "type=bind,src=/a,dst=/b" },
    { "mount", "type=bind,source=/a,target=/b,readonly" },
    { "mount", "dst=/b,type=bind,src=/a,ro=false,bind-propagation=rslave" },
    { "mount", "type=bind,\"src=/a,b\",dst=/b" },
    { "mount", "type=bind,\"src=/a\"\"b\",dst=/b" },
    { "mount", "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1777" },
    { "mount", "type=bind,src=/a,dst=/b,bind-nonrecursive" },
    { "tmpfs", "/t" },
    { "tmpfs", "/t:size=64m,mode=700,exec,uid=1,gid=2,nr_inodes=1k" },
    { "tmpfs", "/t:size=50%" },
    { "shm-size", "64m" },
    { "shm-size", "1" },
    { "device", "/dev/fuse" },
    { "device", "/dev/fuse:r" },
    { "device", "/dev/fuse:/dev/x:rw" },
    { "device", "/dev/sda:/dev/a/b" },
    { "network", "none" },
    { "network", "host" },
    { "net", "host" },
    { "network", "bridge" },
    { "publish", "127.0.0.1:8080:80/udp" },
    { "publish-all", NULL },
    { "expose", "80-90" },
    { "dns", "1.1.1.1" },
    { "dns-search", "example.org" },
    { "dns-option", "ndots:2" },
    { "add-host", "db:10.0.0.1" },
    { "ip", "10.88.0.9" },
    { "mac-address", "02:00:00:00:00:01" },
    { "network-alias", "db" },
    { "pid", "host" },
    { "ipc", "private" },
    { "ipc", "none" },
    { "uts", "host" },
    { "userns", "keep-id" },
    { "uidmap", "0:100000:65536" },
    { "gidmap", "0:0:4294967294" },
    { "cgroupns", "host" },
    { "time", "private" },
    { "time-offset", "-5" },
    { "time-offset", "monotonic=86400,boottime=7" },
    { "hostname", "box" },
    { "hostname", "a.b-c" },
    { "domainname", "example.org" },
    { "cap-add", "NET_ADMIN" },
    { "cap-add", "cap_sys_time" },
    { "cap-add", "all" },
    { "cap-drop", "ALL" },
    { "security-opt", "no-new-privileges" },
    { "security-opt", "no-new-privileges:true" },
    { "security-opt", "no-new-privileges=false" },
    { "security-opt", "systempaths=unconfined" },
    { "security-opt", "seccomp=unconfined" },
    { "security-opt", "unmask=/proc/kcore:/proc/keys" },
    { "security-opt", "unmask=ALL" },
    { "security-opt", "mask=/etc/shadow" },
    { "privileged", NULL },
    { "best-effort", NULL },
    { "cgroup-parent", "/a/b" },
    { "cgroup-parent", "a.slice" },
    { "weight-map", "linear" },
    { "ulimit", "nofile=1024" },
    { "ulimit", "nofile=1024:4096" },
    { "memory", "50m" },
    { "mem", "50m" },
    { "cpuset", "0" },
    { "oom-group", NULL },
    { "timeout", "10" },
};

/* The sentence must hold both: the option, and what of it is wrong. */
static const struct {
    const char *name, *value, *says;
} bad_table[] = {
    { "interactive", "maybe", "true or false" },
    { "rm", "", "true or false" },
    { "name", NULL, "needs a value" },
    { "name", "", "empty" },
    { "name", "a/b", "a/b" },
    { "name", "-a", "letter" },
    { "name", ".", "letter" },
    { "name", "a\nb", "a?b" },
    { "name", "\xc3\xa4", "letter" },
    { "env", "", "name is missing" },
    { "env", "=x", "name is missing" },
    { "env-file", "missing.env", "No such file" },
    { "env-file", "secret.env", "Permission denied" },
    { "env-file", "blank.env", "line 2" },
    { "env-file", "nameless.env", "line 1" },
    { "env-file", "latin1.env", "UTF-8" },
    { "env-file", "overlong.env", "UTF-8" },
    { "env-file", "surrogate.env", "UTF-8" },
    { "workdir", "a", "absolute" },
    { "workdir", "", "absolute" },
    { "workdir", "/a/../b", ".." },
    { "user", "-1", "-1" },
    { "user", "4294967295", "4294967295" },
    { "user", "4294967296", "USER" },
    { "user", "1:", "USER" },
    { "user", "0x10", "USER" },
    { "user", " 1", "USER" },
    { "user", "1 ", "USER" },
    { "user", "", "USER" },
    { "user", ":1", "USER" },
    { "user", "+1", "USER" },
    { "user", "1:2:3", "USER" },
    { "user", "a b", "USER" },
    { "user", "1e3", "USER" },
    { "user", "00000000000000000001", "USER" },
    { "group-add", "", "group" },
    { "group-add", "-1", "group" },
    { "group-add", "4294967295", "group" },
    { "umask", "8", "octal" },
    { "umask", "1777", "octal" },
    { "umask", "", "octal" },
    { "umask", "-1", "octal" },
    { "stop-signal", "NOPE", "NOPE" },
    { "stop-signal", "0", "signal" },
    { "stop-signal", "65", "signal" },
    { "stop-signal", "RTMIN+31", "signal" },
    { "stop-signal", "", "signal" },
    { "label", "", "NAME" },
    { "label", "=b", "NAME" },
    { "restart", "sometimes", "on-failure" },
    { "log-opt", "size=1", "max-size" },
    { "health-cmd", "", "health-cmd" },
    { "health-interval", "often", "time" },
    { "health-timeout", "-1", "time" },
    { "health-retries", "0", "from 1 on" },
    { "health-start-period", "x", "time" },
    { "health-start-interval", "x", "time" },
    { "soft-signal", "SIG", "signal" },
    { "stop-timeout", "soon", "time" },
    { "stop-timeout", "-1", "time" },
    { "stop-timeout", "99999999999999999999", "too long" },
    { "oom-score-adj", "-1001", "1000" },
    { "oom-score-adj", "1001", "1000" },
    { "oom-score-adj", "x", "1000" },
    { "rootfs", "", "empty" },
    { "entrypoint", NULL, "needs a value" },
    { "volume", "a", "[SOURCE:]TARGET" },
    { "volume", "", "[SOURCE:]TARGET" },
    { "volume", "a/b:/c", "nor a volume's name" },
    { "volume", "-a:/c", "nor a volume's name" },
    { "volume", "/", "root itself" },
    { "storage-opt", "", "size=SIZE" },
    { "storage-opt", "10m", "size=SIZE" },
    { "storage-opt", "size=", "size=SIZE" },
    { "storage-opt", "size=0", "256k" },
    { "storage-opt", "size=255k", "256k" },
    { "storage-opt", "size=99999999999t", "count" },
    { "platform", "", "OS/ARCH" },
    { "platform", "linux/", "OS/ARCH" },
    { "platform", "linux/arm/v7/x", "OS/ARCH" },
    { "platform", "Linux/amd64", "OS/ARCH" },
    { "platform", "linux amd64", "OS/ARCH" },
    { "pull", "sometimes", "sometimes" },
    { "label-file", "nameless.env", "line 1 has no name" },
    { "label-file", "absent", "absent" },
    { "volume", ":/b", "empty" },
    { "volume", "/a:b", "absolute" },
    { "volume", "/a:", "absolute" },
    { "volume", "/a:/b:bogus", "bogus" },
    { "volume", "/a:/b:ro,", "mount option" },
    { "volume", "/a:/", "root itself" },
    { "volume", "/a://./", "root itself" },
    { "volume", "/a:/b/../c", ".." },
    { "volume", "/a:/proc", "/proc" },
    { "volume", "/a:/proc/sys", "/proc" },
    { "volume", "/a:/b:ro:z", "ro:z" },
    { "mount", "", "target=" },
    { "mount", "type=overlay,dst=/b", "type=volume" },
    { "mount", "type=volume,src=/a,dst=/b", "not the path" },
    { "mount", "type=volume,src=a,dst=/b,bind-propagation=slave", "bind-propagation" },
    { "mount", "type=volume,src=a,dst=/b,volume-nocopy=perhaps", "volume-nocopy" },
    { "mount", "src=/a,dst=/b", "type=volume" },
    { "mount", "type=bind,src=/a", "target=" },
    { "mount", "type=bind,dst=/b", "source=" },
    { "mount", "type=bind,src=/a,dst=/b,x=y", "\"x\"" },
    { "mount", "type=bind,src=/a,dst=/b,ro=maybe", "true or false" },
    { "mount", "type=bind,\"src=/a,dst=/b", "quote" },
    { "mount", "type=bind,src=a,dst=/b", "./" },
    { "mount", "type=tmpfs,dst=/t,src=/a", "src" },
    { "mount", "type=tmpfs,dst=/t,tmpfs-size=x", "x" },
    { "mount", "type=tmpfs,dst=/t,tmpfs-uid=1", "tmpfs-uid" },
    { "mount", "type=bind,src=/a,dst=/b,bind-propagation=up", "up" },
    { "tmpfs", "t", "absolute" },
    { "tmpfs", "", "absolute" },
    { "tmpfs", "/t:size=-1", "-1" },
    { "tmpfs", "/t:size=101%", "101%" },
    { "tmpfs", "/t:size=%", "size" },
    { "tmpfs", "/t:mode=9", "mode" },
    { "tmpfs", "/t:huge=always", "huge" },
    { "tmpfs", "/t:uid=-1", "uid" },
    { "tmpfs", "/t:size=99999999999999999999", "size" },
    { "shm-size", "0", "greater" },
    { "shm-size", "-1", "size" },
    { "shm-size", "64x", "size" },
    { "shm-size", "99999999999999999999", "more than" },
    { "device", "fuse", "absolute" },
    { "device", "/dev/none", "No such file" },
    { "device", "/dev/shm", "not a device" },
    { "device", "/dev/fuse:/etc/x", "beneath /dev" },
    { "device", "/dev/fuse:/dev", "beneath" },
    { "device", "/dev/fuse:/dev/../x", ".." },
    { "device", "/dev/fuse:rr", "absolute" },
    { "device", "/dev/fuse:/dev/x:", "absolute" },
    { "device", "/dev/fuse:/dev/x:rwmx", "absolute" },
    { "network", "../bridge", "container:NAME" },
    { "network", "", "container:NAME" },
    { "net", "-", "--network" },
    { "publish", "80:", "80:" },
    { "publish", "8000-8001:80-82", "ranges of different lengths" },
    { "publish", "[::1]:80:80", "IPv4" },
    { "expose", "8080:80", "PORT" },
    { "dns", "dns.example", "address" },
    { "dns-search", "a b", "one word" },
    { "dns-option", "x\ny", "one word" },
    { "add-host", "db", "NAME:ADDRESS" },
    { "ip", "10.88.0.9/16", "IPv4" },
    { "mac-address", "01:00:00:00:00:01", "group" },
    { "network-alias", "-x", "letter or digit" },
    { "pid", "container:x", "private|host" },
    { "ipc", "shareable", "host" },
    { "uts", "x", "host" },
    { "userns", "auto", "keep-id" },
    { "uidmap", "0:0", "INSIDE" },
    { "uidmap", "0:0:0", "nothing" },
    { "uidmap", "4294967294:0:2", "beyond" },
    { "gidmap", "0:0:1:2", "INSIDE" },
    { "gidmap", "-1:0:1", "INSIDE" },
    { "cgroupns", "x", "host" },
    { "time", "x", "host" },
    { "time-offset", "soon", "seconds" },
    { "time-offset", "realtime=1", "seconds" },
    { "time-offset", "9999999999", "ten years" },
    { "time-offset", "", "seconds" },
    { "time-offset", "monotonic=", "seconds" },
    { "hostname", "", "empty" },
    { "hostname", "a b", "letters" },
    { "hostname", "-a", "letter" },
    { "domainname", "/", "letter" },
    { "cap-add", "NET", "NET" },
    { "cap-add", "", "capability" },
    { "cap-drop", "99", "99" },
    { "security-opt", "seccomp=profile.json", "seccomp=profile.json" },
    { "security-opt", "apparmor=x", "apparmor=x" },
    { "security-opt", "", "known" },
    { "security-opt", "no-new-privileges:maybe", "maybe" },
    { "security-opt", "mask=x", "known" },
    { "security-opt", "mask=/a:b", "absolute" },
    { "security-opt", "unmask=/a/../b", "\"..\"" },
    { "privileged", "x", "true or false" },
    { "cgroup-parent", "", "no group" },
    { "cgroup-parent", "/a/../b", ".." },
    { "cgroup-parent", "a\nb", "control" },
    { "weight-map", "legacy", "oci|linear" },
    { "ulimit", "nofile", "NAME=" },
    { "ulimit", "files=1", "files" },
    { "ulimit", "=1", "NAME=" },
    { "ulimit", "nofile=x", "ulimit" },
    { "memory", NULL, "needs a value" },
    { "memory", "", "memory" },
    { "memory", "-5", "memory" },
    { "oom-group", "x", "true or false" },
    { "memry", "50m", "did you mean --memory" },
    { "xyzzyxyzzy", NULL, "no option" },
};

static void test_good_values_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good_table); i++) {
        _cleanup_(draft_freep) struct draft *draft = draft_new();
        _cleanup_(spec_freep) struct spec *spec = NULL;
        struct err err = ERR_INIT;
        const struct spec_image image = { .name = (char *)"image" };
        bool of_image = strstr("entrypoint platform pull storage-opt", good_table[i].name);
        if (of_image && spec_set_image(draft, &image, &err) < 0)
            fail_msg("an image that says nothing: %s", err.text);
        if (spec_set(draft, &root_world, good_table[i].name, good_table[i].value, &err) < 0)
            fail_msg("--%s %s: %s", good_table[i].name, text_or_empty(good_table[i].value),
                     err.text);
        if (spec_seal(draft, &root_world, &spec, &err) < 0)
            fail_msg("sealing --%s %s: %s", good_table[i].name, text_or_empty(good_table[i].value),
                     err.text);
    }
}

static void test_bad_values_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++) {
        _cleanup_(draft_freep) struct draft *draft = draft_new();
        struct err err = ERR_INIT;
        char option[64];
        if (spec_set(draft, &root_world, bad_table[i].name, bad_table[i].value, &err) == 0)
            fail_msg("--%s '%s' was taken", bad_table[i].name, text_or_empty(bad_table[i].value));
        snprintf(option, sizeof(option), "--%s", bad_table[i].name);
        if (err.class != ERR_USAGE || err_exit_status(&err) != 2 ||
            !strstr(err.text, bad_table[i].says) || strpbrk(err.text, "\n\r\t") ||
            (!strstr(err.text, option) && strcmp(bad_table[i].name, "net") != 0))
            fail_msg("--%s '%s': class %d, \"%s\" lacks \"%s\"", bad_table[i].name,
                     text_or_empty(bad_table[i].value), (int)err.class, err.text,
                     bad_table[i].says);
    }
}

/* What the table does not name was forgotten. */
static void test_every_option_is_in_the_tables(void **state)
{
    struct option_info info;

    (void)state;
    for (size_t i = 0; option_at(i, &info) && info.limit == LIMIT_NONE; i++) {
        bool good = false, bad = false;
        for (size_t j = 0; j < ARRAY_SIZE(good_table); j++)
            good = good || strcmp(good_table[j].name, info.name) == 0;
        for (size_t j = 0; j < ARRAY_SIZE(bad_table); j++)
            bad = bad || strcmp(bad_table[j].name, info.name) == 0;
        if (!good || (!bad && info.kind != OPTION_FLAG))
            fail_msg("--%s has no %s example", info.name, good ? "bad" : "good");
    }
}

/* A value of any length is one short sentence. */
static void test_long_values(void **state)
{
    static const char *const name_table[] = {
        "name",     "user",          "volume",      "mount",    "tmpfs",        "device",
        "hostname", "cgroup-parent", "stop-signal", "cap-add",  "security-opt", "ulimit",
        "network",  "time-offset",   "umask",       "env-file", "tty",          "uidmap",
    };
    char value[10001];

    (void)state;
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(name_table); i++) {
        _cleanup_(draft_freep) struct draft *draft = draft_new();
        struct err err = ERR_INIT;
        assert_true(spec_set(draft, &root_world, name_table[i], value, &err) < 0);
        assert_int_equal(err.class, ERR_USAGE);
        assert_non_null(strstr(err.text, name_table[i]));
        assert_true(strlen(err.text) < 300);
    }
    _cleanup_(draft_freep) struct draft *draft = draft_new();
    struct err err = ERR_INIT;
    assert_true(spec_set(draft, &root_world, value, "1", &err) < 0);
    value[128] = '\0';
    assert_int_equal(spec_set(draft, &root_world, "name", value, &err), 0);
    value[64] = '\0';
    assert_int_equal(spec_set(draft, &root_world, "hostname", value, &err), 0);
}

/* The options are a proper table: no name, alias or letter twice, a heading that stays together. */
static void test_table_is_sound(void **state)
{
    struct option_info a, b;

    (void)state;
    for (size_t i = 0; option_at(i, &a); i++) {
        assert_non_null(a.group);
        assert_non_null(a.help);
        assert_true((a.kind == OPTION_FLAG) == (a.metavar == NULL));
        assert_true(option_find(a.name, &b));
        assert_string_equal(a.name, b.name);
        if (a.letter) {
            assert_true(option_find_letter(a.letter, &b));
            assert_string_equal(a.name, b.name);
        }
        for (size_t j = 0; j < i; j++) {
            assert_true(option_at(j, &b));
            assert_string_not_equal(a.name, b.name);
        }
    }
    assert_true(option_find("net", &a));
    assert_string_equal(a.name, "network");
    assert_true(option_find("mem", &a));
    assert_int_equal(a.limit, LIMIT_MEMORY);
    assert_false(option_find("", &a));
    assert_false(option_find("nope", &a));
    assert_false(option_find_letter('\0', &a));
    assert_false(option_find_letter('!', &a));
    assert_true(option_find_letter('h', &a));
    assert_string_equal(a.name, "hostname");
}

static void test_get(void **state)
{
    _cleanup_(draft_freep) struct draft *draft =
        draft_with(&root_world, WORDS("memory=50m", "memory=60m", "cpus=0.5", "name=x", "tty",
                                      "volume=/a:/b", "volume=/c:/d", "ulimit=nofile=7"));
    _cleanup_(draft_freep) struct draft *copy = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(draft_copy(draft, &copy), 0);
    assert_int_equal(spec_set(draft, &root_world, "memory", "0", &err), 0);
    assert_null(spec_get(draft, "memory"));
    assert_string_equal(spec_get(copy, "memory"), "60m");
    assert_string_equal(spec_get(copy, "cpus"), "0.5");
    assert_string_equal(spec_get(copy, "name"), "x");
    assert_string_equal(spec_get(copy, "tty"), "true");
    assert_string_equal(spec_get(copy, "volume"), "/c:/d");
    assert_string_equal(spec_get(copy, "rlimit-nofile"), "7");
    assert_null(spec_get(copy, "rm"));
    assert_null(spec_get(copy, "pids-limit"));
    assert_null(spec_get(copy, "no-such-option"));
}

static void test_command(void **state)
{
    _cleanup_(draft_freep) struct draft *draft = draft_new();
    struct err err = ERR_INIT;

    (void)state;
    assert_true(spec_set_command(draft, WORDS(), &err) < 0);
    assert_int_equal(err.class, ERR_USAGE);
    assert_true(spec_set_command(draft, WORDS("", "x"), &err) < 0);
    assert_int_equal(spec_set_command(draft, WORDS("a", "", "-b"), &err), 0);
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(signal_parse("SIGTERM"), 15);
    assert_int_equal(signal_parse("kill"), 9);
    assert_int_equal(signal_parse("RTMAX"), 64);
    assert_int_equal(signal_parse("SIGRTMAX-14"), 50);
    assert_int_equal(signal_parse("IOT"), 6);
    assert_true(signal_parse("TERM ") < 0);
    for (int i = 1; i <= 64; i++) {
        if (i != 32 && i != 33)
            assert_int_equal(signal_parse(signal_name(i)), i);
    }
    assert_null(signal_name(0));
    assert_null(signal_name(-1));
    assert_null(signal_name(33));
    assert_null(signal_name(65));
    for (int i = 0; i <= 40; i++)
        assert_int_equal(capability_parse(capability_name(i)), i);
    assert_null(capability_name(41));
    assert_int_equal(capability_parse("cap_checkpoint_restore"), 40);
    assert_true(capability_parse("CAP_") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_values_are_taken),
        cmocka_unit_test(test_bad_values_are_refused),
        cmocka_unit_test(test_every_option_is_in_the_tables),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
