"""What the gateway's tests share: the gateway, the mock engine, an engine that answers with bytes of
the test's choosing, and requests as bytes."""
import json
import pathlib
import re
import socket
import struct
import threading

from harness import BINARY, Process, free_port, http_request, wait_until

PROMPT = {"model": "mock", "messages": [{"role": "user", "content": "hello there"}]}


class Engine(Process):
    def __init__(self, directory, *arguments, name="engine"):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__([BINARY, "mock-engine", f"--listen=127.0.0.1:{self.port}", *arguments],
                         directory, name)
        wait_until(lambda: http_request(f"{self.url}/health").status == 200, "the mock engine")

    def metric(self, name):
        text = http_request(f"{self.url}/metrics").body.decode()
        return int(re.search(rf"^{name}{{.*}} (\d+)$", text, re.M).group(1))


class Gateway(Process):
    def __init__(self, directory, upstreams, extra="", name="gateway"):
        self.directory = pathlib.Path(directory)
        self.port, self.web = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = self.directory / f"{name}.yml"
        self.write_config(upstreams, extra)
        super().__init__([BINARY, "gateway", f"--config={self.config}",
                          f"--listen=127.0.0.1:{self.port}",
                          f"--web.listen-address=127.0.0.1:{self.web}", "--drain=10s"],
                         directory, name)
        wait_until(self.is_ready, "the gateway")

    def write_config(self, upstreams, extra=""):
        lines = ["gateway:", "  upstreams:"]
        for upstream in upstreams:
            lines.append("  - " + json.dumps(upstream))
        self.config.write_text("\n".join(lines) + "\n" + extra)

    def is_ready(self):
        if not self.running():
            raise AssertionError(f"the gateway ended:\n{self.log()[-3000:]}")
        return http_request(f"http://127.0.0.1:{self.web}/-/ready").status == 200

    def series(self, name, **labels):
        """The sum of the series of that name that have these labels."""
        text = http_request(f"http://127.0.0.1:{self.web}/metrics").body.decode()
        total, found = 0.0, False
        for line in text.splitlines():
            match = re.match(rf"{name}(?:{{(.*)}})? (\S+)$", line)
            if match is None:
                continue
            have = dict(re.findall(r'(\w+)="([^"]*)"', match.group(1) or ""))
            if all(have.get(key) == value for key, value in labels.items()):
                total, found = total + float(match.group(2)), True
        return total if found else None


def raw(port, request, timeout=20, half_close=False):
    """All bytes that the server sends until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(request)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def post(path, body, headers=(), version="1.1", close=True):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/{version}", "Host: test", "Content-Type: application/json",
             f"Content-Length: {len(data)}", *headers]
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def body_of(answer):
    """The payload of an HTTP answer, chunks undone."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    payload = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return payload
        payload, body = payload + body[:length], body[length + 2:]
    return payload + b"<cut>"


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer else 0


class Client:
    """A connection that is kept: one request after the other."""

    def __init__(self, port, wrap=None, timeout=20):
        connection = socket.create_connection(("127.0.0.1", port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = wrap(connection) if wrap else connection
        self.have = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def send(self, request):
        self.connection.sendall(request)

    def more(self):
        """False at the end of the connection, however it came."""
        try:
            piece = self.connection.recv(1 << 16)
        except ConnectionResetError:
            return False
        self.have += piece
        return bool(piece)

    def take(self, size):
        while len(self.have) < size:
            if not self.more():
                raise EOFError(self.have)
        taken, self.have = self.have[:size], self.have[size:]
        return taken

    def take_line(self, end=b"\r\n"):
        while end not in self.have:
            if not self.more():
                raise EOFError(self.have)
        line, _, self.have = self.have.partition(end)
        return line

    def read_head(self):
        """(status, {name: value})"""
        lines = self.take_line(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        return int(lines[0].split(" ")[1]), fields

    def read_chunk(self):
        size = int(self.take_line(), 16)
        chunk = self.take(size)
        self.take(2)
        return chunk

    def read_body(self, fields):
        """The payload; EOFError when it breaks off."""
        if "chunked" in fields.get("transfer-encoding", ""):
            body = b""
            while chunk := self.read_chunk():
                body += chunk
            return body
        if "content-length" in fields:
            return self.take(int(fields["content-length"]))
        while self.more():
            pass
        body, self.have = self.have, b""
        return body

    def ask(self, request):
        """(status, payload)"""
        self.send(request)
        status, fields = self.read_head()
        return status, self.read_body(fields)


class ScriptedEngine:
    """A server that answers a request with the pieces that `answer(head, body)` yields, each sent on
    its own. A piece may be bytes, a number of seconds to wait, or one of CLOSE and RESET."""
    CLOSE, RESET = "close", "reset"

    def __init__(self, answer, wrap=None):
        self.answer, self.wrap = answer, wrap
        self.requests = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.wrap:
                connection = self.wrap(connection)
            while self.serve_one(connection):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def serve_one(self, connection):
        have = b""
        while b"\r\n\r\n" not in have:
            piece = connection.recv(1 << 16)
            if not piece:
                return False
            have += piece
        head, _, body = have.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        while length and len(body) < int(length.group(1)):
            body += connection.recv(1 << 16)
        if head.startswith(b"GET /metrics"):  # how busy it is, it does not say
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return True
        self.requests += 1
        for piece in self.answer(head, body):
            if piece == self.CLOSE:
                return False
            if piece == self.RESET:  # closing with SO_LINGER of 0 sends RST
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            if isinstance(piece, bytes):
                connection.sendall(piece)
            else:
                threading.Event().wait(piece)
        return True


def header(head, name):
    """A field's value in a head of bytes, or None."""
    found = re.search(rb"(?im)^" + name.encode() + rb": *(.*?)\r?$", head)
    return found.group(1).decode() if found else None
