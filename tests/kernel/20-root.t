#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# A root directory of the run's own: what is in it, what is mounted in it, and that nothing leads out.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
# Where the shell itself is busybox, its name leads to no file.
for busybox in /bin/busybox /usr/bin/busybox none; do
    [ -x "$busybox" ] && break
done
[ "$busybox" != none ] || skip_all 'there is no busybox'
root=$work/root
canary=$work/canary

# A root with busybox, and something outside that nobody inside may find or change.
make_root() {
    rm -rf "$root" "$canary"
    mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$canary/dir"
    cp "$busybox" "$root/bin/busybox"
    for applet in sh ls cat grep touch mkdir pwd id readlink wc sleep stat ln; do
        ln -s busybox "$root/bin/$applet"
    done
    echo safe >"$canary/file"
}
cd "$work" || exit
in_canary() { (cd "$canary" && "$@"); }
canary_unharmed() { # NAME
    expect_equal "$(in_canary ls -lnR | sum_names)" "$before" "$1"
}
sum_names() { awk '{ print $1, $5, $NF }'; }
remember() { before=$(in_canary ls -lnR | sum_names); }
in_root() { # SCRIPT ARGS...: SCRIPT in the root; options come first in $options
    script=$1
    shift
    run_ration run --rootfs "$root" "$@" -- /bin/sh -c "$script"
}

# ---- what there is -----------------------------------------------------------------------------

make_root
remember
outside=$(cat /proc/self/mountinfo)
in_root 'echo /*'
expect_stdout_is '/bin /dev /etc /proc /sys /tmp' 'the root is what the directory holds, and what every run has'
in_root 'pwd; cd ..; cd ../../..; pwd; ls /proc/1/root /proc/1/cwd 2>/dev/null'
expect_stdout_is '/
/' 'there is nothing above it'
in_root 'while read -r a b c d target rest; do echo "$target"; done </proc/self/mountinfo'
expect_stdout_lacks "^$work" 'no path of the host is among its mounts'
in_root 'grep -c " / / " /proc/self/mountinfo'
expect_stdout_is 0 'nor the root of the host'
expect_equal "$(cat /proc/self/mountinfo)" "$outside" 'out here nothing is mounted'
expect_equal "$(cd "$root" && echo dev/* proc/* sys/*)" 'dev/* proc/* sys/*' \
    'what was made in the directory is gone or empty'
assert_no_leftovers

# ---- directories to start in -------------------------------------------------------------------

in_root pwd -w /etc
expect_stdout_is /etc '-w is inside'
in_root pwd -w /made/for/it
expect_stdout_is /made/for/it 'a directory that is missing is made'
in_root pwd --read-only -w /made/too
expect_stdout_is /made/too 'in a root that is read-only, too'
ln -s "$canary" "$root/out"
in_root pwd -w /out
expect_refusal 125 '--workdir' 'a link that leads outside leads nowhere'
canary_unharmed 'and nothing was made there'
ln -sfn ../../../../../../etc "$root/out"
in_root pwd -w /out
expect_stdout_is /etc 'one that climbs ends at the root'

# A directory of the host that somebody forgot to close is no way out.
exec 8</ 9<"$canary"
for fd in 8 9; do
    for dir in "/proc/self/fd/$fd" "/proc/thread-self/fd/$fd" "/proc/1/fd/$fd" "/fds/$fd"; do
        ln -sfn /proc/self/fd "$root/fds"
        in_root 'pwd; ls' -w "$dir"
        expect_refusal 125 '--workdir' "-w $dir is refused"
    done
done
in_root 'echo /proc/self/fd/[3-9] /proc/1/fd/*' --init=false
expect_stdout_lacks '/fd/[89]' 'nor is it handed on'
run_ration_stdin "$canary" run --rootfs "$root" -- /bin/sh -c 'ls /proc/self/fd/0/'
expect_refusal 125 'file descriptor 0' 'a directory as stdin is refused'
exec 8<&- 9<&-

# ---- read-only, volumes, tmpfs -----------------------------------------------------------------

make_root
remember
in_root 'touch /x && echo yes'
expect_stdout_is yes 'the root can be written to'
rm -f "$root/x"
in_root 'touch /x /tmp/x /etc/x; touch /dev/shm/x && echo shm; mkdir /proc/x; exit 0' --read-only
expect_stdout_is shm 'with --read-only only what is mounted for writing can be'
expect_equal "$(ls "$root/x" "$root/tmp/x" "$root/etc/x" 2>/dev/null)" '' 'and nothing was'

mkdir "$work/share"
echo shared >"$work/share/file"
in_root 'cat /mnt/share/file; touch /mnt/share/new; touch /x' --read-only -v "$work/share:/mnt/share"
expect_stdout_is shared '-v shows a directory where none was'
check 'it can be written to, whatever the root is' test -e "$work/share/new"
in_root 'touch /mnt/share/more || echo no' -v "$work/share:/mnt/share:ro"
expect_stdout_is no '-v ...:ro cannot'
in_root 'cat /etc/one; echo x >/etc/one' -v "$work/share/file:/etc/one"
expect_stdout_is shared '-v shows a file where none was'
expect_equal "$(cat "$work/share/file")" x 'and it is that very file'
check_not 'the place made for it is gone' test -e "$root/etc/one"
(cd "$work" && "$RATION" run --rootfs root -v ./share:/mnt/share -- /bin/cat /mnt/share/file >"$out")
expect_stdout_is x 'relative paths are relative to where we are'
in_root 'echo' -v "$work/share:/bin/sh"
expect_refusal 125 '/bin/sh' 'a directory over a file is refused'
in_root 'echo' -v "$work/share/file:/tmp"
expect_refusal 125 '/tmp' 'a file over a directory is refused'
in_root 'grep -c " /mnt/t .*nosuid,nodev.*tmpfs" /proc/self/mountinfo; cat /dev/zero >/mnt/t/x; wc -c </mnt/t/x' \
    --tmpfs /mnt/t:size=64k
expect_stdout_is '1
65536' '--tmpfs is an empty file system of that size'
expect_equal "$(cat /proc/self/mountinfo)" "$outside" 'out here nothing is mounted'

# ---- devices that lie about --------------------------------------------------------------------

cp "$TOOLS/probe" "$root/bin/probe"
mknod -m 666 "$root/zero" c 1 5
run_ration run --rootfs "$root" -- /bin/probe open r /zero
expect_status 3 'a device node in the root is no device'
run_ration run --rootfs "$root" -- /bin/probe open r /dev/zero
expect_status 0 'one in /dev is'
assert_no_leftovers

# ---- roots that want to lead out ---------------------------------------------------------------

for entry in proc dev sys; do
    for target in "$canary" ../../canary "$canary/dir" / . /etc /proc/self/cwd nowhere; do
        make_root
        remember
        ln -s "$target" "$root/$entry"
        in_root 'echo inside'
        expect_refusal 125 "--rootfs.*/$entry" "/$entry -> $target is refused"
        canary_unharmed "/$entry -> $target changes nothing outside"
    done
    make_root
    : >"$root/$entry"
    in_root 'echo inside'
    expect_refusal 125 "/$entry" "/$entry that is a file is refused"
done

# What is in the image's own /dev is never a source or a target.
make_root
remember
mkdir "$root/dev"
for name in null zero full random urandom tty console ptmx pts shm mqueue stdin fd; do
    ln -s "$canary/file" "$root/dev/$name"
done
in_root 'echo x >/dev/null; echo y >/dev/full; [ -c /dev/null ] && cat /proc/keys && echo inside' 2>/dev/null
expect_stdout_is inside 'links in its /dev are out of sight'
canary_unharmed 'and nothing went through them'

# Links where something is to be mounted.
make_root
remember
mkdir "$root/link"
ln -s "$canary" "$root/link/abs"
ln -s ../../canary "$root/link/rel"
ln -s ../../../../../.. "$root/link/up"
ln -s /proc/self/root "$root/link/magic"
for target in /link/abs /link/rel /link/abs/dir /link/rel/new /link/abs/deep/er /link/magic/tmp /link/up/new; do
    in_root 'echo inside' --tmpfs "$target"
    canary_unharmed "--tmpfs $target: nothing outside"
    in_root 'echo inside' -v "$work/share:$target"
    canary_unharmed "-v SHARE:$target: nothing outside"
    in_root 'echo inside' -v "$work/share/file:$target"
    canary_unharmed "-v FILE:$target: nothing outside"
done
check_not 'nothing was made above the root' test -e "$work/new"
in_root 'echo inside' --tmpfs /link/../../../../canary/new
canary_unharmed 'a target that climbs stays inside'

# Account files that are not what they should be.
for kind in fifo endless link directory; do
    make_root
    case $kind in
    fifo) mkfifo "$root/etc/passwd" ;;
    endless) ln -s /dev/zero "$root/etc/passwd" ;;
    link) ln -s /etc/passwd-of-the-host "$root/etc/passwd" ;;
    directory) mkdir "$root/etc/passwd" ;;
    esac
    run_ration run --rootfs "$root" -u somebody -- /bin/id
    expect_equal "$status $(wc -l <"$err" | tr -d ' ')" "$([ $kind = endless ] || [ $kind = link ] && echo 2 || echo 125) 1" \
        "an /etc/passwd that is a $kind is not waited for"
done
make_root
printf 'joe:x:1234:1235::/home/of/joe:/bin/sh\n' >"$root/etc/passwd"
printf 'joe:x:1235:\nteam:x:1236:other,joe\n' >"$root/etc/group"
in_root 'id -u; id -g; id -G; echo $HOME' -u joe
expect_stdout_is '1234
1235
1235 1236
/home/of/joe' '-u NAME is whom the root itself calls so'
in_root 'id -u; id -g' -u joe:team
expect_stdout_is '1234
1236' '-u NAME:GROUP too'
in_root 'id' -u nobody-of-that-name
expect_refusal 2 '--user' 'one whom it does not know is refused'
assert_no_leftovers

# ---- a directory that changes while it is mounted on -------------------------------------------

make_root
remember
mkdir "$root/dev" "$root/proc" "$root/sys"
(
    trap 'exit 0' TERM
    cd "$root" || exit
    while :; do
        mv dev dev.away && ln -s "$canary" dev
        rm -f dev && mv dev.away dev
    done
) 2>/dev/null &
racer=$!
t_pids="$t_pids $racer"
bad=0
for _ in $(seq "$(pick 300 20)"); do
    run_ration run --rootfs "$root" -- /bin/sh -c 'exit 17'
    case $status in 17 | 125) ;; *) bad="$bad $status" ;; esac
done
kill "$racer"
wait "$racer" 2>/dev/null
expect_equal "$bad" 0 'while /dev is turned into a link and back, a run succeeds or is refused'
canary_unharmed 'and nothing happens outside'
expect_equal "$(cat /proc/self/mountinfo)" "$outside" 'and nothing is mounted out here'
assert_no_leftovers
