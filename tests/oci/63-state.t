#!/bin/sh
# shellcheck disable=SC2034 # lib.sh reads the parts of a document
# What a root directory may have in it, and be: records that are links or no files, strangers among them,
# others' directories, full and read-only ones. Containers that run can be killed, what cannot be is said, and
# nothing is said to be gone that is not. (Damaged records: tests/kernel/72-container.t.)
. "${0%/*}/lib.sh"
require_root

rt_in() { # ROOT ARGS...
    t_last=$*
    status=0
    "$RUNTIME" --root "$@" >"$out" 2>"$err" </dev/null || status=$?
}
expect_said() { # NAME: the last one failed, with one sentence, and made no groups
    if [ "$status" -ne 1 ] || [ "$(wc -l <"$err")" -ne 1 ]; then
        t_fail_run "$1" "exit status $status, $(wc -l <"$err") lines on stderr"
    else
        expect_equal "$(groups_of "$id")" '' "$1"
    fi
}
new() { # a container that would sleep
    defaults
    ARGS='["/bin/sleep","3600"]'
    config
}
running() { # in $runtime_root
    new
    rt run --detach --bundle "$bundle" "$id"
    pid=$(state_of pid)
}
ended() { ! kill -0 "$1" 2>/dev/null; }

# ---- directories that are not ours ------------------------------------------------------------------------

new
root=$work/other
mkdir -m 700 "$root"
chmod 777 "$root"
rt_in "$root" create --bundle "$bundle" "$id"
expect_said 'a root directory that all may write to is refused'
rt_in "$root" list
expect_equal "$status" 1 'also by list'
chmod 1777 "$root"
rt_in "$root" create --bundle "$bundle" "$id"
expect_said 'with the sticky bit, too'
chmod 700 "$root"
chown 65534 "$root"
rt_in "$root" create --bundle "$bundle" "$id"
expect_said 'a root directory of another user'
chown 0 "$root"
ln -s "$root" "$work/link"
rt_in "$work/link" create --bundle "$bundle" "$id"
expect_said 'a symbolic link to one'
: >"$work/file"
rt_in "$work/file" create --bundle "$bundle" "$id"
expect_said 'a file'
rt_in "$work/file/below" create --bundle "$bundle" "$id"
expect_said 'one beneath a file'
rt_in /proc/none create --bundle "$bundle" "$id"
expect_said 'one that cannot be made'
check 'nothing was put into any of them' test -z "$(ls -A "$root")"
for name in .pending .brief .uses .seccomp; do
    for kind in link file open; do
        rm -rf "${root:?}" "$work/target"
        mkdir -m 700 "$root" "$work/target"
        case $kind in
        link) ln -s "$work/target" "$root/$name" ;;
        file) : >"$root/$name" ;;
        open) mkdir "$root/$name" && chmod 777 "$root/$name" ;;
        esac
        rt_in "$root" run --bundle "$bundle" --detach "$id"
        # It may do without some of them, but follows no link, and uses nothing that others can write to.
        expect_equal "$(ls -A "$work/target")" '' "$name is a $kind: nothing is made elsewhere"
        [ "$kind" != open ] || expect_equal "$(ls -A "$root/$name")" '' "$name is open to others: it is not used"
        rt_in "$root" delete --force "$id"
        expect_equal "$(groups_of "$id")" '' "$name is a $kind: no group is left"
    done
done
# One level further down, and what others left there is not taken away through a link.
rm -rf "${root:?}" "$work/target"
mkdir -m 700 "$root" "$root/.uses" "$root/.own" "$work/target"
: >"$work/target/$id"
thing=$(printf '%x-%x' "0x$(stat -c %D "$bundle/rootfs")" "$(stat -c %i "$bundle/rootfs")")
ln -s "$work/target" "$root/.uses/$thing"
ln -s "$work/target" "$root/.own/$id"
rt_in "$root" run --bundle "$bundle" --detach "$id"
was=$status
rt_in "$root" delete --force "$id"
check 'a link where the users of a root are noted is not followed' test "$was" -ne 0
expect_equal "$(ls -A "$work/target")" "$id" 'links beneath .uses and .own: what they lead to is as it was'
rm -rf "$root"

# ---- strangers among the records -------------------------------------------------------------------------------

running
mine=$id mine_pid=$pid
for stranger in fifo directory link dangling device text; do
    case $stranger in
    fifo) mkfifo "$runtime_root/x-fifo" ;;
    directory) mkdir "$runtime_root/x-directory" ;;
    link) ln -s /etc/passwd "$runtime_root/x-link" ;;
    dangling) ln -s /no/such "$runtime_root/x-dangling" ;;
    device) mknod "$runtime_root/x-device" c 1 5 ;;
    text) echo 'hello' >"$runtime_root/x-text" ;;
    esac
    name=x-$stranger
    rt list -q
    check "a record that is a $stranger: list shows the others" grep -qx "$mine" "$out"
    for verb in kill pause start resume; do
        rt "$verb" "$name"
        check "a record that is a $stranger: $verb fails" test "$status" -ne 0
    done
    rt delete --force "$name"
    expect_between "$status" 0 1 "a record that is a $stranger: delete --force does not crash"
    rt create --bundle "$bundle" "$name"
    [ "$status" -ne 0 ] || {
        rt delete --force "$name"
        expect_status 0 "a record that is a $stranger: once deleted, its ID serves"
    }
    rm -rf "${runtime_root:?}/$name"
    expect_equal "$(groups_of "$name")" '' "a record that is a $stranger: nothing is left"
done
check 'what they point to is as it was' test -s /etc/passwd
expect_equal "$(cut -d' ' -f3 "/proc/$mine_pid/stat")" S 'and the other container lives'
rm -f "$runtime_root/$mine.bak"
mv "$runtime_root/$mine" "$work/kept"
ln -s "$work/kept" "$runtime_root/$mine"
rt kill "$mine" KILL
check_not 'a record behind a symbolic link is not followed' ended "$mine_pid"
rm "$runtime_root/$mine"
cp "$work/kept" "$runtime_root/$mine"
chmod 600 "$runtime_root/$mine"
rt delete --force "$mine"
expect_status 0 'put back, it is deleted'
expect_equal "$(groups_of "$mine")" '' 'with its groups'
for name in .pending/x .pending/.gate-0123456789abcdef .uses/x/y .new-1; do
    mkdir -p "$(dirname "$runtime_root/$name")"
    head -c 100 /dev/urandom >"$runtime_root/$name"
done
new
rt run --bundle "$bundle" --detach "$id"
expect_status 0 'rubbish where containers are being made is in nobody'"'"'s way'
rt delete --force "$id"
expect_status 0 'nor when one is deleted'

# ---- full, read-only, gone ----------------------------------------------------------------------------------------

small=$work/small
mkdir -m 700 "$small"
mount -t tmpfs -o size=64k,mode=700 tmpfs "$small"
trap 't_was=$?; umount -l "$small" 2>/dev/null; (exit $t_was); t_done' EXIT
new
rt_in "$small" run --detach --bundle "$bundle" "$id"
expect_status 0 'a root directory of 64 KiB'
first=$id
pid=$("$RUNTIME" --root "$small" state "$id" | "$TOOLS/jget" - pid)
dd if=/dev/zero of="$small/.fill" bs=1k count=100 2>/dev/null
new
rt_in "$small" create --bundle "$bundle" "$id"
expect_said 'that is full: create says so and leaves nothing'
expect_equal "$(find "$small" -name "$id")" '' '... nor a record'
rt_in "$small" kill "$first" KILL
expect_status 0 'that is full: kill'
check 'its process is dead' wait_until 5 ended "$pid"
rt_in "$small" delete --force "$first"
expect_status 0 'that is full: delete --force'
expect_equal "$(groups_of "$first")" '' '... with its groups'
rm "$small/.fill"
rt_in "$small" run --detach --bundle "$bundle" "$id"
expect_status 0 'that is empty again: it serves'
pid=$("$RUNTIME" --root "$small" state "$id" | "$TOOLS/jget" - pid)
mount -o remount,ro "$small"
rt_in "$small" list -q
check 'read-only: list' grep -qx "$id" "$out"
rt_in "$small" state "$id"
expect_status 0 'read-only: state'
rt_in "$small" kill "$id" KILL
expect_status 0 'read-only: kill'
check 'its process is dead, too' wait_until 5 ended "$pid"
rt_in "$small" delete --force "$id"
expect_equal "$status" 1 'read-only: delete --force does not say that all is gone'
expect_stderr_matches 'read-only|Read-only' 'but why not'
second=$id
new
rt_in "$small" create --bundle "$bundle" "$id"
expect_said 'read-only: create says so and leaves nothing'
mount -o remount,rw "$small"
rt_in "$small" delete --force "$second"
expect_status 0 'writable again: delete --force'
expect_equal "$(find "$small" -type f -o -type l -o -type s)" '' 'nothing is left in it'
umount "$small"

running
rm -rf "${runtime_root:?}"
rt kill "$id" KILL
expect_status 1 'without its root directory a container is not known'
kill -KILL "$pid"
wait_until 5 ended "$pid"
groups_of "$id" | sort -r | while read -r group; do rmdir "$group/box" "$group"; done
[ -d "$runtime_root" ] || mkdir -m 700 "$runtime_root"
new
rt run --bundle "$bundle" --detach "$id"
expect_status 0 'and the directory is made anew'
rt delete --force "$id"
assert_no_leftovers 'nothing is left of all that'
