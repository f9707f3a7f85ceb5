#!/usr/bin/env python3
"""A registry that does everything wrong, each thing on request.

    bad_registry.py DIR    listens on ports of 127.0.0.1, writes DIR/ports ("NAME PORT" lines) when all are open

Port "main" has one good image (two layers and a configuration, made from a fixed seed) under every repository's name;
what goes wrong there is the repository's name: "blob-reset" breaks connections in the middle of layers. The other
ports go wrong before that: their names are those of PORTS. What was asked goes to DIR/log, one line each:
"PORT METHOD TARGET AUTHORIZATION RANGE".
"""
import base64
import gzip
import hashlib
import io
import json
import os
import random
import socket
import struct
import sys
import tarfile
import threading
import time
import urllib.parse

DIR = sys.argv[1]
OCI = 'application/vnd.oci.image.'
MANIFEST = OCI + 'manifest.v1+json'
INDEX = OCI + 'index.v1+json'
ARCH = {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(os.uname().machine, os.uname().machine)
STEP = 200000      # bytes that come before a connection breaks

ports = {}
lock = threading.Lock()
counts = {}
log = open(os.path.join(DIR, 'log'), 'a', buffering=1)


# ---- the image ----------------------------------------------------------------------------------------------

def digest(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def layer(seed, size):
    noise = random.Random(seed).randbytes(size)
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode='w', format=tarfile.PAX_FORMAT) as tar:
        for name, data in ((f'noise-{seed}', noise), (f'name-{seed}', b'layer %d\n' % seed)):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), 0o644, 1600000000
            tar.addfile(info, io.BytesIO(data))
    return text.getvalue(), gzip.compress(text.getvalue(), 1, mtime=0)


def entry(media, data):
    return {'mediaType': OCI + media, 'digest': digest(data), 'size': len(data)}


tars = [layer(1, 1500000), layer(2, 300000)]
blobs = {digest(packed): packed for _, packed in tars}
config = json.dumps({
    'architecture': ARCH, 'os': 'linux', 'config': {'Cmd': ['/bin/true']},
    'rootfs': {'type': 'layers', 'diff_ids': [digest(tar) for tar, _ in tars]},
}).encode()
blobs[digest(config)] = config
first, second = (digest(packed) for _, packed in tars)
manifest_object = {
    'schemaVersion': 2, 'mediaType': MANIFEST,
    'config': entry('config.v1+json', config),
    'layers': [entry('layer.v1.tar+gzip', packed) for _, packed in tars],
}
manifest = json.dumps(manifest_object).encode()
other_manifest = json.dumps(manifest_object, indent=1).encode()


def index(of, **more):
    what = {'mediaType': MANIFEST, 'digest': digest(of), 'size': len(of),
            'platform': {'architecture': ARCH, 'os': 'linux'}}
    what.update(more)
    return json.dumps({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': [what]}).encode()


good_index = index(manifest)
documents = {
    'index': good_index,
    'index-none': index(manifest, platform={'architecture': 's390x', 'os': 'linux'}),
    'index-size': index(manifest, size=5),
    'index-index': index(good_index, mediaType=INDEX),
    'index-empty': json.dumps({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': []}).encode(),
    'manifest-broken': manifest[:-7],
    'manifest-deep': b'[' * 1000000,
    'manifest-many': json.dumps(dict(manifest_object, layers=manifest_object['layers'] * 5000)).encode(),
    'manifest-size': json.dumps(dict(manifest_object, layers=[
        dict(each, size=-1) for each in manifest_object['layers']])).encode(),
    'manifest-huge-size': json.dumps(dict(manifest_object, layers=[
        dict(each, size=1 << 62) for each in manifest_object['layers']])).encode(),
    'manifest-path': json.dumps(dict(manifest_object, layers=[
        dict(each, digest='sha256:../../../../etc/passwd') for each in manifest_object['layers']])).encode(),
    'manifest-nothing': b'',
    'manifest-number': b'42',
    'blob-less': json.dumps(dict(manifest_object, layers=[
        dict(each, size=each['size'] + 1000) for each in manifest_object['layers']])).encode(),
    'blob-more': json.dumps(dict(manifest_object, layers=[
        dict(each, size=each['size'] - 1000) for each in manifest_object['layers']])).encode(),
    'config-swapped': json.dumps(dict(manifest_object, config=manifest_object['layers'][1])).encode(),
}


# ---- one connection --------------------------------------------------------------------------------------------

class Gone(Exception):
    pass


class Visit:
    """A request and the means of answering it badly."""

    def __init__(self, sock, port):
        self.sock, self.port = sock, port
        self.method = self.target = ''
        self.rest = b''
        self.headers = {}

    def read(self):
        head = b''
        while b'\r\n\r\n' not in head:
            got = self.sock.recv(4096)
            if not got or head[:1] == b'\x16':
                raise Gone       # TLS is not spoken here
            head += got
            if head[:1] == b'\x16':
                raise Gone
        top, _, self.rest = head.partition(b'\r\n\r\n')
        lines = top.decode('latin-1').split('\r\n')
        self.method, self.target = lines[0].split(' ')[:2]
        for line in lines[1:]:
            name, _, value = line.partition(':')
            self.headers[name.lower()] = value.strip()
        with lock:
            log.write('%s %s %s %s %s\n' % (self.port, self.method, self.target,
                                           self.headers.get('authorization', '-').replace(' ', '_'),
                                           self.headers.get('range', '-')))

    def body(self, limit=None):
        """What is sent to us, or the first limit bytes of it."""
        size = int(self.headers.get('content-length', 0))
        data = self.rest
        while len(data) < (size if limit is None else min(limit, size)):
            got = self.sock.recv(65536)
            if not got:
                raise Gone
            data += got
        return data if limit is None else data[:limit]

    def send(self, data):
        self.sock.sendall(data)

    def head(self, status, *headers):
        self.send(('HTTP/1.1 %s\r\nConnection: close\r\n%s\r\n' % (
            status, ''.join(h + '\r\n' for h in headers))).encode())

    def answer(self, status, body=b'', *headers):
        self.head(status, 'Content-Length: %d' % len(body), *headers)
        if self.method != 'HEAD':
            self.send(body)

    def json(self, status, value, *headers):
        self.answer(status, json.dumps(value).encode(), 'Content-Type: application/json', *headers)

    def hang(self):
        """Until the other side has had enough."""
        self.sock.settimeout(120)
        while self.sock.recv(4096):
            pass
        raise Gone

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        raise Gone

    def endless(self, chunk):
        while True:
            self.send(b'%x\r\n%s\r\n' % (len(chunk), chunk))

    def drip(self, data):
        while True:
            for i in range(len(data)):
                self.send(data[i:i + 1])
                time.sleep(0.2)

    def count(self, what):
        with lock:
            counts[what] = counts.get(what, 0) + 1
            return counts[what]

    def base(self, port='main'):
        return 'http://127.0.0.1:%d' % ports[port]


bomb = gzip.compress(bytes(50000000), 9)


# ---- manifests gone wrong ---------------------------------------------------------------------------------------

def send_manifest(v, body, *headers):
    media = INDEX if b'"manifests"' in body else MANIFEST
    v.answer('200 OK', body, 'Content-Type: ' + media, *headers)


def challenge(v, port, scope=True):
    return 'WWW-Authenticate: Bearer realm="%s/token",service="bad"%s' % (
        v.base(port), ',scope="repository:x:pull"' if scope else '')


def manifest_endless(v):
    v.head('200 OK', 'Transfer-Encoding: chunked', 'Content-Type: ' + MANIFEST)
    v.endless(b' ' * 65536)


def manifest_half(v):
    v.head('200 OK', 'Content-Length: %d' % len(manifest), 'Content-Type: ' + MANIFEST)
    v.send(manifest[:100])
    v.hang()


def manifest_short(v):
    v.head('200 OK', 'Content-Length: %d' % len(manifest), 'Content-Type: ' + MANIFEST)
    v.send(manifest[:100])


def manifest_big(v):
    v.head('200 OK', 'Content-Length: 1000000000000', 'Content-Type: ' + MANIFEST)
    while True:
        v.send(b' ' * 65536)


def manifest_headers(v):
    v.send(b'HTTP/1.1 200 OK\r\n')
    while True:
        v.send(b'X-Filler: ' + b'x' * 1000 + b'\r\n')


def manifest_header(v):
    v.send(b'HTTP/1.1 200 OK\r\nX-Filler: ')
    while True:
        v.send(b'x' * 65536)


def manifest_interim(v):
    while True:
        v.send(b'HTTP/1.1 100 Continue\r\n\r\n')


def manifest_flaky(v):
    n = v.count(v.target)
    if n % 4 == 1:
        v.reset()
    elif n % 4 == 2:
        v.answer('503 Busy', b'', 'Retry-After: 0')
    elif n % 4 == 3:
        v.answer('429 Slowly', b'', 'Retry-After: 0')
    else:
        send_manifest(v, manifest)


def manifest_gzip(v):
    v.answer('200 OK', bomb, 'Content-Type: ' + MANIFEST, 'Content-Encoding: gzip')


def redirect(to, status='307 Over there'):
    return lambda v: v.answer(status, b'', 'Location: ' + (to(v) if callable(to) else to))


def escape_codes(v):
    v.json('400 \x1b[31mRed\x07', {'errors': [{'code': '\x1b[31mRED', 'message': 'bell\x07 \x1b]0;title\x07\nline'}]})


manifests = {
    'manifest-hang': lambda v: v.hang(),
    'manifest-half': manifest_half,
    'manifest-short': manifest_short,
    'manifest-reset': lambda v: v.reset(),
    'manifest-close': lambda v: None,
    'manifest-drip': lambda v: (v.head('200 OK', 'Content-Type: ' + MANIFEST), v.drip(b' ')),
    'manifest-endless': manifest_endless,
    'manifest-big': manifest_big,
    'manifest-headers': manifest_headers,
    'manifest-header': manifest_header,
    'manifest-interim': manifest_interim,
    'manifest-flaky': manifest_flaky,
    'manifest-gzip': manifest_gzip,
    'manifest-html': lambda v: v.answer('200 OK', b'<html>Log in', 'Content-Type: text/html; charset=utf-8'),
    'manifest-old': lambda v: v.answer('200 OK', b'{}', 'Content-Type: application/vnd.docker.distribution.manifest.v1+prettyjws'),
    'manifest-lie': lambda v: send_manifest(v, manifest, 'Docker-Content-Digest: ' + digest(b'')),
    'manifest-circle': redirect(lambda v: v.target),
    'manifest-spiral': redirect(lambda v: v.base() + '/v2/manifest-spiral/manifests/%d' % v.count('spiral')),
    'manifest-file': redirect('file:///etc/passwd'),
    'manifest-plain': redirect('http://192.0.2.1/v2/x'),
    'manifest-nowhere': redirect(''),
    'manifest-lost': lambda v: v.answer('302 Found'),
    'manifest-garbage': lambda v: v.send(b'\x00\x01\x02 nonsense\r\n\r\n' * 10),
    'manifest-status': lambda v: v.send(b'HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n'),
    'manifest-400': escape_codes,
    'manifest-403': lambda v: v.json('403 Forbidden', {'errors': [{'code': 'DENIED', 'message': 'not you'}]}),
    'manifest-404': lambda v: v.json('404 Not Found', {'errors': [{'code': 'MANIFEST_UNKNOWN', 'message': 'manifest unknown'}]}),
    'manifest-500': lambda v: v.answer('500 Oh no', b'x' * 1000000),
    'manifest-503': lambda v: v.answer('503 Busy', b'', 'Retry-After: 0'),
    'manifest-429': lambda v: v.answer('429 Slowly', b'', 'Retry-After: 86400'),
    'manifest-teapot': lambda v: v.answer('418 I am a teapot', b'short and stout'),
    'manifest-401': lambda v: v.answer('401 Who', b'', challenge(v, 'token')),
    'manifest-401-basic': lambda v: v.answer('401 Who', b'', 'WWW-Authenticate: Basic realm="x"'),
    'manifest-401-none': lambda v: v.answer('401 Who'),
    'manifest-401-broken': lambda v: v.answer('401 Who', b'', 'WWW-Authenticate: Bearer realm="x'),
    'manifest-401-hang': lambda v: v.answer('401 Who', b'', challenge(v, 'token-hang')),
    'manifest-401-endless': lambda v: v.answer('401 Who', b'', challenge(v, 'token-endless')),
    'manifest-401-page': lambda v: v.answer('401 Who', b'', challenge(v, 'token-page')),
    'manifest-401-circle': lambda v: v.answer('401 Who', b'', challenge(v, 'token-circle')),
    'manifest-401-denied': lambda v: v.answer('401 Who', b'', challenge(v, 'token-denied')),
    'manifest-401-newline': lambda v: v.answer('401 Who', b'', challenge(v, 'token-newline')),
    'manifest-401-far': lambda v: v.answer('401 Who', b'', 'WWW-Authenticate: Bearer realm="http://192.0.2.1/token"'),
    'manifest-401-file': lambda v: v.answer('401 Who', b'', 'WWW-Authenticate: Bearer realm="file:///etc/passwd"'),
}


# ---- blobs gone wrong ---------------------------------------------------------------------------------------------

def wanted(v, data):
    """The part that Range asks for: where it begins, or None."""
    text = v.headers.get('range', '')
    return int(text[6:-1]) if text.startswith('bytes=') and text.endswith('-') else None


def send_blob(v, data, limit=None, ranges=True):
    """Up to limit bytes of it, from where it was asked for; then the connection breaks."""
    start = wanted(v, data) if ranges else None
    if start is not None and start >= len(data):
        v.answer('416 No', b'', 'Content-Range: bytes */%d' % len(data))
        return
    if start is None:
        start = 0
        v.head('200 OK', 'Content-Length: %d' % len(data))
    else:
        v.head('206 Part', 'Content-Length: %d' % (len(data) - start),
               'Content-Range: bytes %d-%d/%d' % (start, len(data) - 1, len(data)))
    if v.method == 'HEAD':
        return
    v.send(data[start:start + limit] if limit else data[start:])
    if limit and start + limit < len(data):
        time.sleep(0.05)     # what has been sent should come before the reset
        v.reset()


def blob_hang(v, data):
    v.head('200 OK', 'Content-Length: %d' % len(data))
    v.send(data[:STEP // 2])
    v.hang()


def blob_drip(v, data):
    v.head('200 OK', 'Content-Length: %d' % len(data))
    v.drip(data[:1])


def blob_endless(v, data):
    v.head('200 OK', 'Transfer-Encoding: chunked')
    v.endless(data[:65536])


def blob_close(v, data):
    v.head('200 OK')
    v.send(data[:STEP // 2])


def blob_gzip(v, data):
    packed = gzip.compress(data)
    v.answer('200 OK', packed, 'Content-Encoding: gzip')


def blob_range(v, data):
    """Breaks at first, and then sends another part than was asked for."""
    start = wanted(v, data)
    if start is None:
        send_blob(v, data, STEP)
    else:
        v.answer('206 Part', data, 'Content-Range: bytes 0-%d/%d' % (len(data) - 1, len(data)))


def blob_part(v, data):
    v.answer('206 Part', data[:100], 'Content-Range: nonsense')


def blob_once(v, data):
    """Every first connection breaks; it knows nothing of ranges."""
    send_blob(v, data, STEP // 2 if v.count(v.target) % 2 else None, ranges=False)


def blob_token(v, data):
    """Tokens run out while it is fetched."""
    if v.count(v.target) % 2:
        v.answer('401 Who', b'', challenge(v, 'token'))
    else:
        send_blob(v, data)


def flip(data):
    return data[:len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1:]


bad_blobs = {
    'blob-hang': lambda v, d: v.hang(),
    'blob-half': blob_hang,
    'blob-drip': blob_drip,
    'blob-reset': lambda v, d: v.reset(),
    'blob-broken': lambda v, d: send_blob(v, d, 1000, ranges=False),
    'blob-resume': lambda v, d: send_blob(v, d, STEP),
    'blob-once': blob_once,
    'blob-close': blob_close,
    'blob-endless': blob_endless,
    'blob-short': lambda v, d: v.answer('200 OK', d[:-1000]),
    'blob-long': lambda v, d: v.answer('200 OK', d + bytes(1000)),
    'blob-wrong': lambda v, d: v.answer('200 OK', flip(d)),
    'blob-gzip': blob_gzip,
    'blob-bomb': lambda v, d: v.answer('200 OK', bomb, 'Content-Encoding: gzip'),
    'blob-page': lambda v, d: v.answer('200 OK', b'<html>Log in', 'Content-Type: text/html'),
    'blob-range': blob_range,
    'blob-part': blob_part,
    'blob-404': lambda v, d: v.json('404 Not Found', {'errors': [{'code': 'BLOB_UNKNOWN', 'message': 'gone'}]}),
    'blob-500': lambda v, d: v.answer('500 Oh no'),
    'blob-416': lambda v, d: v.answer('416 No'),
    'blob-circle': redirect(lambda v: v.target),
    'blob-elsewhere': lambda v, d: v.answer('307 There', b'', 'Location: %s%s' % (v.base('store'), v.target)),
    'blob-token': blob_token,
    # Slow enough to be killed at any moment of it.
    'blob-slow': lambda v, d: slow(v, d),
}


def slow(v, data):
    start = wanted(v, data) or 0
    v.head('206 Part' if start else '200 OK', 'Content-Length: %d' % (len(data) - start),
           *(['Content-Range: bytes %d-%d/%d' % (start, len(data) - 1, len(data))] if start else []))
    for at in range(start, len(data), 20000):
        v.send(data[at:at + 20000])
        time.sleep(0.004)


# ---- pushes gone wrong --------------------------------------------------------------------------------------------

uploads = {}     # what has come of each


def upload_keep(v, name, ident):
    """A good registry's answers to an upload, kept in memory."""
    at = '/v2/%s/blobs/uploads/%s' % (name, ident)
    got = uploads.setdefault(ident, b'')
    if v.method == 'GET':
        v.answer('204 None', b'', 'Range: 0-%d' % max(len(got) - 1, 0), 'Location: ' + at)
        return
    start = v.headers.get('content-range', '0-').split('-')[0]
    if v.method == 'PATCH' and int(start) != len(got):
        v.answer('416 No', b'', 'Range: 0-%d' % max(len(got) - 1, 0), 'Location: ' + at)
        return
    uploads[ident] = got + v.body()
    if v.method == 'PATCH':
        v.answer('202 More', b'', 'Location: ' + at)
        return
    want = v.target.split('digest=')[1].replace('%3a', ':').replace('%3A', ':')
    whole = digest(uploads[ident]) == want
    with lock:
        log.write('%s uploaded %s\n' % (name, 'whole' if whole else 'broken'))
        if whole:
            pushed.setdefault(name, set()).add(want)
    v.answer('201 Kept' if whole else '400 Broken')


pushed = {}


def upload_break(v, name, ident):
    """The first request of each upload that has a body breaks off in the middle of it."""
    size = int(v.headers.get('content-length', 0))
    if size and v.count('break' + ident) == 1:
        uploads[ident] = uploads.get(ident, b'') + v.body(size // 2)
        v.reset()
    upload_keep(v, name, ident)


def upload_lose(v, name, ident):
    """What has come is whole, but the answer is lost."""
    upload_keep(Silent(v), name, ident)
    v.reset()


class Silent:
    def __init__(self, v):
        self.v = v

    def __getattr__(self, name):
        return getattr(self.v, name)

    def answer(self, *more):
        pass


bad_uploads = {
    'push-good': upload_keep,
    'push-break': upload_break,
    'push-lose': upload_lose,
    'push-swallow': lambda v, name, ident: (v.body(), v.hang()),
    'push-busy': lambda v, name, ident: (v.body(), v.answer('503 Busy', b'', 'Retry-After: 0')),
    'push-large': lambda v, name, ident: (v.body(), v.json('413 Too much', {'errors': [{'code': 'SIZE_INVALID', 'message': 'too large'}]})),
    'push-forget': lambda v, name, ident: (v.body(), v.answer('404 What')),
    'push-404': lambda v, name, ident: (v.body(), v.answer('404 What')),
}

bad_starts = {
    'push-hang': lambda v: v.hang(),
    'push-nowhere': lambda v: v.answer('202 Go on'),
    'push-file': lambda v: v.answer('202 Go on', b'', 'Location: file:///etc/passwd'),
    'push-plain': lambda v: v.answer('202 Go on', b'', 'Location: http://192.0.2.1/upload'),
    'push-refuse': lambda v: v.json('403 No', {'errors': [{'code': 'DENIED', 'message': 'read only'}]}),
    'push-mount': lambda v: v.answer('201 Mounted'),
}


def push(v, name, kind, what):
    if kind == 'manifests':
        lie = digest(b'') if name == 'push-digest' else digest(v.body())
        v.answer('201 Kept', b'', 'Docker-Content-Digest: ' + lie)
    elif v.method == 'HEAD':
        v.answer('200 Here' if what in pushed.get(name, ()) else '404 Not here')
    elif v.method == 'POST' and name in bad_starts:
        bad_starts[name](v)
    elif v.method == 'POST':
        v.answer('202 Go on', b'', 'Location: /v2/%s/blobs/uploads/%d' % (name, v.count('upload')))
    else:
        bad_uploads.get(name, upload_keep)(v, name, what.split('/')[-1].split('?')[0])


# ---- what goes wrong before there is a repository ------------------------------------------------------------------

def main(v):
    if v.target == '/v2/':
        v.json('200 OK', {}, 'Docker-Distribution-Api-Version: registry/2.0')
        return
    _, _, name, kind, what = v.target.split('?')[0].split('/', 4)
    if name.startswith('push-'):
        push(v, name, kind, what)
    elif kind == 'manifests' and name in manifests:
        manifests[name](v)
    elif kind == 'manifests':
        # The second question, by digest, is for what an index has named.
        named = {digest(d): d for d in (manifest, good_index)}
        send_manifest(v, named.get(what, documents.get(name, manifest))
                      if what.startswith('sha256:') else documents.get(name, manifest))
    elif kind == 'blobs' and what in blobs:
        data = blobs[what]
        # The configuration comes well, so that layers can go wrong.
        if name in bad_blobs and data is not config:
            bad = bad_blobs[name]
            bad(v, data) if bad.__code__.co_argcount == 2 else bad(v)
        else:
            send_blob(v, data)
    else:
        v.answer('404 Not Found')


def store(v):
    send_blob(v, blobs[v.target.split('/')[-1]])


def password(v):
    """A registry that knows one password, and sends for its blobs to another server."""
    right = 'Basic ' + base64.b64encode(b'user:secret').decode()
    if v.headers.get('authorization') != right:
        v.answer('401 Who', b'', 'WWW-Authenticate: Basic realm="password"')
    elif '/blobs/' in v.target:
        v.answer('307 There', b'', 'Location: %s%s' % (v.base('store'), v.target))
    else:
        main(v)


def bearer(v):
    """A registry that takes only the token of its token server for just this repository."""
    name = v.target.split('/')[2]
    if v.headers.get('authorization') != 'Bearer for-repository:%s:pull' % name:
        v.answer('401 Who', b'', 'WWW-Authenticate: Bearer realm="%s/token",service="a registry"' % v.base('bearer-token'))
    elif v.target == '/v2/':
        v.answer('200 OK')
    else:
        main(v)


def bearer_token(v):
    """Knows one user by name and password, and the refresh token that stands for another."""
    right = 'Basic ' + base64.b64encode(b'user:secret').decode()
    query = dict(urllib.parse.parse_qsl(v.target.partition('?')[2]))
    if v.method == 'POST':
        query = dict(urllib.parse.parse_qsl(v.body().decode()))
    if query.get('service') != 'a registry':
        v.json('400 No', {'details': 'what service?'})
    elif v.headers.get('authorization') == right or query.get('refresh_token') == 'refresh&me':
        v.json('200 OK', {'access_token': 'for-' + query['scope'], 'expires_in': 300})
    else:
        v.json('401 No', {'details': 'incorrect username or password'})


def token_body(v, text):
    v.answer('200 OK', text, 'Content-Type: application/json')


def token_endless(v):
    v.head('200 OK', 'Transfer-Encoding: chunked')
    v.endless(b' ' * 65536)


def ping_endless(v):
    v.head('200 OK', 'Transfer-Encoding: chunked')
    v.endless(b'x' * 65536)


PORTS = {
    'main': main,
    'store': store,
    'password': password,
    'bearer': bearer,
    'bearer-token': bearer_token,
    'token': lambda v: token_body(v, b'{"token":"abc","expires_in":300}'),
    'token-hang': lambda v: v.hang(),
    'token-endless': token_endless,
    'token-page': lambda v: v.answer('200 OK', b'<html>', 'Content-Type: text/html'),
    'token-circle': redirect(lambda v: v.target),
    'token-denied': lambda v: v.json('401 No', {'details': 'incorrect username or password'}),
    'token-newline': lambda v: token_body(v, b'{"token":"abc\\r\\nX-Evil: 1"}'),
    'ping-hang': lambda v: v.hang(),
    'ping-close': lambda v: None,
    'ping-reset': lambda v: v.reset(),
    'ping-404': lambda v: v.answer('404 Not Found', b'<html>nothing here'),
    'ping-page': lambda v: v.answer('302 Found', b'', 'Location: /login'),
    'ping-garbage': lambda v: v.send(b'220 mail.example ESMTP\r\n' * 100),
    'ping-endless': ping_endless,
    'ping-negotiate': lambda v: v.answer('401 Who', b'', 'WWW-Authenticate: Negotiate'),
    'ping-broken': lambda v: v.answer('401 Who', b'', 'WWW-Authenticate: Bearer realm=a realm=b'),
    'ping-500': lambda v: v.answer('500 Oh no'),
}


def serve(sock, port, handler):
    visit = Visit(sock, port)
    try:
        visit.read()
        handler(visit)
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(2)
        while sock.recv(65536):      # so that what was sent is not lost in a reset
            pass
    except (Gone, OSError, ValueError, KeyError):
        pass
    finally:
        sock.close()


def listen(port, handler):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(('127.0.0.1', 0))
    server.listen(64)
    ports[port] = server.getsockname()[1]

    def accept():
        while True:
            sock, _ = server.accept()
            threading.Thread(target=serve, args=(sock, port, handler), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


for each, what in PORTS.items():
    listen(each, what)
with open(os.path.join(DIR, 'ports.new'), 'w') as out:
    for each, number in ports.items():
        out.write('%s %d\n' % (each, number))
os.rename(os.path.join(DIR, 'ports.new'), os.path.join(DIR, 'ports'))
while True:
    time.sleep(1000)
