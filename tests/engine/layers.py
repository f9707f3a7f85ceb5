#!/usr/bin/env python3
"""Makes OCI layouts for the tests of images: layers.py KIND DIR. Legal ones, and ones that are meant to be refused."""
import gzip, hashlib, io, json, os, sys, tarfile, time


def entry(name, kind=tarfile.REGTYPE, data=b'', **more):
    e = tarfile.TarInfo(name)
    e.type, e.size, e.mtime, e.mode = kind, len(data), 1600000000, 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in more.items():
        setattr(e, key, value)
    return e, data


def tar(*entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=form, encoding='utf-8', errors='surrogateescape') as t:
        for e, data in entries:
            t.addfile(e, io.BytesIO(data))
    return out.getvalue()


def directory(name, **more):
    return entry(name, tarfile.DIRTYPE, **more)


def link(name, target, kind=tarfile.SYMTYPE, **more):
    return entry(name, kind, linkname=target, **more)


class Layout:
    def __init__(self, path):
        self.path = path
        os.makedirs(path + '/blobs/sha256')
        with open(path + '/oci-layout', 'w') as f:
            f.write('{"imageLayoutVersion":"1.0.0"}')

    def put(self, data):
        digest = hashlib.sha256(data).hexdigest()
        with open(f'{self.path}/blobs/sha256/{digest}', 'wb') as f:
            f.write(data)
        return {'digest': 'sha256:' + digest, 'size': len(data)}

    def put_json(self, value):
        return self.put(json.dumps(value).encode())

    def manifest(self, tars, packed=None, diff_ids=None, **more):
        ids = diff_ids or ['sha256:' + hashlib.sha256(t).hexdigest() for t in tars]
        config = self.put_json({'architecture': 'amd64', 'os': 'linux', 'config': {},
                                'rootfs': {'type': 'layers', 'diff_ids': ids}})
        blobs = packed or [gzip.compress(t, 1, mtime=0) for t in tars]
        layers = [dict(self.put(b), mediaType='application/vnd.oci.image.layer.v1.tar+gzip') for b in blobs]
        manifest = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
                    'config': dict(config, mediaType='application/vnd.oci.image.config.v1+json'), 'layers': layers}
        manifest.update(more)
        return dict(self.put_json(manifest), mediaType='application/vnd.oci.image.manifest.v1+json')

    def index(self, *entries):
        for e in entries:
            e.setdefault('annotations', {'org.opencontainers.image.ref.name': 'latest'})
        with open(self.path + '/index.json', 'w') as f:
            json.dump({'schemaVersion': 2, 'manifests': list(entries)}, f)

    def image(self, *tars, **more):
        self.index(self.manifest(list(tars), **more))


SPARSE = (b'a' * 4096, 8 << 20)


def names():
    long = '/'.join(['x' * 200] * 5)
    return [directory('./'), directory('n'), entry('n/new\nline', data=b'1'), entry('n/sp ace', data=b'2'),
            entry('n/\udcff\udcfe', data=b'3'), entry('n/a\u0308', data=b'4'), entry('n/\u00e4', data=b'5'),
            entry('n/-rf', data=b'6'), entry('n/\\', data=b'7'), entry(long + '/' + 'y' * 255, data=b'8'),
            link('n/dangling', '/no/' + 'w' * 900), entry('n/empty')]


def kinds():
    x = {'SCHILY.xattr.user.one': 'value', 'SCHILY.xattr.user.two': 'v' * 300}
    return [directory('.', mode=0o751, mtime=1234567890), directory('late', mtime=1111111111), entry('late/f', data=b'x'),
            entry('setuid', data=b's', mode=0o4755, uid=12, gid=34), directory('sticky', mode=0o1777, uid=99),
            directory('setgid', mode=0o2775, gid=7), entry('xattr', data=b'x', pax_headers=x),
            entry('zero', mode=0), entry('big', data=b'0123456789' * 300000),
            link('hard', 'xattr', tarfile.LNKTYPE), link('late/hard', './setuid', tarfile.LNKTYPE),
            link('sym', '../../../etc/passwd', uid=5, gid=6), link('d', 'late'), entry('d/through', data=b't'),
            entry('fifo', tarfile.FIFOTYPE, mode=0o600), entry('null', tarfile.CHRTYPE, devmajor=1, devminor=3),
            entry('loop', tarfile.BLKTYPE, devmajor=7, devminor=0), entry('old', data=b'o', mtime=0),
            entry('frac', data=b'f', mtime=1500000000.25), entry('twice', data=b'1'), entry('twice', data=b'second'),
            entry('as', data=b'f'), directory('as'), entry('as/dir', data=b'd')]


def layered():
    one = tar(directory('a'), entry('a/1', data=b'1'), entry('a/2', data=b'2'), directory('b'), entry('b/1', data=b'1'),
              directory('c'), entry('c/1', data=b'1'), entry('f', data=b'f'), link('l', 'a'), directory('e'), entry('e/x', data=b'x'))
    two = tar(directory('a'), entry('a/.wh.1'), directory('b'), entry('b/.wh..wh..opq'), entry('b/2', data=b'2'),
              entry('.wh.c'), directory('e'), entry('e/x', data=b'new', mode=0o600, uid=3))
    three = tar(directory('c'), entry('c/3', data=b'3'), entry('.wh.f'), directory('g'),
                entry('.wh.l'), directory('l'), entry('l/is-a-directory', data=b'y'))
    return [one, two, three]


def gnu_sparse(path):
    """One by GNU tar, which is what writes such in the world."""
    name = path + '.sparse'
    os.makedirs(name)
    with open(name + '/s', 'wb') as f:
        f.seek(SPARSE[1])
        f.write(SPARSE[0])
        f.truncate(2 * SPARSE[1])
    os.utime(name + '/s', (1600000000, 1600000000))
    data = os.popen(f'tar -C {name} --sparse --format=pax -c s').buffer.read()
    os.remove(name + '/s')
    os.rmdir(name)
    return data


def bad(kind, path):
    l, fine = Layout(path), tar(directory('a'), entry('a/' + kind, data=os.urandom(5000)))
    up = {'dotdot': [entry('../x', data=b'!')], 'absolute-dotdot': [entry('/a/../../x')],
          'whiteout-dotdot': [entry('.wh...')], 'whiteout-nothing': [entry('.wh.')],
          'top-link': [link('./', '/etc')], 'zero-device': [entry('w', tarfile.CHRTYPE)],
          'long-name': [entry('/'.join(['n' * 240] * 18))], 'deep': [entry('/'.join(['d'] * 1500))],
          'hard-outside': [link('h', '../../etc/passwd', tarfile.LNKTYPE)],
          'hard-missing': [link('h', 'nowhere', tarfile.LNKTYPE)],
          'hard-directory': [directory('d'), link('h', 'd', tarfile.LNKTYPE)]}
    if kind in up:
        l.image(tar(*up[kind]))
    elif kind == 'truncated':
        l.image(fine, packed=[gzip.compress(os.urandom(99999), mtime=0)[:-5000]])
    elif kind == 'truncated-tar':
        l.image(fine[:3000], packed=[gzip.compress(fine[:3000])])
    elif kind == 'mislabelled':
        l.image(fine, packed=[b'this is no archive at all' * 100])
    elif kind == 'corrupt':
        blob = bytearray(gzip.compress(fine, mtime=0))
        blob[40] ^= 255
        l.image(fine, packed=[bytes(blob)])
    elif kind == 'diff-id':
        l.image(fine, diff_ids=['sha256:' + 'a' * 64])
    elif kind == 'digest':
        m = l.manifest([fine])
        for name in os.listdir(path + '/blobs/sha256'):
            p = f'{path}/blobs/sha256/{name}'
            if os.path.getsize(p) < 400 and name not in m['digest']:
                with open(p, 'ab') as f:
                    f.write(b' ')
        l.index(m)
    elif kind == 'other-architecture':
        m = l.manifest([fine])
        i = l.put_json({'schemaVersion': 2, 'manifests': [dict(m, platform={'os': 'linux', 'architecture': a})
                                                          for a in ('s390x', 'mips')]})
        l.index(i)
    elif kind == 'nested':
        e = l.manifest([fine])
        for _ in range(6):
            e = l.put_json({'schemaVersion': 2, 'manifests': [e]})
        l.index(e)
    elif kind == 'many-layers':
        m = l.manifest([fine])
        text = json.load(open(f'{path}/blobs/sha256/{m["digest"][7:]}'))
        text['layers'] *= 10000
        l.index(l.put_json(text))
    elif kind == 'layer-count':
        l.image(fine, layers=[])
    elif kind == 'not-json':
        l.index(l.put(b'{"schemaVersion":2,'))
    elif kind == 'bomb':
        z = io.BytesIO()
        with gzip.GzipFile(fileobj=z, mode='wb', compresslevel=9, mtime=0) as g:
            e = entry('z')[0]
            e.size = 1 << 30
            g.write(e.tobuf())
            for _ in range(1024):
                g.write(bytes(1 << 20))
        l.image(fine, packed=[z.getvalue()])
    else:
        sys.exit('no such kind: ' + kind)


def main(kind, path):
    if kind == 'names':
        Layout(path).image(tar(*names()))
    elif kind == 'kinds':
        Layout(path).image(gnu_sparse(path), tar(*kinds()))
    elif kind == 'layered':
        Layout(path).image(*layered())
    elif kind == 'of':
        Layout(path).image(open(sys.argv[3], 'rb').read())
    else:
        bad(kind, path)


main(*sys.argv[1:3])
