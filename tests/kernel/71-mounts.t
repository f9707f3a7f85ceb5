#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2012 # lib.sh reads the parts of a document; scripts are for the container
# What documents ask of mounts and devices where the specification leaves room, and roots and documents made
# to lead out: nothing of the host may change, and nothing may be confined less than was asked.
: "${RATION_OCI:=${RATION%/cli/*}/ocicli/ration-oci}"
RUNTIME=$RATION_OCI
. "${0%/*}/../oci/lib.sh"
require_root

canary=$work/canary
make_canary() {
    rm -rf "$canary"
    mkdir -p "$canary/dir"
    echo safe >"$canary/file"
    echo safe >"$canary/dir/file"
}
sum_canary() { (cd "$canary" && ls -lnR . | awk '{ print $1, $3, $4, $5, $NF }' && cat file dir/file); }
# Others mount things here meanwhile: what counts is what is ours, or lies where a container's would.
mounts_here() { grep -F -e "$work" -e ' /race' -e ' /data' /proc/self/mountinfo; }
remember() { make_canary && before=$(sum_canary) && mounts_before=$(mounts_here); }
unharmed() { # NAME
    expect_equal "$(sum_canary)" "$before" "$1"
}
no_mount_out_here() { # NAME
    expect_equal "$(mounts_here)" "$mounts_before" "$1"
}
refused() { # ERE NAME: create says so, leaves nothing; the canary lives
    create
    if [ "$status" -eq 0 ]; then
        t_fail_run "$2" 'create did not fail'
    elif ! grep -qE -e "$1" "$err"; then
        t_fail_run "$2" "stderr does not match: $1"
    elif "$RUNTIME" --root "$runtime_root" state "$id" >/dev/null 2>&1; then
        t_fail_run "$2" 'a container exists all the same'
    else
        ok "$2"
    fi
    delete_force
}
no_dev='{"destination":"/proc","type":"proc","source":"proc"}'
remember

# ---- content copied up -------------------------------------------------------------------------------

defaults
config
filled=$bundle/rootfs/var/filled
mkdir -p "$filled/deep/er" "$filled/locked"
echo inside >"$filled/deep/er/file"
chmod 4751 "$filled/deep/er/file"
ln -s /etc/passwd "$filled/link"
ln -s "$canary/file" "$filled/out"
mkfifo -m 640 "$filled/pipe"
mknod -m 606 "$filled/node" c 1 3
chown 12:34 "$filled/locked" "$filled/deep/er/file" "$filled"
chmod 4751 "$filled/deep/er/file"
chmod 701 "$filled/locked" "$filled"
touch -d '2001-02-03 04:05:06' "$filled/deep/er/file" "$filled/locked"
setfattr -n trusted.note -v value "$filled/deep" 2>/dev/null && attributes=1 || attributes=0
n=0
while [ $n -lt 300 ]; do
    : >"$filled/locked/a-file-with-a-long-name-so-that-the-listing-has-parts-$n"
    n=$((n + 1))
done
touch -d '2001-02-03 04:05:06' "$filled/locked"
MORE_MOUNTS=',{"destination":"/var/filled","type":"tmpfs","source":"tmpfs","options":["tmpcopyup","size=8m"]}'
script 'cd /var/filled; cat deep/er/file; stat -c "%a %u %g %Y" deep/er/file locked; stat -c "%a %u %g" .; readlink link; readlink out
stat -c "%F %a" pipe; stat -c "%F %a %t:%T" node; ls locked | wc -l | tr -d " "; stat -f -c %T .; echo new >deep/er/file'
expect_prints "inside
4751 12 34 981173106
701 12 34 981173106
701 12 34
/etc/passwd
$canary/file
fifo 640
character special file 606 1:3
300
tmpfs" 'a tmpfs gets all that its target holds, as it is'
expect_equal "$(cat "$filled/deep/er/file")" inside 'what is changed in it is a copy'
unharmed 'no link in it was followed'

defaults
config
mkdir -p "$bundle/rootfs/data"
ln -s "$canary" "$bundle/rootfs/data/link"
ln -s "../../../../../../../../../../..$canary" "$bundle/rootfs/data/up"
MORE_MOUNTS=',{"destination":"/data/link","type":"tmpfs","source":"tmpfs","options":["tmpcopyup"]}'
script 'ls -a /data/link/. | wc -l | tr -d " "; [ -d "'"$canary"'" ] && echo inside'
config
run
unharmed 'a target that leads out is looked up inside, and made there'
expect_equal "$(cat "$out")" '2
inside' '... and is empty'

defaults
config
deep=$bundle/rootfs/deep
mkdir -p "$deep"
(cd "$deep" && n=0 && while [ $n -lt 70 ]; do mkdir d && cd d && n=$((n + 1)); done)
MORE_MOUNTS=',{"destination":"/deep","type":"tmpfs","source":"tmpfs","options":["tmpcopyup"]}'
config
refused 'tmpcopyup' 'there is an end to it: directories in directories'
defaults
config
mkdir -p "$bundle/rootfs/big"
truncate -s 40M "$bundle/rootfs/big/file"
MORE_MOUNTS=',{"destination":"/big","type":"tmpfs","source":"tmpfs","options":["tmpcopyup","size=1m"]}'
config
refused 'tmpcopyup.*[Nn]o space' 'a tmpfs that is too small for it is refused'
defaults
config
mkdir -p "$bundle/rootfs/sticky"
chmod 1770 "$bundle/rootfs/sticky"
MORE_MOUNTS=',{"destination":"/sticky","type":"tmpfs","source":"tmpfs"},{"destination":"/made/new","type":"tmpfs","source":"tmpfs"}'
script 'stat -c %a /sticky /made /made/new'
expect_prints '1770
755
1777' 'a tmpfs has the permissions of what it hides, a new target the usual ones'

# ---- owners through maps ------------------------------------------------------------------------------

share=$work/share
# Older kernels map no tmpfs, which the /tmp of a virtual machine is.
[ "$VM" != 1 ] || share=$(mktemp -d /scratch/share.XXXXXX)
mkdir -p "$share"
chmod 755 "$share"
echo mine >"$share/file"
chown 7:8 "$share/file"
chmod 711 "$work" "$bundles"
mapped() { # OPTIONS MORE
    MORE_MOUNTS=",{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"$share\",\"options\":[$1]$2}"
}
maps='"uidMappings":[{"containerID":0,"hostID":1000,"size":100}],"gidMappings":[{"containerID":0,"hostID":2000,"size":100}]'
defaults
mapped '"bind","idmap"' ",$maps"
script 'stat -c "%u %g" /data/file'
expect_prints '1007 2008' 'a bind shows its files owners through maps of its own'
defaults
mapped '"bind","ro"' ",$maps"
script 'stat -c "%u %g" /data/file; touch /data/x 2>/dev/null || echo ro'
expect_prints '1007 2008
ro' '... also where only the maps say so, and read-only with them'
defaults
mapped '"bind","idmap"' ''
expect_error 'idmap without any maps MUST be an error'
defaults
MORE_MOUNTS=",{\"destination\":\"/data\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"idmap\",\"uid=50\",\"gid=50\"],$(echo "$maps" | sed 's/"containerID":0/"containerID":50/g; s/"hostID":[12]000/"hostID":0/g')}"
script ': >/data/x; stat -c "%u %g" /data/x; chown 7:8 /data/x; stat -c "%u %g" /data/x'
config
run
# Linux maps a tmpfs from 6.3 on.
if [ "$(uname -r | awk -F '[.-]' '{ print $1 * 1000 + $2 }')" -lt 6003 ]; then
    expect_stderr_matches 'cannot map the owners of tmpfs on /data \(idmap\): its file system' \
        'a new file system that cannot be shown through maps is refused'
else
    expect_equal "$(cat "$out")" '0 0
7 8' 'a new file system is shown through maps'
fi

user_maps='"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":100000,"size":65536}]'
in_userns() {
    NS='"pid","mount","ipc","uts","network","user","cgroup"'
    LINUX=",$user_maps$1"
    config
    chown -R 100000:100000 "$bundle/rootfs"
}
chown 0:0 "$share/file"
defaults
mapped '"bind","idmap"' ''
script 'stat -c "%u %g" /data/file; echo more >>/data/file && echo written'
in_userns ''
run
expect_equal "$(cat "$out")" '0 0
written' 'idmap alone: what is root'"'"'s outside is root'"'"'s in a user namespace'
[ "$status" -eq 0 ] || t_fail_run 'idmap in a user namespace runs' "$(cat "$err")"
expect_equal "$(stat -c '%u %g' "$share/file")" '0 0' '... and still is outside'

# ---- a user namespace: devices, sysfs, proc ---------------------------------------------------------------

defaults
script 'echo x >/dev/null && stat -c "%F %t:%T" /dev/null /dev/full; mount | grep -c " on /dev/null "'
in_userns ''
run
expect_equal "$(cat "$out")" 'character special file 1:3
character special file 1:7
1' 'in a user namespace devices are the host'"'"'s nodes'
defaults
LINUX_DEVICES=',"devices":[{"path":"/dev/mine","type":"c","major":10,"minor":250}]'
in_userns "$LINUX_DEVICES"
refused 'device /dev/mine' '... and one that the host does not have there is refused'
defaults
MOUNTS=$(echo "$mounts_default" | sed 's/"mode=0620"/"mode=0620","gid=5"/')
in_userns ''
printf '%s' "$user_maps" | sed 's/65536/4/g' >"$work/few"
LINUX=",$(cat "$work/few")"
config
refused 'devpts.*gid=' 'a group that is not mapped is no option of devpts'
defaults
script 'cat /sys/class/net/lo/operstate >/dev/null && echo there; touch /sys/x 2>/dev/null || echo ro'
in_userns ''
NS='"pid","mount","ipc","uts","user"'
config
run
expect_equal "$(cat "$out")" 'there
ro' 'without a network of its own a user namespace is shown the /sys that there is'

# ---- the view of the groups ---------------------------------------------------------------------------------

groups_mount='{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["nosuid","noexec","nodev","relatime","ro"]}'
look='cd /sys/fs/cgroup; for f in */cgroup.procs cgroup.procs; do [ -e "$f" ] && { read -r p <$f; echo "$p"; }; done | sort -u
mkdir */x x 2>/dev/null && echo written; ls -d /sys/fs/cgroup/*/box /sys/fs/cgroup/*/ration* 2>/dev/null
touch /sys/fs/cgroup/x 2>/dev/null && echo made; true'
for ns in '"pid","mount","ipc","uts","network"' '"pid","mount","ipc","uts","network","cgroup"'; do
    for user in no yes; do
        defaults
        MORE_MOUNTS=",$groups_mount"
        script "$look"
        NS=$ns
        name='a new root sees its own groups only, read-only'
        case $ns in *cgroup*) name="$name, with a cgroup namespace" ;; *) name="$name, without one" ;; esac
        if [ $user = yes ]; then
            in_userns ''
            NS="$ns,\"user\""
            name="$name, in a user namespace"
        fi
        config
        run
        expect_equal "$(cat "$out")" 1 "$name"
        [ "$status" -eq 0 ] || t_fail_run "$name: it runs" "$(cat "$err")"
    done
done
defaults
script 'cat /proc/self/cgroup; readlink /proc/self/ns/cgroup'
MORE_MOUNTS=",$groups_mount"
config
run
check 'the cgroup namespace is the host'"'"'s again' grep -qxF "$(readlink /proc/self/ns/cgroup)" "$out"

# ---- a root that was made to lead out ------------------------------------------------------------------------

# Rows of images: a /dev that is a link, with and without a mount on it; a null device that is not one.
defaults
config
rm -rf "$bundle/rootfs/dev"
ln -s "$canary/dir" "$bundle/rootfs/dev"
remember
create
unharmed 'a /dev that leads out, with a mount on it: nothing is made there'
delete_force
MOUNTS=$no_dev
config
create
unharmed '... nor without one'
delete_force
no_mount_out_here '... and nothing is mounted out here'
for link in "$canary/file" "../../../../../../../../../../../../..$canary/file"; do
    defaults
    config
    MOUNTS=$no_dev
    LINUX=',"maskedPaths":["/etc/passwd","/proc/kcore"]'
    rm -rf "$bundle/rootfs/dev"
    mkdir "$bundle/rootfs/dev"
    ln -s "$link" "$bundle/rootfs/dev/null"
    config
    refused '/dev/null' 'a null device that leads out is refused'
    unharmed '... and what it leads to is unharmed'
done
defaults
config
MOUNTS=$no_dev
echo 'not a device' >"$bundle/rootfs/dev/zero"
config
refused '/dev/zero' 'so is a file in the place of a device'
defaults
config
MOUNTS=$no_dev
mknod "$bundle/rootfs/dev/full" c 1 3
config
refused '/dev/full' 'so is another device'
defaults
config
MOUNTS=$no_dev
mknod -m 600 "$bundle/rootfs/dev/null" c 1 3
script 'stat -c "%t:%T %a" /dev/null; echo x >/dev/null'
expect_prints '1:3 666' 'the same device that lies there already is taken, and has the permissions asked for'
defaults
config
rm -rf "$bundle/rootfs/dev/fd"
MOUNTS=$no_dev
ln -s "$canary/dir" "$bundle/rootfs/dev/fd"
config
refused '/dev/fd' 'so is a link that is another one'
unharmed '... and what it leads to is unharmed'
defaults
config
ln -s "$canary" "$bundle/rootfs/lead"
LINUX=',"devices":[{"path":"/lead/dir/node","type":"c","major":1,"minor":3},{"path":"/lead/dir/pipe","type":"p"}]'
config
create
unharmed 'a device beneath a link that leads out is made inside'
delete_force

# Other mounts: targets through links stay inside, those of the kernel's own are refused.
defaults
config
rm -rf "$bundle/rootfs/proc"
ln -s "$canary" "$bundle/rootfs/proc"
config
refused '/proc' 'a /proc that is a link is refused'
defaults
config
rm -rf "$bundle/rootfs/sys"
ln -s /tmp "$bundle/rootfs/sys"
config
refused '/sys' 'so is a /sys, also one that leads nowhere out'
for target in /link/x /link/dir/y /up/dir; do
    defaults
    config
    ln -s "$canary" "$bundle/rootfs/link"
    ln -s "../../../../../../../../../../../..$canary" "$bundle/rootfs/up"
    MORE_MOUNTS=",{\"destination\":\"$target\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},{\"destination\":\"$target/f\",\"type\":\"bind\",\"source\":\"$share/file\",\"options\":[\"bind\"]}"
    script "ls $target/f"
    config
    run
    unharmed "a target behind a link that leads out: $target"
done
for target in /proc/self/root/etc /proc/1/cwd/x /proc/self/fd/9/x /proc/thread-self/root/tmp; do
    defaults
    MORE_MOUNTS=",{\"destination\":\"$target\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}"
    config
    refused "$target" "a target through the links of procfs is refused: $target"
done
defaults
LINUX=',"maskedPaths":["/proc/self/root/etc","/link/file"],"readonlyPaths":["/proc/self/root/etc","/link/dir"]'
config
ln -s "$canary" "$bundle/rootfs/link"
create
unharmed 'nor is anything masked or made read-only through them'
no_mount_out_here '... or mounted out here'
delete_force

# ---- a procfs that is none -------------------------------------------------------------------------------------

fake=$work/fake
mkdir -p "$fake/self/attr/apparmor" "$fake/sys/net/ipv4"
echo 0 >"$fake/self/oom_score_adj"
echo 0 >"$fake/sys/net/ipv4/ip_forward"
: >"$fake/self/attr/exec"
: >"$fake/self/attr/apparmor/exec"
fake_sum() { find "$fake" -type f | sort | xargs cat; }
fake_before=$(fake_sum)
fake_proc='{"destination":"/proc","type":"bind","source":"'$fake'","options":["rbind"]}'
rest=${mounts_default#*,}
defaults
MOUNTS=$(printf '%s' "$mounts_default" | sed "1s|.*|$fake_proc,|")
PROCESS=',"oomScoreAdj":321'
LINUX=',"sysctl":{"net.ipv4.ip_forward":"1"}'
script 'trap "exit 0" TERM; while :; do sleep 0.1; done'
config
create
pid=$(state_of pid)
expect_equal "$(cat "/proc/$pid/oom_score_adj" 2>/dev/null)" 321 'over a false /proc the score is the kernel'"'"'s all the same'
expect_equal "$(nsenter -t "$pid" -n cat /proc/sys/net/ipv4/ip_forward 2>/dev/null)" 1 '... and so is a sysctl'
expect_equal "$(fake_sum)" "$fake_before" '... and nothing was written to the false one'
delete_force
if [ ! -d /sys/kernel/security/apparmor ] && [ ! -d /sys/module/apparmor ]; then
    defaults
    MOUNTS=$(printf '%s' "$mounts_default" | sed "1s|.*|$fake_proc,|")
    PROCESS=',"apparmorProfile":"strict"'
    rt_profile() { config; rt run --bundle "$bundle" "$id"; delete_force; }
    rt_profile
    check_not 'a profile is not asked of a false /proc' test "$status" -eq 0
    check '... but refused where the kernel has no AppArmor' grep -qi apparmor "$err"
    defaults
    MORE_MOUNTS=',{"destination":"/proc/self/attr","type":"tmpfs","source":"tmpfs"}'
    PROCESS=',"apparmorProfile":"strict"'
    rt_profile
    check_not 'nor of a tmpfs over the file' test "$status" -eq 0
    expect_equal "$(fake_sum)" "$fake_before" 'nothing was written'
fi
if [ ! -d /sys/fs/selinux ]; then
    defaults
    PROCESS=',"selinuxLabel":"system_u:system_r:container_t:s0"'
    config
    rt run --bundle "$bundle" "$id"
    delete_force
    check_not 'a label is refused where the kernel has no SELinux' test "$status" -eq 0
fi
# Whose parameters are not the container's: those of a host that is ours to play with, and none that exist.
cat >"$work/apart" <<EOF
#!/bin/sh
exec unshare -n -i sh -c '"\$0" "\$@"; s=\$?; cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax >"$work/values"; exit \$s' \
    "$RATION_OCI" "\$@"
EOF
chmod 755 "$work/apart"
RUNTIME=$work/apart
rt list
values_before=$(cat "$work/values")
for sysctl in '"net.ipv4.ip_forward":"1"' '"kernel.msgmax":"4321"' '"net/../kernel/none_such":"9"' \
    '"kernel.none_such":"|/x"' '"net.none_such":"1\n2"'; do
    defaults
    NS='"pid","mount","uts"'
    LINUX=",\"sysctl\":{$sysctl}"
    config
    refused 'host|name|control|namespace' "no parameter of the host is changed: $sysctl"
    expect_equal "$(cat "$work/values")" "$values_before" '... and the host has what it had'
done
for kind in network:net:net.ipv4.ip_forward:1 ipc:ipc:kernel.msgmax:4321; do
    value=${kind##*:}
    name=${kind%:*}
    name=${name##*:}
    file=${kind#*:}
    defaults
    NS_JSON="{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"uts\"},{\"type\":\"${kind%%:*}\",\"path\":\"/proc/self/ns/${file%%:*}\"}"
    LINUX=",\"sysctl\":{\"$name\":\"$value\"}"
    config
    refused sysctl "nor by calling the host's ${kind%%:*} namespace the container's"
    expect_equal "$(cat "$work/values")" "$values_before" '... and the host has what it had'
done
RUNTIME=$RATION_OCI

# ---- somebody who changes the root all the time ----------------------------------------------------------------

remember
defaults
MORE_MOUNTS=",{\"destination\":\"/race/target\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},{\"destination\":\"/race/file\",\"type\":\"bind\",\"source\":\"$share/file\",\"options\":[\"bind\"]},{\"destination\":\"/race/deep/er\",\"type\":\"bind\",\"source\":\"$share\",\"options\":[\"rbind\"]}"
LINUX=',"devices":[{"path":"/race/node","type":"c","major":1,"minor":3,"uid":5}],"maskedPaths":["/race/mask"],"readonlyPaths":["/race/ro"]'
config
root=$bundle/rootfs
mkdir -p "$root/kept/mask" "$root/kept/ro" "$canary/mask" "$canary/ro"
before=$(sum_canary)
(
    while [ ! -e "$work/stop" ]; do
        ln -sT "$canary" "$root/race"
        mv -T "$root/race" "$root/gone"
        mv -T "$root/kept" "$root/race"
        mv -T "$root/race" "$root/kept"
        ln -sT "../../../../../../../../../..$canary" "$root/race"
        rm "$root/race"
    done 2>/dev/null
) &
racer=$!
t_pids="$t_pids $racer"
n=0
started=0
while [ $n -lt "$(pick 400 40)" ]; do
    rt create --bundle "$bundle" "$id" && [ "$status" -eq 0 ] && started=$((started + 1))
    delete_force
    n=$((n + 1))
done
: >"$work/stop"
wait "$racer" 2>/dev/null
diag "$started of $n were created"
unharmed 'targets that are swapped for links while they are looked up lead nowhere'
no_mount_out_here '... and nothing stays mounted'
check 'it was worth trying' test "$started" -gt 0

# ---- roots and propagation --------------------------------------------------------------------------------------

defaults
script 'cat /proc/self/mountinfo | wc -l | tr -d " "; cd ..; cd ../..; pwd; touch /written && echo rw'
config
rt run --no-pivot --bundle "$bundle" "$id"
delete_force
check 'without pivot_root(2) the root is the container'"'"'s, too' grep -q '^/$' "$out"
check '... with its own mounts alone' test "$(head -n 1 "$out")" -lt 25
no_mount_out_here '... and out here nothing is mounted'
defaults
ROOT='{"path":"rootfs","readonly":true}'
script 'touch /x 2>/dev/null || echo ro; touch /made/dir/x && echo rw; stat -c %a /made /made/dir'
MORE_MOUNTS=',{"destination":"/made/dir","type":"tmpfs","source":"tmpfs","options":["mode=700"]}'
expect_prints 'ro
rw
755
700' 'what is mounted in a read-only root is made before it is that'

# A host whose mounts are shared, in a mount namespace that is ours to play with.
shared_host() { # DOCUMENT-OPTIONS SCRIPT-AFTER: runs the bundle where everything is shared
    unshare -m --propagation shared sh -c '
        mkdir -p "$1/outer" && mount -t tmpfs outer "$1/outer" && mount --make-shared "$1/outer"
        before=$(sort -k 1n /proc/self/mountinfo | cut -d " " -f 4- | sort)
        "$2" --root "$3" run --bundle "$4" "$5" >"$6" 2>&1 </dev/null; echo "status $?"
        after=$(cut -d " " -f 4- /proc/self/mountinfo | sort)
        if [ "$before" = "$after" ]; then echo same; else printf "%s\n" "$before" >"$1/b4"; printf "%s\n" "$after" >"$1/after"; grep -vxFf "$1/after" "$1/b4" | sed "s/^/< /"; grep -vxFf "$1/b4" "$1/after" | sed "s/^/> /"; fi
    ' sh "$work" "$RUNTIME" "$runtime_root" "$bundle" "$id" "$out"
    "$RUNTIME" --root "$runtime_root" delete --force "$id" >/dev/null 2>&1
}
outer_caps=$(echo "$caps_default" | sed 's/$/,"CAP_SYS_ADMIN"/')
for propagation in '' private rprivate slave rslave shared rshared unbindable; do
    defaults
    [ -z "$propagation" ] || LINUX=",\"rootfsPropagation\":\"$propagation\""
    CAPS="{\"bounding\":[$outer_caps],\"effective\":[$outer_caps],\"permitted\":[$outer_caps]}"
    MORE_MOUNTS=",{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"$work/outer\",\"options\":[\"rbind\"]}"
    script 'mount -t tmpfs inside /tmp && mkdir -p /data/sub && mount -t tmpfs inside /data/sub && echo mounted'
    config
    expect_equal "$(shared_host)" 'status 0
same' "nothing mounted inside is seen outside: rootfsPropagation ${propagation:-not said}"
    check '... though it was mounted' grep -qx mounted "$out"
done
defaults
LINUX=',"rootfsPropagation":"rshared"'
CAPS="{\"bounding\":[$outer_caps],\"effective\":[$outer_caps],\"permitted\":[$outer_caps]}"
MORE_MOUNTS=",{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"$work/outer\",\"options\":[\"rbind\",\"rshared\"]}"
script 'mount -t tmpfs inside /tmp && mkdir -p /data/sub && mount -t tmpfs inside /data/sub && echo mounted'
config
said=$(shared_host)
expect_equal "$(echo "$said" | grep -c "outer/sub")" 1 'unless both the root and the mount are shared: then that one alone'
expect_equal "$(echo "$said" | grep -c '^[<>]')" 1 '... and nothing else'

assert_no_leftovers 'nothing is left'
