"""aotc-run for many small packages on a GPU: processes that stay, so that a CUDA context is not made (0.2 s, one at a time on
a machine) for every run.

    python3 run_pool.py serve SOCKET N AOTC_RUN       starts N of `aotc-run --server` behind a socket, until terminated
    python3 run_pool.py SOCKET PACKAGE --inputs …     aotc-run in one of them: its errors and exit status

A process whose run fails gives way to a new one: a device error stays with its context.  One that dies gives its signal as
exit status 128 + n, as a shell does."""
import os
import socket
import sys


class Server:
    def __init__(self, program):
        import subprocess
        import tempfile

        self.errors = tempfile.TemporaryFile(buffering=0)
        self.process = subprocess.Popen([program, "--server"], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors)
        self.process.stdout.readline()  # ready

    def answer(self, line):
        """(exit status, errors) of one command line."""
        try:
            self.process.stdin.write(line)
            status = int(self.process.stdout.readline())
        except (ValueError, OSError):
            self.process.stdin.close()  # one that answered something else ends by that
            code = self.process.wait()
            status = 128 - code if code < 0 else code or 1
        self.errors.seek(0)  # the process writes where this file stands
        text = self.errors.read()
        self.errors.seek(0)
        self.errors.truncate()
        return status, text

    def close(self):
        self.process.kill()
        self.process.wait()


def serve(path, count, program):
    import queue
    import signal
    import threading

    idle = queue.Queue()
    for _ in range(count):
        idle.put(Server(program))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(256)

    def end(*_):
        os.unlink(path)
        os._exit(0)  # the servers read end of file and end

    signal.signal(signal.SIGTERM, end)

    def handle(connection):
        line = b""
        while not line.endswith(b"\n"):
            if not (more := connection.recv(1 << 16)):
                return
            line += more
        server = idle.get()
        status, errors = server.answer(line)
        if status:
            server.close()
            server = Server(program)
        idle.put(server)
        connection.sendall(b"%d\n" % status + errors)
        connection.close()

    while True:
        threading.Thread(target=handle, args=[listener.accept()[0]], daemon=True).start()


def ask(path, words):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    words = [os.path.abspath(w) if "/" in w else w for w in words]  # the pool may stand in another folder
    connection.sendall("\t".join(words).encode() + b"\n")
    answer = b""
    while more := connection.recv(1 << 16):
        answer += more
    status, _, errors = answer.partition(b"\n")
    sys.stderr.buffer.write(errors)
    return int(status or 1)


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]), sys.argv[4])
else:
    sys.exit(ask(sys.argv[1], sys.argv[2:]))
