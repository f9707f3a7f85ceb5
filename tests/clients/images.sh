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
