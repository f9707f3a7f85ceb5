# Images made without a network, sourced behind lib.sh.
# shellcheck shell=sh

# A root of busybox with the helper programs, users and groups in DIR.
image_root() { # DIR
    mkdir -p "$1/bin" "$1/etc" "$1/dev" "$1/proc" "$1/sys" "$1/run" "$1/root" "$1/home/someone" \
        "$1/usr/bin" "$1/var/spool" "$1/data" "$1/tmp" &&
        chmod 1777 "$1/tmp" && chmod 700 "$1/root" &&
        cp "$(command -v busybox)" "$1/bin/busybox" &&
        cp "$TOOLS/hog" "$TOOLS/probe" "$1/usr/bin/" || return
    for i_applet in $(busybox --list); do
        [ "$i_applet" = busybox ] || ln -s busybox "$1/bin/$i_applet"
    done
    cat >"$1/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/var:/bin/false
someone:x:1234:1235:Some One:/home/someone:/bin/sh
END
    cat >"$1/etc/group" <<'END'
root:x:0:
daemon:x:1:
someone:x:1235:
extra:x:2000:someone
END
    echo 'not a program' >"$1/data/plain"
    printf '#!/bin/sh\necho from the script\n' >"$1/data/denied"
    chown -R 1234:1235 "$1/home/someone"
}

# The same as a tar in FILE.
image_tar() { # FILE
    image_root "$work/root" && tar -C "$work/root" -cf "$1" . && rm -rf "$work/root"
}

# A Debian with systemd in DIR/debian.tar, from a mirror; kept there, so that once is enough. For
# `outside`: what cannot be had is a failure in CI, else the script is skipped, with the reason.
image_debian() { # DIR
    [ ! -s "$1/debian.tar" ] || return 0
    if timeout 600 mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus \
        --aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --format=tar bookworm "$1/debian.tar.$$" >"$1/debian.log" 2>&1 </dev/null; then
        mv "$1/debian.tar.$$" "$1/debian.tar"
        return
    fi
    rm -f "$1/debian.tar.$$"
    [ "${CI:-}" != true ] || world_fail "no Debian root: $(tail -n 5 "$1/debian.log")"
    printf 'ok 1 - a Debian root # SKIP no mirror: %s\n1..1\n' "$(tail -n 1 "$1/debian.log")"
    exit 0
}
