"""Stand-ins on loopback for the services that notifications go to: they keep what they are sent, and
fail as they are told to."""
import http.server
import json
import socket
import ssl
import threading
import urllib.parse


class FakeProvider:
    """Answers any request as `answer(request)` says: (status, headers, body), "hang" or "reset"."""

    def __init__(self, answer=None, context=None):
        provider = self
        self.answer = answer or (lambda request: (200, {}, b"ok"))
        self.requests, self.lock = [], threading.Lock()
        self.ending = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                request = {"method": self.command, "path": self.path,
                           "headers": dict(self.headers.items()), "body": self.rfile.read(length)}
                with provider.lock:
                    provider.requests.append(request)
                answer = provider.answer(request)
                if answer == "hang":
                    provider.ending.wait(60)
                    return
                if answer == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                               b"\x01\x00\x00\x00\x00\x00\x00\x00")
                    self.connection.close()
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024  # storms come at once

            def handle_error(self, *_):
                pass  # resets are what they are here for

        self.server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()

    def told(self, path=""):
        """The requests whose path begins so, with `json` or `form` where the body is one."""
        with self.lock:
            taken = [dict(request) for request in self.requests
                     if request["path"].startswith(path)]
        for request in taken:
            kind = request["headers"].get("Content-Type", "")
            if "json" in kind:
                request["json"] = json.loads(request["body"])
            elif "form" in kind:
                request["form"] = dict(urllib.parse.parse_qsl(request["body"].decode()))
        return taken


class FakeSmtp:
    """A mail server: EHLO, STARTTLS when it has a certificate, AUTH, one message after another.
    `refuse` maps a command to the answer that it gets instead."""

    def __init__(self, context=None, implicit=False, mechanisms="PLAIN LOGIN", refuse=None):
        self.context, self.implicit, self.mechanisms = context, implicit, mechanisms
        self.refuse = refuse or {}
        self.mails, self.lock = [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        try:
            if self.implicit:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.converse(connection)
        except (OSError, ssl.SSLError):
            pass
        finally:
            connection.close()

    def converse(self, connection):
        mail = {"commands": [], "tls": self.implicit, "to": [], "data": ""}
        lines = connection.makefile("rb")

        def say(text):
            connection.sendall(text.encode() + b"\r\n")

        def hear():
            line = lines.readline()
            if not line:
                raise OSError("gone")
            text = line.decode().rstrip("\r\n")
            mail["commands"].append(text)
            return text

        say("220 fake ESMTP")
        while True:
            command = hear()
            word = command.split()[0].upper() if command else ""
            if word in self.refuse:
                say(self.refuse[word])
            elif word == "EHLO":
                say("250-fake")
                if self.context is not None and not mail["tls"]:
                    say("250-STARTTLS")
                say(f"250-AUTH {self.mechanisms}")
                say("250 8BITMIME")
            elif word == "STARTTLS":
                say("220 go on")
                connection = self.context.wrap_socket(connection, server_side=True)
                lines = connection.makefile("rb")
                mail["tls"] = True
            elif word == "AUTH":
                mail["auth"] = self.authenticate(command, say, hear)
                say("235 welcome")
            elif word == "MAIL":
                mail["from"] = command
                say("250 ok")
            elif word == "RCPT":
                mail["to"].append(command)
                say("250 ok")
            elif word == "DATA":
                say("354 go on")
                data = []
                while (line := lines.readline()) != b".\r\n":
                    if not line:
                        raise OSError("gone")
                    data.append(line[1:] if line.startswith(b"..") else line)
                mail["data"] = b"".join(data).decode()
                with self.lock:
                    self.mails.append(mail)
                say("250 queued as 1")
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("502 what?")

    @staticmethod
    def authenticate(command, say, hear):
        words = command.split()
        mechanism = words[1].upper()
        if mechanism == "PLAIN":
            return mechanism, words[2]
        if mechanism == "LOGIN":
            say("334 VXNlcm5hbWU6")
            user = hear()
            say("334 UGFzc3dvcmQ6")
            return mechanism, user, hear()
        say("334 PDEyM0BmYWtlPg==")  # <123@fake>
        return mechanism, hear()

    def told(self):
        with self.lock:
            return list(self.mails)
