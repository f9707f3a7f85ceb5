#!/bin/sh
# Networks of runs: addresses, names, published ports, isolation, and that nothing of them is left.
# shellcheck disable=SC2016 # expanded in the run
. "${0%/*}/lib.sh"
require_command ip nft tc curl busybox python3

# ---- a run in the background -------------------------------------------------------------------------------

# begin NAME ARGS...: a run that lives until end; its supervisor's number is in $work/NAME.pid.
begin() {
    b_name=$1
    shift
    rm -f "$work/$b_name.ready"
    "$RATION" run --name "$b_name" -v "$work:/mnt" "$@" >"$work/$b_name.out" 2>"$work/$b_name.err" </dev/null &
    echo $! >"$work/$b_name.pid"
    t_pids="${t_pids:-} $!"
    wait_until 10 test -e "$work/$b_name.ready" || t_fail_run "$b_name begins" "$(cat "$work/$b_name.err")"
}
end() { # NAME...
    for e_name; do
        kill "$(cat "$work/$e_name.pid")" 2>/dev/null
        wait "$(cat "$work/$e_name.pid")" 2>/dev/null
    done
}
inside() { # NAME COMMAND...: in the network namespace of that run
    i_pid=$(sed -n 's/^command \([0-9]*\) .*/\1/p' "$RATION_STATE_DIR/$1")
    shift
    nsenter -t "$i_pid" -n "$@"
}
address_of() { # NAME: its address in the first network
    cat "$RATION_DATA_DIR"/networks/*/leases/"$1" | sed -n 's|^address \(.*\)/.*|\1|p'
}
nothing_left() { # [NAME]
    t_name=${1:-'no link, rule, lease or file of a network is left'}
    n_tries=50
    while n_left=$(engine_network; find "$RATION_DATA_DIR"/networks/*/leases "$RATION_STATE_DIR" -type f 2>/dev/null) &&
        [ -n "$n_left" ] && [ "$n_tries" -gt 0 ]; do
        n_tries=$((n_tries - 1))
        sleep 0.1
    done
    if [ -n "$n_left" ]; then not_ok "$t_name" "$n_left"; else ok "$t_name"; fi
}
mkdir "$work/www"
echo page >"$work/www/index.html"
serve='busybox httpd -p 80 -h /mnt/www; : >/mnt/$0.ready; exec sleep 1000'
stay=': >/mnt/$0.ready; exec sleep 1000'

# ---- one run ------------------------------------------------------------------------------------------------

echo 0 >/proc/sys/net/ipv4/ip_forward
run_ration run --network bridge -- ip -o -4 addr show dev eth0
expect_status 0
expect_stdout_matches 'inet 10\.88\.0\.2/16' 'the first address of the usual network'
expect_equal "$(cat /proc/sys/net/ipv4/ip_forward)" 1 'packets are passed on'
nothing_left 'its bridge goes with the last run'
run_ration run --network bridge -- ip route
expect_stdout_matches '^default via 10\.88\.0\.1 dev eth0' 'the way out is the bridge'
run_ration run --network none -- ip -o link
expect_stdout_lacks eth0 'with none there is loopback alone'
run_ration run --network bridge --ip 10.88.7.9 --mac-address 02:00:00:00:12:34 -- ip addr show dev eth0
expect_stdout_matches 'inet 10\.88\.7\.9/16' '--ip'
expect_stdout_matches 'link/ether 02:00:00:00:12:34' '--mac-address'
run_ration run --network bridge --ip 10.99.0.1 -- true
expect_refusal 125 '--ip 10.99.0.1 is no address of the network bridge' 'an address of another network is refused'
run_ration run --network bridge --ip 10.88.0.1 -- true
expect_refusal 125 'gateway' 'the gateway is nobody'"'"'s'
run_ration run --network nowhere -- true
expect_refusal 2 'there is no network nowhere; ration network create' 'a network that was not made'
run_ration run --network bridge --dns 192.0.2.53 --dns-search example.org --dns-option ndots:3 \
    --add-host db:192.0.2.7 --add-host host:host-gateway -- cat /etc/resolv.conf /etc/hosts
expect_stdout_matches '^nameserver 192\.0\.2\.53$' '--dns'
expect_stdout_matches '^search example\.org$' '--dns-search'
expect_stdout_matches '^options ndots:3$' '--dns-option'
expect_stdout_matches '^192\.0\.2\.7.db$' '--add-host'
expect_stdout_matches '^10\.88\.0\.1.host$' '--add-host NAME:host-gateway'
nothing_left

# ---- two that talk by name ---------------------------------------------------------------------------------------

begin one --network bridge --network-alias first -- sh -c "$serve" one
begin two --network bridge --hostname second -- sh -c "$stay" two
expect_equal "$(address_of one) $(address_of two)" '10.88.0.2 10.88.0.3' 'each has the lowest free address'
run_ration run --network bridge -- curl -s -m 5 http://one/
expect_stdout_is page 'a run reaches another by name'
run_ration run --network bridge -- curl -s -m 5 http://first/
expect_stdout_is page 'and by its alias'
check 'those that were there before learn names of those that come' \
    grep -qx "10.88.0.3.two" "$RATION_STATE_DIR/.names/one/hosts"
check 'its own line has its host name' grep -q '^10.88.0.3.second two$' "$RATION_STATE_DIR/.names/two/hosts"
end two
check_not 'and forget those that go' grep -qw two "$RATION_STATE_DIR/.names/one/hosts"
run_ration run --network container:one -- curl -s -m 5 http://127.0.0.1/
expect_stdout_is page 'container:NAME shares its network'
run_ration run --network container:nobody -- true
expect_refusal 125 'container:nobody: no run of that name' 'a network of a run that is not there'
run_ration run --network bridge --ip 10.88.0.2 -- true
expect_refusal 125 'the container one has that address' 'an address that is taken'
end one
nothing_left

# ---- published ports -------------------------------------------------------------------------------------------------

# The world outside: a network namespace at the other end of a link.
ip link add world type veth peer name eth0
unshare -n sleep 1000 &
outside=$!
t_pids="${t_pids:-} $outside"
wait_until 5 sh -c "[ \$(readlink /proc/$outside/ns/net) != \$(readlink /proc/self/ns/net) ]"
ip link set eth0 netns $outside
ip addr add 192.0.2.1/24 dev world
ip link set world up
far() { nsenter -t $outside -n "$@"; }
far ip link set lo up
far ip addr add 192.0.2.2/24 dev eth0
far ip link set eth0 up
fetch() { # NAME URL [COMMAND...]
    f_name=$1
    f_url=$2
    shift 2
    expect_equal "$("$@" curl -s -m 5 "$f_url")" page "$f_name"
}
cat >"$work/echo.py" <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5000))
open("/mnt/echo.ready", "w")
while True:
    data, peer = s.recvfrom(100)
    s.sendto(data, peer)
END
cat >"$work/ask.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.sendto(b"hello", (sys.argv[1], int(sys.argv[2])))
print(s.recv(100).decode())
END
begin web -p 8080:80 -p 127.0.0.1:8081:80 -p 192.0.2.1:8000-8002:79-81 -p 5000:5000/udp -- sh -c \
    'busybox httpd -p 80 -h /mnt/www; python3 /mnt/echo.py & : >/mnt/web.ready; exec sleep 1000'
wait_until 5 test -e "$work/echo.ready"
fetch 'a published port, from the host on 127.0.0.1' http://127.0.0.1:8080/
fetch 'on the bridge'"'"'s address' http://10.88.0.1:8080/
fetch 'on another address of the host' http://192.0.2.1:8080/
fetch 'from the world outside' http://192.0.2.1:8080/ far
fetch 'one on 127.0.0.1 alone, from the host' http://127.0.0.1:8081/
check_not 'and not from the world outside' far curl -s -m 2 http://192.0.2.1:8081/
fetch 'a range keeps its order' http://192.0.2.1:8001/ far
check_not 'its other ports lead elsewhere' far curl -s -m 2 http://192.0.2.1:8000/
expect_equal "$(far python3 "$work/ask.py" 192.0.2.1 5000)" hello 'a udp port'
far ip route add 10.88.0.0/16 via 192.0.2.1
check_not 'what is not published is not reached from outside' far curl -s -m 2 http://10.88.0.2/
far ip route add 127.0.0.2/32 via 192.0.2.1 2>/dev/null
fetch 'a run reaches it through the host' http://192.0.2.1:8080/ inside web
run_ration run -p 8080:80 -- true
expect_refusal 125 'tcp port 8080 of this machine is taken, by the container web' 'a port that another run has'
busybox httpd -f -p 8090 -h "$work/www" &
httpd=$!
t_pids="$t_pids $httpd"
wait_until 5 curl -s -m 1 -o /dev/null http://127.0.0.1:8090/
run_ration run -p 8090:80 -- true
expect_refusal 125 "taken, by process $httpd \\(busybox\\)" 'a port that somebody else has: who is named'
kill $httpd
run_ration run -p 203.0.113.7:80:80 -- true
expect_refusal 125 'no address of this machine' 'an address that the machine has not'
expect_equal "$(inside web curl -s -m 5 -o /dev/null -w '%{http_code}' http://192.0.2.2:1/)" 000 'nobody answers there'
far busybox nc -l -p 7000 >"$work/seen" &
sleep 0.2
echo from-inside | inside web busybox nc -w 1 192.0.2.2 7000
wait_until 5 test -s "$work/seen"
check 'the way out: with the address of the host' grep -q from-inside "$work/seen"
end web
check_not 'a port goes with its run' curl -s -m 2 http://127.0.0.1:8080/
ip link del world
kill $outside
wait $outside 2>/dev/null
nothing_left

# ---- bandwidth ---------------------------------------------------------------------------------------------------------

bytes_of() { # "1638Kbit" and its like, in bytes per second; tc(8) rounds
    awk -v text="$1" 'BEGIN { n = text + 0; if (text ~ /Kbit/) n *= 1000; if (text ~ /Mbit/) n *= 1000000
        if (text ~ /Gbit/) n *= 1000000000; printf "%d\n", n / 8 }'
}
rate_of() { # tc's output: the rate of the bucket
    bytes_of "$(sed -n 's/.*tbf.* rate \([^ ]*\) .*/\1/p')"
}
begin slow --network bridge --bandwidth-in 10m --bandwidth-out 500k -- sh -c "$stay" slow
in=$(tc qdisc | rate_of)
out=$(inside slow tc qdisc | rate_of)
check "--bandwidth-in is the rate of the host's end: $in" test "$in" -gt 10400000 -a "$in" -lt 10560000
check "--bandwidth-out that of the run's end: $out" test "$out" -gt 505000 -a "$out" -lt 515000
expect_equal "$(sed -n 's/^in //p; s/^out //p' "$RATION_DATA_DIR/networks/bridge/leases/slow" | tr '\n' ' ')" \
    '10485760 512000 ' 'both are as they were read back'
# The kernel counts what it had to hold back: 2 MB through a bucket of a fiftieth of 10 MiB.
dd if=/dev/zero of="$work/www/large" bs=1M count=2 2>/dev/null
busybox httpd -f -p 10.88.0.1:8070 -h "$work/www" &
httpd=$!
t_pids="$t_pids $httpd"
wait_until 5 curl -s -o /dev/null http://10.88.0.1:8070/
inside slow curl -s -o /dev/null http://10.88.0.1:8070/large
held=$(tc -s qdisc | sed -n '/tbf/,/backlog/s/.*overlimits \([0-9]*\).*/\1/p')
check "what comes in faster is held back: $held times" test "${held:-0}" -gt 10
end slow
kill $httpd
run_ration run --bandwidth-in 1m -- true
expect_refusal 125 'bandwidth-in.*no link of its own.*--network bridge' 'without a link there is nothing to limit'
run_ration run --network bridge --cap-add NET_ADMIN --bandwidth-out 1m -- true
expect_refusal 125 'bandwidth-out.*CAP_NET_ADMIN' 'nor where COMMAND could lift the limit'
run_ration run --network bridge --bandwidth-in 10 -- true
expect_refusal 2 'bandwidth-in' 'a rate below a single packet'
nothing_left

# ---- networks of one's own ----------------------------------------------------------------------------------------------

run_ration network create blue
expect_stdout_is blue 'network create'
run_ration network create --subnet 10.123.4.0/24 --gateway 10.123.4.254 --mtu 1400 --internal --label a=b inner
expect_status 0 'network create with everything'
run_ration network create blue
expect_refusal 125 'there is a network blue already' 'a name that is taken'
run_ration network create --subnet 10.123.0.0/16 red
expect_refusal 125 '10.123.4.0/24 is in use' 'a subnet that is taken'
for bad in 10.0.0.1/24 10.0.0.0/33 10.0.0.0 x 10.0.0.0/31 1.2.3.4/0; do
    run_ration network create --subnet $bad red
    expect_refusal 2 '--subnet' "no subnet: $bad"
done
run_ration network create ../up
expect_refusal 2 'name' 'no name of a network'
run_ration network create host
expect_refusal 2 'host' 'a word of --network'
begin one --network blue -- sh -c "$serve" one
run_ration run --network blue -- curl -s -m 5 http://one/
expect_stdout_is page 'by name in a network of one'"'"'s own'
address=$(address_of one)
run_ration run --network bridge -- curl -s -m 2 "http://$address/"
check 'networks do not see each other' test "$status" -ne 0
run_ration network rm blue
expect_refusal 125 'network blue is in use by the container one' 'a network in use stays'
run_ration network ls
expect_stdout_matches '^blue +10\.89\.0\.0/24 +10\.89\.0\.1 +1' 'network ls'
run_ration network inspect --format '{{.Name}} {{(index .IPAM.Config 0).Subnet}}' inner
expect_stdout_is 'inner 10.123.4.0/24' 'network inspect'
run_ration run --network inner -- sh -c 'ip route; cat /sys/class/net/eth0/mtu'
expect_stdout_lacks default 'an internal network has no way out'
expect_stdout_matches '^1400$' '--mtu'
end one
run_ration network prune
expect_stdout_is "$(printf 'blue\ninner')" 'network prune'
run_ration network rm blue
expect_refusal 125 'there is no network blue' 'a network that is gone'
nothing_left 'nothing is left of networks'
assert_no_leftovers
