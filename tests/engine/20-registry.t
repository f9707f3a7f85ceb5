#!/bin/sh
# Images from Debian's docker-registry and to it: without a password, with one, with TLS. skopeo and umoci are the
# independent peers that push what is pulled here, and read what is pushed.
# shellcheck disable=SC2016
. "${0%/*}/lib.sh"
require_command docker-registry skopeo umoci openssl python3

servers=
end_servers() {
    for server in $servers; do
        kill "$server" 2>/dev/null
    done
    engine_end
}
trap end_servers EXIT

reach() { # HOST PORT
    python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)' "$1" "$2" 2>/dev/null
}

# A registry of its own store: sets $server.
registry() { # PORT [MORE...]: lines of its configuration
    r_port=$1
    shift
    mkdir "$work/registry$r_port"
    {
        printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n'
        printf 'storage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\n' "$work/registry$r_port"
        printf 'http:\n  addr: 127.0.0.1:%s\n' "$r_port"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$work/registry$r_port.yml"
    docker-registry serve "$work/registry$r_port.yml" >"$work/registry$r_port.log" 2>&1 &
    server=$!
    servers="$servers $server"
    wait_until 20 reach 127.0.0.1 "$r_port" || diag "$(tail -n 5 "$work/registry$r_port.log")"
}

whole() { # NAME: the store verifies
    run_ration image verify
    [ "$status" -eq 0 ] && ok "$1" || t_fail_run "$1" 'ration image verify failed'
}

host=127.0.0.1:5000
registry 5000
sko() { skopeo --override-os linux "$@"; }

# ---- an image that a peer has made -----------------------------------------------------------------------

oci=$work/oci
mkdir -p "$work/root/bin" "$work/more/more"
cp "$(command -v busybox)" "$work/root/bin/busybox"
ln -s busybox "$work/root/bin/sh"
ln -s busybox "$work/root/bin/cat"
head -c 3000000 /dev/urandom >"$work/root/noise"
echo 'a file of the second layer' >"$work/more/more/second"
{
    umoci init --layout "$oci"
    umoci new --image "$oci:one"
    for layer in root more; do
        tar -C "$work/$layer" -cf "$work/$layer.tar" .
        umoci raw add-layer --image "$oci:one" "$work/$layer.tar"
    done
    umoci config --image "$oci:one" --config.cmd /bin/sh --config.env KIND=peer
} >"$work/umoci.log" 2>&1 || diag "$(tail -n 3 "$work/umoci.log")"
check 'a peer pushes an OCI image' sko copy -q --dest-tls-verify=false "oci:$oci:one" "docker://$host/a/one:1"
check 'and a docker one' sko copy -q -f v2s2 --dest-tls-verify=false "oci:$oci:one" "docker://$host/a/one:docker"

remote_digest() { # NAME
    sko inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"
}

# ---- pull -----------------------------------------------------------------------------------------------------

oci_digest=$(remote_digest "$host/a/one:1")
docker_digest=$(remote_digest "$host/a/one:docker")
run_ration pull "$host/a/one:1"
expect_status 0 'pull, from this machine itself without TLS'
expect_stdout_is "$host/a/one:1 $oci_digest" 'it prints name and digest, the one that the peer sees'
check 'and a line for each layer, with its size' grep -qE '^[0-9a-f]{12}  [0-9.]+ [KM]iB  done$' "$err"
run_ration pull -q "$host/a/one:1"
expect_stdout_is "$oci_digest" 'pull --quiet prints the digest alone'
expect_silent 'and nothing else'
run_ration image pull "$host/a/one:docker"
expect_stdout_is "$host/a/one:docker $docker_digest" 'image pull: one of schema 2'
check 'its layers were there already' grep -q 'there already$' "$err"
run_ration pull -q "$host/a/one@$oci_digest"
expect_stdout_is "$oci_digest" 'pull by digest'
run_ration images
expect_stdout_matches "^$host/a/one +1 " 'the image is in the list'
whole 'the store verifies'
run_ration run --rm "$host/a/one:1" /bin/cat /more/second
expect_stdout_is 'a file of the second layer' 'and a container runs from it'

run_ration pull -q "$host/a/one:nothing"
expect_refusal 125 "$host has not got the manifest of a/one:nothing \(404, MANIFEST_UNKNOWN.*name and tag right"
run_ration pull -q "$host/a/none:1"
expect_refusal 125 "$host has not got the manifest of a/none:1 \(404"
run_ration pull -q 127.0.0.1:5999/a:1
expect_refusal 125 '127.0.0.1:5999 cannot be reached \(.*does it run there'
run_ration pull -q --timeout never "$host/a/one:1"
expect_refusal 2 '--timeout takes a time'
run_ration pull -q --parallel 0 "$host/a/one:1"
expect_refusal 2 '--parallel takes a number from 1 to 16'
run_ration pull -q 'Not A Name'
expect_refusal 2 'Not A Name'

# ---- one of several platforms ---------------------------------------------------------------------------------

# An index with this machine's and a foreign one, put there by hand.
arch=$(sko inspect --tls-verify=false --format '{{.Architecture}}' "docker://$host/a/one:1")
foreign=s390x
cat >"$work/index.py" <<'PY'
import json, sys, urllib.request
host, name, digest, arch, foreign = sys.argv[1:]
def get(what, kind):
    request = urllib.request.Request(f'http://{host}/v2/{name}/{what}', headers={'Accept': kind})
    return urllib.request.urlopen(request).read()
def put(tag, body, kind):
    request = urllib.request.Request(f'http://{host}/v2/{name}/manifests/{tag}', body, {'Content-Type': kind}, method='PUT')
    return urllib.request.urlopen(request).headers['Docker-Content-Digest']
M, I = 'application/vnd.oci.image.manifest.v1+json', 'application/vnd.oci.image.index.v1+json'
manifest = get(f'manifests/{digest}', M)
other = json.loads(manifest)
other['annotations'] = {'for': foreign}
other = json.dumps(other).encode()
there = put('foreign', other, M)
entries = [{'mediaType': M, 'digest': d, 'size': len(b), 'platform': {'os': 'linux', 'architecture': a}}
           for d, b, a in ((there, other, foreign), (digest, manifest, arch))]
print(put('many', json.dumps({'schemaVersion': 2, 'mediaType': I, 'manifests': entries}).encode(), I), there)
PY
python3 "$work/index.py" "$host" a/one "$oci_digest" "$arch" "$foreign" >"$work/.index" 2>"$work/.index.err" ||
    diag "$(tail -n 1 "$work/.index.err")"
read -r index_digest foreign_digest <"$work/.index"
manifest_of() { # NAME: what the name in the store stands for
    "$RATION" images --digests | awk -v name="${1%:*}" -v tag="${1##*:}" '$1 == name && $2 == tag { print $3 }'
}
run_ration pull -q "$host/a/one:many"
expect_stdout_is "$index_digest" 'pull of an index prints its digest'
expect_equal "$(manifest_of "$host/a/one:many")" "$oci_digest" 'and takes the image of this machine'
run_ration pull -q --platform "linux/$foreign" "$host/a/one:many"
expect_equal "$(manifest_of "$host/a/one:many")" "$foreign_digest" '--platform takes another'
run_ration pull -q --platform linux/mips "$host/a/one:many"
expect_refusal 125 "no image for linux/mips in it, but for linux/$foreign"

# ---- push ------------------------------------------------------------------------------------------------------

run_ration tag "$host/a/one:1" "$host/b/copy:2"
expect_status 0 'tag'
run_ration push "$host/b/copy:2"
expect_stdout_is "$host/b/copy:2 $oci_digest" 'push prints name and digest'
expect_equal "$(remote_digest "$host/b/copy:2")" "$oci_digest" 'the peer sees the same digest'
check 'layers came from another repository of the registry' grep -q 'taken from another repository$' "$err"
run_ration push "$host/b/copy:2"
check 'pushed again, all is there already' grep -q 'there already$' "$err"
check_not 'and nothing goes' grep -q 'begun$' "$err"
run_ration push -q "$host/a/one:docker" "$host/b/docker:3"
expect_stdout_is "$docker_digest" 'push IMAGE NAME, one of schema 2, as it is'
expect_equal "$(remote_digest "$host/b/docker:3")" "$docker_digest" 'the peer sees the same digest'
check 'and reads it back' sko copy -q --src-tls-verify=false "docker://$host/b/copy:2" "oci:$work/back:one"
check 'into a file system that is the same' sh -c '
    umoci unpack --image "$1/back:one" "$1/unpacked" >/dev/null 2>&1 && cmp "$1/unpacked/rootfs/noise" "$1/root/noise"' sh "$work"

run_ration rmi "$host/a/one:1" "$host/a/one:docker"
fresh=127.0.0.1:5001
registry 5001
run_ration push -q --chunk-size 1m "$host/b/copy:2" "$fresh/x/chunks:1"
expect_stdout_is "$oci_digest" 'push in parts of a MiB'
expect_equal "$(remote_digest "$fresh/x/chunks:1")" "$oci_digest" 'the peer sees the same digest'
RATION_DATA_DIR=$work/data2 "$RATION" pull -q --parallel 1 "$fresh/x/chunks:1" >"$out" 2>"$err"
expect_stdout_is "$oci_digest" 'and another store pulls it back'
run_ration push -q nothing:here
expect_refusal 125 'nothing:here'
run_ration push -q "$host/b/copy:2" "$host/b/copy@$docker_digest"
expect_refusal 2 'cannot be pushed as'

# ---- what is made here ------------------------------------------------------------------------------------------

busybox_image
run_ration push -q busybox "$host/c/busybox:made"
expect_status 0 'push of an image that was made here'
made=$(cat "$out")
expect_equal "$(remote_digest "$host/c/busybox:made")" "$made" 'the peer sees the same digest'
run_ration rmi -f busybox
run_ration pull -q "$host/c/busybox:made"
expect_stdout_is "$made" 'and it comes back'
run_ration run --rm "$host/c/busybox:made" echo hello
expect_stdout_is hello 'and runs'

# ---- passwords -------------------------------------------------------------------------------------------------

cat >"$work/htpasswd.py" <<'PY'
import crypt
print('user:' + crypt.crypt('secret', crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=32)).replace('$2b$', '$2y$'))
PY
python3 -W ignore "$work/htpasswd.py" >"$work/htpasswd"
locked=127.0.0.1:5002
registry 5002 "auth: {htpasswd: {realm: test, path: $work/htpasswd}}"
run_ration push -q "$host/b/copy:2" "$locked/d/one:1"
expect_refusal 125 "$locked gives .* to nobody whom it does not know .*ration login $locked"
printf 'wrong\n' >"$work/wrong"
run_ration_stdin "$work/wrong" login -u user --password-stdin "$locked"
expect_refusal 125 "$locked does not accept the login of user .*401"
check_not 'a password that is wrong is not kept' test -e "$HOME/.docker/config.json"
printf 'secret\n' >"$work/right"
run_ration_stdin "$work/right" login -u user --password-stdin "$locked"
expect_status 0 'login'
expect_stderr_matches "logged in to $locked as user; the password is kept in .*/.docker/config.json"
expect_equal "$(stat -c %a "$HOME/.docker/config.json")" 600 'the file is its owner'"'"'s alone'
run_ration push -q "$host/b/copy:2" "$locked/d/one:1"
expect_stdout_is "$oci_digest" 'push with a password'
expect_equal "$(sko inspect --tls-verify=false --creds user:secret --format '{{.Digest}}' "docker://$locked/d/one:1")" \
    "$oci_digest" 'the peer sees the same digest'
run_ration pull -q "$locked/d/one:1"
expect_stdout_is "$oci_digest" 'pull with a password'
check 'a peer reads the file, too' sko inspect --tls-verify=false --authfile "$HOME/.docker/config.json" "docker://$locked/d/one:1"
run_ration logout "$locked"
expect_status 0 'logout'
run_ration logout "$locked"
expect_stderr_matches "no password for $locked was kept"
run_ration pull -q "$locked/d/one:1"
expect_refusal 125 "$locked gives the manifest of d/one:1 to nobody whom it does not know"

cat >"$work/auth.json" <<JSON
{"auths": {"$locked": {"auth": "$(printf user:secret | base64)"}}}
JSON
run_ration pull -q --authfile "$work/auth.json" "$locked/d/one:1"
expect_stdout_is "$oci_digest" '--authfile'
REGISTRY_AUTH_FILE=$work/auth.json
export REGISTRY_AUTH_FILE
run_ration pull -q "$locked/d/one:1"
expect_stdout_is "$oci_digest" 'REGISTRY_AUTH_FILE'
unset REGISTRY_AUTH_FILE
mkdir "$work/helpers" "$work/docker"
cat >"$work/helpers/docker-credential-here" <<SH
#!/bin/sh
[ "\$(cat)" = "$locked" ] && echo '{"Username":"user","Secret":"secret"}'
SH
chmod +x "$work/helpers/docker-credential-here"
echo '{"credHelpers": {"'"$locked"'": "here"}}' >"$work/docker/config.json"
PATH=$PATH:$work/helpers DOCKER_CONFIG=$work/docker "$RATION" pull -q "$locked/d/one:1" >"$out" 2>"$err"
expect_stdout_is "$oci_digest" 'a helper that DOCKER_CONFIG names'
status=0
DOCKER_CONFIG=$work/docker "$RATION" pull -q "$locked/d/one:1" >"$out" 2>"$err" || status=$?
expect_refusal 125 'docker-credential-here, which is not installed'

# ---- TLS ---------------------------------------------------------------------------------------------------------

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
safe=127.0.0.1:5003
registry 5003 "  tls: {certificate: $work/cert.pem, key: $work/key.pem}"
run_ration push -q "$host/b/copy:2" "$safe/e/one:1"
expect_refusal 125 "$safe has a certificate that is not trusted .*/etc/docker/certs.d/$safe/ca.crt.*--cert-dir"
mkdir "$work/certs"
cp "$work/cert.pem" "$work/certs/ca.crt"
run_ration push -q --cert-dir "$work/certs" "$host/b/copy:2" "$safe/e/one:1"
expect_stdout_is "$oci_digest" 'push by TLS with --cert-dir'
run_ration pull -q --cert-dir "$work/certs" "$safe/e/one:1"
expect_stdout_is "$oci_digest" 'pull by TLS with --cert-dir'
run_ration pull -q --plain-http "$safe/e/one:1"
expect_status 125 '--plain-http with a registry that speaks TLS'
run_ration pull -q --cert-dir "$work/none" "$safe/e/one:1"
expect_refusal 125 "$work/none \(--cert-dir\) cannot be read"

# A name of this machine that is not a loopback one: TLS or nothing. It leads to the registry without.
ip addr add 192.0.2.7/32 dev lo 2>/dev/null || :
python3 - <<PY &
import socket, threading
def copy(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass
server = socket.create_server(('192.0.2.7', 5004))
while True:
    a, _ = server.accept()
    b = socket.create_connection(('127.0.0.1', 5000))
    threading.Thread(target=copy, args=(a, b), daemon=True).start()
    threading.Thread(target=copy, args=(b, a), daemon=True).start()
PY
servers="$servers $!"
wait_until 10 reach 192.0.2.7 5004
run_ration pull -q 192.0.2.7:5004/a/one:1
expect_refusal 125 '192.0.2.7:5004 does not speak TLS as it should .*--plain-http'
run_ration pull -q --plain-http 192.0.2.7:5004/a/one:1
expect_stdout_is "$oci_digest" '--plain-http'

# ---- what a person sees ------------------------------------------------------------------------------------------

run_ration rmi -f "$host/c/busybox:made"
TERM=xterm script -qec "'$RATION' pull --parallel 1 $host/c/busybox:made" "$work/seen" >/dev/null 2>&1 </dev/null
check 'on a terminal lines are drawn over' grep -q "$(printf '\033\[K')" "$work/seen"
check 'and at the end each says done' grep -qE '[0-9a-f]{12}  [0-9.]+ [KM]iB  done' "$work/seen"

# ---- an ordinary user --------------------------------------------------------------------------------------------

engine_user
as_user pull -q "$host/b/copy:2"
expect_stdout_is "$oci_digest" 'an ordinary user pulls'
as_user image verify -q
expect_status 0 'into a store that verifies'
as_user push -q "$host/b/copy:2" "$host/f/user:1"
expect_stdout_is "$oci_digest" 'and pushes'
expect_equal "$(remote_digest "$host/f/user:1")" "$oci_digest" 'the peer sees the same digest'

whole 'the store verifies after all this'
engine_clean 'and nothing is left'
