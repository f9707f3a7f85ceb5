#!/bin/sh
# A Slurm cluster of three nodes on one machine; `srun --container` runs bundles by the runtime, as the job's
# own user: Slurm's group of the job carries the limits.
# shellcheck disable=SC2016,SC2034 # scripts are for the container; lib.sh reads CLIENTS
CLIENTS='slurmctld slurmd srun scontrol munged umoci'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"

# getaddrinfo(3) with AI_ADDRCONFIG takes a machine with nothing but a loopback address for one without.
ip addr add 10.99.0.1/32 dev lo
echo '10.99.0.1 world' >>/etc/hosts
grep -q '^someone:' /etc/passwd || echo 'someone:x:1234:1234::/home/someone:/bin/sh' >>/etc/passwd
grep -q '^someone:' /etc/group || echo 'someone:x:1234:' >>/etc/group

roots=$world/roots
mkdir -p "$world/slurm/state" /run/munge /run/slurm "$roots" /etc/slurm
chmod 755 "$world/slurm"
chmod 1777 "$roots"
head -c 128 /dev/urandom >"$world/munge.key"
chmod 400 "$world/munge.key"
munged --force --key-file "$world/munge.key" --socket /run/munge/munge.socket.2 --pid-file "$world/munged.pid" \
    --log-file "$world/munged.log" --seed-file "$world/munged.seed"

cat >/etc/slurm/slurm.conf <<END
ClusterName=tests
SlurmctldHost=world
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$world/slurm/state
SlurmctldPidFile=$world/slurm/ctld.pid
SlurmctldLogFile=$world/slurm/ctld.log
SlurmdPidFile=$world/slurm/%n.pid
SlurmdLogFile=$world/slurm/%n.log
SlurmdSpoolDir=/run/slurm/d-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
InactiveLimit=0
KillWait=5
SlurmctldTimeout=300
SlurmdTimeout=300
NodeName=n1 NodeHostname=world NodeAddr=10.99.0.1 Port=7001 CPUs=2 RealMemory=200
NodeName=n2 NodeHostname=world NodeAddr=10.99.0.1 Port=7002 CPUs=2 RealMemory=200
NodeName=n3 NodeHostname=world NodeAddr=10.99.0.1 Port=7003 CPUs=2 RealMemory=200
PartitionName=all Nodes=n1,n2,n3 Default=YES MaxTime=10 State=UP
END
cat >/etc/slurm/oci.conf <<END
RunTimeQuery="$runtime --root=$roots/%n.%u state %n.%u.%j.%s.%t"
RunTimeKill="$runtime --root=$roots/%n.%u kill -a %n.%u.%j.%s.%t"
RunTimeDelete="$runtime --root=$roots/%n.%u delete --force %n.%u.%j.%s.%t"
RunTimeRun="$runtime --root=$roots/%n.%u run --bundle %b %n.%u.%j.%s.%t"
END
# On v2 slurmd would ask systemd for a scope, which there is not: it makes one, in the slice.
echo 'IgnoreSystemd=yes' >/etc/slurm/cgroup.conf
[ ! -f /sys/fs/cgroup/cgroup.controllers ] || mkdir /sys/fs/cgroup/system.slice
slurmctld -D >"$world/slurm/ctld.out" 2>&1 </dev/null &
slurm_pids=$!
for n in n1 n2 n3; do
    mkdir -p /run/slurm/d-$n
    slurmd -D -N $n >"$world/slurm/$n.out" 2>&1 </dev/null &
    slurm_pids="$slurm_pids $!"
done
all_idle() { [ "$(sinfo -h -N -o '%t' 2>/dev/null | grep -c '^idle')" = 3 ]; }
wait_until 60 all_idle
check 'three nodes are up' all_idle
[ "$t_failed" -eq 0 ] || { sinfo -N -l; tail -n 5 "$world"/slurm/*.out "$world"/slurm/*.log; } 2>&1 | sed 's/^/# /'

# ---- a bundle of the job's user ------------------------------------------------------------------------

bundle=$world/bundle
mkdir -p "$bundle"
image_root "$bundle/rootfs"
chown -R 1234:1234 "$bundle"
cat >"$bundle/config.json" <<'END'
{"ociVersion":"1.0.2","process":{"terminal":false,"user":{"uid":0,"gid":0},"args":["/bin/true"],
"env":["PATH=/bin:/usr/bin"],"cwd":"/","noNewPrivileges":true},
"root":{"path":"ROOTFS","readonly":false},"hostname":"inside",
"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","strictatime","mode=755","size=65536k"]},
{"destination":"/dev/shm","type":"tmpfs","source":"shm","options":["nosuid","noexec","nodev","mode=1777","size=65536k"]},
{"destination":"/tmp","type":"tmpfs","source":"tmpfs","options":["nosuid","nodev","mode=1777","size=65536k"]}],
"linux":{"uidMappings":[{"containerID":0,"hostID":1234,"size":1}],"gidMappings":[{"containerID":0,"hostID":1234,"size":1}],
"namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},{"type":"user"}],
"maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"]}}
END
sed -i "s|ROOTFS|$bundle/rootfs|" "$bundle/config.json"

# By name, since `timeout` executes programs only.
cat >"$world/bin-srun" <<END
#!/bin/sh
cd /tmp && exec setpriv --reuid 1234 --regid 1234 --clear-groups env HOME=/tmp srun -Q --container "$bundle" "\$@"
END
chmod 755 "$world/bin-srun"
s=$world/bin-srun

says hello 'a step in a container prints' "$s" -n1 echo hello
exits 0 'exit status 0' "$s" -n1 true
exits 7 'exit status 7' "$s" -n1 sh -c 'exit 7'
says inside 'it has a host name of its own' "$s" -n1 hostname
says 'uid=0(root) gid=0(root) groups=0(root)' 'it is root of its own user namespace' "$s" -n1 id
says 1 'it is process 1' "$s" -n1 sh -c 'echo $$'
says 'out' 'stdout is stdout' "$s" -n1 sh -c 'echo out; echo err >&2'
echo 'line in' >"$work/in"
from "$work/in" says 'line in' 'stdin arrives' "$s" -n1 cat
run "$s" -N3 -n3 --ntasks-per-node=1 sh -c 'echo here'
expect_equal "$(grep -c '^here$' "$out")" 3 'three nodes run it at once'
for i in 1 2 3; do
    says "step $i" "a step of node n$i" "$s" -n1 -w "n$i" echo "step $i"
done
run "$s" -n1 /no/such/program
check 'a program that is not there is an error' test "$status" -ne 0
exits 137 'killed by KILL is told' "$s" -n1 sh -c 'sh -c "kill -9 \$\$"; exit $?'

# A job that is cancelled ends, and its container with it.
"$s" -n1 -J long sh -c 'trap "exit 0" TERM; while :; do sleep 0.2; done # stays' >"$work/long.out" 2>&1 &
job=$!
running() { [ "$(squeue -h -n long -o '%t' 2>/dev/null)" = R ]; }
wait_until 30 running
wait_until 30 sh -c "ls $roots/*/* 2>/dev/null | grep -q ."
scancel -n long
wait "$job"
gone() { [ -z "$(squeue -h 2>/dev/null)" ]; }
wait_until 30 gone
check 'scancel ends the job' gone
left_of_it() { world_processes | grep 'stays'; }
t_tries=100
while left_of_it >/dev/null && [ "$t_tries" -gt 0 ]; do
    t_tries=$((t_tries - 1))
    sleep 0.1
done
check_not '... and its container' left_of_it

# ---- two jobs at once, batch -------------------------------------------------------------------------------

"$s" -n1 -w n1 sh -c 'sleep 1; echo first' >"$work/first" 2>&1 &
first=$!
"$s" -n1 -w n2 sh -c 'sleep 1; echo second' >"$work/second" 2>&1 &
second=$!
wait "$first" && wait "$second"
expect_equal "$(cat "$work/first" "$work/second" | tr '\n' ' ')" 'first second ' 'two steps at once'

wait_until 30 all_idle
# shellcheck disable=SC2086 # a list
kill -TERM $slurm_pids 2>/dev/null
# shellcheck disable=SC2086
wait $slurm_pids 2>/dev/null
kill -TERM "$(cat "$world/munged.pid")"
expect_equal "$(find "$roots" -mindepth 2 \( ! -path '*/.*' -o -path '*/.pending/*' \) 2>/dev/null)" '' 'no record of the runtime is left'
expect_no_groups 'no group is left' '/slurm|/system.slice(/n[123]_slurmstepd.scope(/system)?)?$'
