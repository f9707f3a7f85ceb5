#!/bin/sh
# config.md: mounts; config-linux.md: masked and read-only paths, propagation, devices, default devices.
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
. "${0%/*}/lib.sh"

share=$work/share
mkdir -p "$share/sub"
echo content >"$share/file"

mount_json() { # DESTINATION SOURCE OPTIONS
    MORE_MOUNTS="$MORE_MOUNTS,{\"destination\":\"$1\",\"type\":\"none\",\"source\":\"$2\",\"options\":[$3]}"
}

defaults
mount_json /data "$share" '"bind"'
script 'cat /data/file; echo written >/data/new'
expect_prints content 'a mount is a bind mount if it has bind in the options'
expect_equal "$(cat "$share/new" 2>/dev/null)" written '... and is writable unless it says otherwise'
defaults
mount_json data2 "$share" '"rbind"'
script 'cat /data2/file'
expect_prints content 'a relative destination MUST be interpreted as relative to "/"'
defaults
mkdir -p "$bundle/beside"
echo beside >"$bundle/beside/file"
mount_json /data beside '"bind"'
script 'cat /data/file'
expect_prints beside 'path values for bind mounts are either absolute or relative to the bundle'
defaults
mount_json /data "$share" '"bind"'
MORE_MOUNTS="$MORE_MOUNTS,{\"destination\":\"/data\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"size=64k\"]}"
script 'ls /data | wc -l | tr -d " "'
expect_prints 0 'the runtime MUST mount entries in the listed order'
defaults
mount_json /one/file "$share/file" '"bind","ro"'
script 'cat /one/file; echo x >/one/file 2>/dev/null || echo read-only'
expect_prints "$(printf 'content\nread-only')" 'a file can be bound, and its target is made'
defaults
MORE_MOUNTS=',{"destination":"/none","type":"nosuchfs","source":"x"}'
expect_error 'a filesystem type that the kernel does not know MUST generate an error'
defaults
mount_json /data "$work/nowhere" '"bind"'
expect_error 'a source of a bind mount that does not exist MUST generate an error'

# Options, as /proc/self/mountinfo tells them: per mount in field 6.
mountinfo_options() { # DESTINATION OPTIONS WANTED-ERE NAME
    defaults
    mount_json /data "$share" "\"bind\",$2"
    script "grep ' /data ' /proc/self/mountinfo | cut -d ' ' -f 6"
    expect_prints_matching "$3" "$4"
}
mountinfo_options /data '"ro"' '(^|,)ro(,|$)' 'options: ro'
mountinfo_options /data '"rw"' '(^|,)rw(,|$)' 'options: rw'
mountinfo_options /data '"nosuid"' '(^|,)nosuid(,|$)' 'options: nosuid'
mountinfo_options /data '"nodev"' '(^|,)nodev(,|$)' 'options: nodev'
mountinfo_options /data '"noexec"' '(^|,)noexec(,|$)' 'options: noexec'
mountinfo_options /data '"noatime"' '(^|,)noatime(,|$)' 'options: noatime'
mountinfo_options /data '"nodiratime"' '(^|,)nodiratime(,|$)' 'options: nodiratime'
mountinfo_options /data '"relatime"' '(^|,)relatime(,|$)' 'options: relatime'
mountinfo_options /data '"nosuid","nodev","noexec","ro"' '^ro,nosuid,nodev,noexec' 'options: several at once'
mountinfo_options /data '"ro","rw"' '(^|,)rw(,|$)' 'options: the last of two that exclude each other counts'
mountinfo_options /data '"nosymfollow"' '(^|,)nosymfollow(,|$)' 'options: nosymfollow'
for option in async atime defaults dev diratime dirsync exec iversion lazytime loud noiversion nolazytime \
    norelatime nostrictatime strictatime suid silent sync; do
    defaults
    MORE_MOUNTS=",{\"destination\":\"/data\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"$option\",\"size=64k\"]}"
    script 'echo ok'
    expect_prints ok "options: $option is understood"
done
defaults
MORE_MOUNTS=',{"destination":"/data","type":"tmpfs","source":"tmpfs","options":["mode=711","size=64k","uid=7"]}'
script 'stat -c "%a %u" /data; df -k /data | tail -n 1 | tr -s " " | cut -d " " -f 2'
expect_prints "$(printf '711 7\n64')" 'unknown options are passed to the filesystem'
defaults
MORE_MOUNTS=',{"destination":"/data","type":"tmpfs","source":"tmpfs","options":["nosuchoption"]}'
expect_error 'options that the filesystem does not know MUST generate an error'

for kind in shared slave private unbindable rshared rslave rprivate runbindable; do
    case $kind in
    *shared) wanted='shared:' ;;
    *unbindable) wanted='unbindable' ;;
    *) wanted='' ;;
    esac
    defaults
    mount_json /data "$share" "\"bind\",\"$kind\""
    script "grep ' /data ' /proc/self/mountinfo"
    expect_prints_matching "/data .*$wanted" "propagation: $kind"
done

# Recursive attributes: of what is mounted beneath, too.
mkdir -p "$work/tree/sub"
if mount -t tmpfs tmpfs "$work/tree/sub" 2>/dev/null; then
    defaults
    mount_json /data "$work/tree" '"rbind","ro"'
    script 'touch /data/sub/x && echo beneath'
    expect_prints beneath 'ro is of the mount alone'
    defaults
    mount_json /data "$work/tree" '"rbind","rro"'
    script 'touch /data/sub/x 2>/dev/null || echo read-only'
    expect_prints read-only 'rro is recursive'
    umount "$work/tree/sub"
fi
defaults
config
mkdir -p "$bundle/rootfs/var/filled"
echo inside >"$bundle/rootfs/var/filled/file"
MORE_MOUNTS=',{"destination":"/var/filled","type":"tmpfs","source":"tmpfs","options":["tmpcopyup"]}'
script 'cat /var/filled/file; stat -f -c %T /var/filled'
expect_prints_matching inside 'tmpcopyup: copy up the contents to a tmpfs'

# ---- masked, read-only, propagation of the root -----------------------------------------------------------

defaults
LINUX=',"maskedPaths":["/proc/timer_list","/proc/acpi","/no/such/path","/etc/passwd"]'
script 'cat /etc/passwd | wc -c | tr -d " "; ls /proc/acpi 2>/dev/null | wc -l | tr -d " "'
expect_prints "$(printf '0\n0')" 'maskedPaths will mask over the provided paths so that they cannot be read'
defaults
LINUX=',"readonlyPaths":["/proc/sys","/var","/no/such/path"]'
script 'touch /var/x 2>/dev/null || echo ro; echo 1 2>/dev/null >/proc/sys/kernel/domainname || echo ro'
expect_prints "$(printf 'ro\nro')" 'readonlyPaths will set the provided paths as readonly'
defaults
LINUX=',"maskedPaths":["relative/path"]'
expect_error 'maskedPaths: the values MUST be absolute paths'
defaults
LINUX=',"readonlyPaths":["relative/path"]'
expect_error 'readonlyPaths: the values MUST be absolute paths'
for kind in shared slave private unbindable; do
    case $kind in
    shared) wanted='shared:' ;;
    unbindable) wanted='unbindable' ;;
    *) wanted='' ;;
    esac
    defaults
    LINUX=",\"rootfsPropagation\":\"$kind\""
    script "grep ' / rw' /proc/self/mountinfo"
    expect_prints_matching " / .*$wanted" "rootfsPropagation: $kind"
done
defaults
LINUX=',"rootfsPropagation":"bogus"'
expect_error 'rootfsPropagation: an invalid value MUST generate an error'
before=$(wc -l </proc/self/mountinfo)
defaults
script 'mount -t tmpfs t /tmp 2>/dev/null; true'
config
run
expect_equal "$(wc -l </proc/self/mountinfo)" "$before" 'no mount of a container reaches the host'

# ---- devices ---------------------------------------------------------------------------------------------

defaults
script 'for d in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
n=${d%%:*}; stat -c "%n %F %t:%T" /dev/$n; done; readlink /dev/ptmx; for l in fd stdin stdout stderr; do readlink /dev/$l; done'
config
run
for device in 'null character special file 1:3' 'zero character special file 1:5' 'full character special file 1:7' \
    'random character special file 1:8' 'urandom character special file 1:9' 'tty character special file 5:0'; do
    check "default devices: /dev/${device%% *} MUST be supplied" grep -qx "/dev/$device" "$out"
done
check 'default devices: /dev/ptmx is the symlink (or bind mount) of pts/ptmx' grep -q 'pts/ptmx' "$out"
check '/dev/fd, stdin, stdout and stderr lead to the file descriptors' grep -q '^/proc/self/fd/2$' "$out"
defaults
LINUX=',"devices":[{"path":"/dev/own","type":"c","major":1,"minor":3,"fileMode":384,"uid":5,"gid":6},{"path":"/opt/pipe","type":"p"},{"path":"/dev/blk","type":"b","major":7,"minor":200,"fileMode":432}]'
script 'stat -c "%F %t:%T %a %u:%g" /dev/own; stat -c %F /opt/pipe; stat -c "%F %t:%T %a" /dev/blk'
expect_prints "$(printf 'character special file 1:3 600 5:6\nfifo\nblock special file 7:c8 660')" \
    'devices: lists devices that MUST be available in the container, with type, numbers, mode and owner'
defaults
config
mkdir -p "$bundle/rootfs/opt"
echo x >"$bundle/rootfs/opt/there"
LINUX=',"devices":[{"path":"/opt/there","type":"c","major":1,"minor":3}]'
expect_error 'devices: a file at path that does not match the requested device MUST generate an error'
defaults
LINUX=',"devices":[{"path":"/dev/x","type":"z","major":1,"minor":3}]'
expect_error 'devices: an invalid type MUST generate an error'
defaults
TERMINAL=true
config
rt create --bundle "$bundle" "$id"
check 'terminal: without a console socket create MUST generate an error' test "$status" -ne 0
delete_force
