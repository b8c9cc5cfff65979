"""Runs inside the sandbox, around one program. Nothing here is trusted by the server: the program may kill or change it.

Standard input: four bytes of length and an order as JSON, eight bytes of length and a tar of what belongs below WORK.
Its end means: stop. Standard output: what the programs print. Descriptor 3: "ready", "exit CODE", then a tar of the results.
"""

import io
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import tarfile
import threading

WORK = "/job"
RELAY_SOCKET = "/run/bty/relay"
RESULT = 3
SAYS_MOST = ("report.html", "task.state", "config.orig", "task.orig")


def read_exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise EOFError("the order ended early")
    return data


def read_order(stream):
    (size,) = struct.unpack(">I", read_exactly(stream, 4))
    order = json.loads(read_exactly(stream, size))
    (size,) = struct.unpack(">Q", read_exactly(stream, 8))
    # What the server packs has regular files only; newer Pythons want to hear which rules hold.
    rules = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(fileobj=io.BytesIO(read_exactly(stream, size))) as archive:
        archive.extractall(WORK, **rules)
    os.makedirs(os.path.join(WORK, "home"), exist_ok=True)
    return order


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone: so is the other.
        for end in (source, target):
            end.close()


def relay(listener):
    while True:
        inner, _ = listener.accept()
        outer = socket.socket(socket.AF_UNIX)
        try:
            outer.connect(RELAY_SOCKET)
        except OSError:
            inner.close()
            outer.close()
            continue
        for source, target in ((inner, outer), (outer, inner)):
            threading.Thread(target=pump, args=(source, target), daemon=True).start()


def start_relay(port):
    listener = socket.create_server(("127.0.0.1", port), backlog=16)
    threading.Thread(target=relay, args=(listener,), daemon=True).start()


def kill_everything():
    """All processes of this namespace but this one and its init."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Stop:
    """Becomes true when the server closes our standard input; whatever runs then is killed."""

    def __init__(self, stream):
        self.asked = False
        threading.Thread(target=self.watch, args=(stream,), daemon=True).start()

    def watch(self, stream):
        stream.read()
        self.asked = True
        kill_everything()


def run(argv, order):
    """Runs a program and passes on what it prints, through a pipe so that /dev/stdout can be opened; returns its code."""
    read_end, write_end = os.pipe()
    try:
        child = subprocess.Popen(
            argv,
            cwd=os.path.join(WORK, order["cwd"]),
            stdin=subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
            start_new_session=True,
        )
    finally:
        os.close(write_end)

    def copy():
        while data := os.read(read_end, 65536):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    copier = threading.Thread(target=copy, daemon=True)
    copier.start()
    code = child.wait()
    # What it left running holds the pipe open, and would go on after it.
    kill_everything()
    copier.join()
    os.close(read_end)
    return code if code >= 0 else 128 - code


def results(folder):
    """Regular files below the folder with their names and sizes: what says most first, then the small ones."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                found.append((os.path.relpath(path, folder), status.st_size))
    return sorted(found, key=lambda entry: (entry[0] not in SAYS_MOST, entry[1], entry[0]))


def send_results(order, out):
    folder = os.path.join(WORK, order["output"])
    room, left_out, taken = order["max_bytes"], [], 0
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name, size in results(folder):
            if size > room or taken >= order["max_files"] or not name.isprintable():
                left_out.append(f"{name!a} ({size} bytes)\n")
                continue
            room, taken = room - size, taken + 1
            archive.add(os.path.join(folder, name), arcname=name, recursive=False)
        if left_out:
            note = "".join(left_out[:1000]).encode()
            entry = tarfile.TarInfo("left-out.txt")
            entry.size = len(note)
            archive.addfile(entry, io.BytesIO(note))


def main():
    order = read_order(sys.stdin.buffer)
    if order["relay_port"]:
        start_relay(order["relay_port"])
    out = os.fdopen(RESULT, "wb")
    out.write(b"ready\n")
    out.flush()
    stop = Stop(sys.stdin.buffer)
    code = run(order["argv"], order)
    if stop.asked and order["after_stop"]:
        run(order["after_stop"], order)
    out.write(b"exit %d\n" % code)
    if order["output"]:
        send_results(order, out)
    out.close()
    # The relay's threads must not hold us.
    os._exit(0)


main()
