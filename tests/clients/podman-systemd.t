#!/bin/sh
# A whole Debian with systemd as process 1, in a container of podman's.
# shellcheck disable=SC2016,SC2034 # the shell inside is to expand it; lib.sh reads CLIENTS
CLIENTS='podman conmon tini-static mmdebstrap'
. "${0%/*}/images.sh"
outside() { image_debian "$1"; }
. "${0%/*}/lib.sh"
. "${0%/*}/podman.sh"

podman_configure "$world/home"
works 'podman imports a root of Debian' podman import -q -c 'CMD ["/sbin/init"]' \
    "$world/files/debian.tar" localhost/debian:latest
works 'it starts' podman run -d --name deb --hostname debhost --systemd always localhost/debian
state_of_units() { podman exec deb systemctl is-system-running 2>&1 | grep -qx "$1"; }
[ "$t_failed" -eq 0 ] || exit 1
check 'systemd comes up whole' wait_until 60 state_of_units running
[ "$t_failed" -eq 0 ] || {
    diag "$(podman exec deb systemctl is-system-running 2>&1)"
    diag "$(podman exec deb systemctl --failed --no-legend 2>&1)"
    diag "$(podman logs deb 2>&1 | tail -n 20)"
    exit 1
}
says systemd 'it is process 1' podman exec deb cat /proc/1/comm
says '' 'no unit has failed' podman exec deb systemctl --failed --no-legend --plain
says active 'dbus answers' podman exec deb systemctl is-active dbus.service
exits 0 'a unit of one'\''s own runs' podman exec deb systemd-run --wait -q true
exits 3 'and tells how it ended' podman exec deb systemd-run --wait -q sh -c 'exit 3'
works 'a service starts' podman exec deb systemd-run -q --unit mine sleep 4000
says active 'it is active' podman exec deb systemctl is-active mine
tells '/mine.service$' 'it is in a group of its own' podman exec deb sh -c \
    'cat /proc/$(systemctl show -P MainPID mine)/cgroup'
works 'it is stopped' podman exec deb systemctl stop mine
says 'a line' 'the journal keeps what is said' podman exec deb sh -c '
    systemd-run --wait -q --unit said echo "a line" && journalctl --flush --sync &&
    journalctl -q -u said -o cat | grep "^a line"'
says debhost 'the host name is there' podman exec deb hostname
works 'it is restarted' podman restart -t 20 deb
check 'and comes up again' wait_until 60 state_of_units running
works 'it is stopped' podman stop -t 30 deb
tells '^(0|130)$' 'it went down by itself, and was not killed' podman wait deb
works 'it is removed' podman rm deb
expect_podman_gone podman-systemd
