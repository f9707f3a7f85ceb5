#!/usr/bin/env python3
"""tree.py DIR: a line for each entry beneath it, with all that an image says of it."""
import hashlib, os, stat, sys

top = os.fsencode(sys.argv[1])
inodes = {}


def show(path, name):
    st = os.lstat(path)
    what = [repr(name), oct(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns // 10**9]
    if stat.S_ISREG(st.st_mode):
        with open(path, 'rb') as f:
            what += [st.st_size, hashlib.sha256(f.read()).hexdigest()]
        if st.st_nlink > 1:
            what.append('same as ' + repr(inodes.setdefault((st.st_dev, st.st_ino), name)))
    elif stat.S_ISLNK(st.st_mode):
        what.append(os.readlink(path))
    elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        what.append((os.major(st.st_rdev), os.minor(st.st_rdev)))
    if not stat.S_ISLNK(st.st_mode):
        what += [(a, os.getxattr(path, a)) for a in sorted(os.listxattr(path)) if 'overlay' not in a]
    print(*what)


def walk(path, name):
    show(path, name)
    if stat.S_ISDIR(os.lstat(path).st_mode):
        for child in sorted(os.listdir(path)):
            walk(path + b'/' + child, name + b'/' + child)


walk(top, b'.')
