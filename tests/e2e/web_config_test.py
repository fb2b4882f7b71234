"""web.yml: users, TLS, headers; read again when it changes."""
import base64
import pathlib
import ssl
import subprocess
import urllib.error
import urllib.request

from harness import (BINARY, EndToEndTest, Strata, free_port, http_request, main, need_program,
                     wait_until)


def hashed(password):
    return subprocess.run([BINARY, "hash-password"], input=password + "\n", capture_output=True,
                          text=True, check=True).stdout.strip()


def as_user(name, password):
    token = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


class WebConfig(EndToEndTest):
    def web_yml(self, text):
        path = pathlib.Path(self.directory) / "web.yml"
        path.write_text(text)
        return path

    def guarded(self, text, listen=None):
        """A server with that web.yml. It answers /-/ready to users only, so waiting is for 401."""
        port = free_port()
        arguments = [f"--web.config.file={self.web_yml(text)}"]
        if listen:
            arguments.append(f"--web.listen-address={listen}:{port}")
        strata = self.start(Strata(self.directory, port=port, arguments=arguments, wait=False))
        wait_until(lambda: http_request(strata.url + "/-/ready").status in (200, 401), "the server")
        return strata

    def test_users_get_in_and_others_do_not(self):
        strata = self.guarded(f"basic_auth_users:\n  ana: {hashed('secret')}\n"
                              "http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
        url = strata.url + "/api/v1/query?query=1"
        nobody = http_request(url)
        self.assertEqual(nobody.status, 401)
        self.assertEqual(nobody.headers["WWW-Authenticate"], "Basic")
        self.assertEqual(nobody.headers["X-Frame-Options"], "deny")
        for _ in range(2):  # computed, then remembered
            self.assertEqual(http_request(url, headers=as_user("ana", "secret")).status, 200)
            self.assertEqual(http_request(url, headers=as_user("ana", "wrong")).status, 401)
            self.assertEqual(http_request(url, headers=as_user("bob", "secret")).status, 401)
        for path in ("/", "/metrics", "/-/healthy", "/nothing"):
            self.assertEqual(http_request(strata.url + path).status, 401, path)

    def test_a_new_user_needs_no_restart(self):
        strata = self.guarded(f"basic_auth_users:\n  ana: {hashed('old')}\n")
        url = strata.url + "/-/ready"
        self.assertEqual(http_request(url, headers=as_user("ana", "old")).status, 200)
        self.web_yml(f"basic_auth_users:\n  ana: {hashed('new')}\n")
        wait_until(lambda: http_request(url, headers=as_user("ana", "new")).status == 200,
                   "the new password")
        self.assertEqual(http_request(url, headers=as_user("ana", "old")).status, 401)
        # A broken file, or one without users, opens no door.
        for text in ("basic_auth_users: [", "http_server_config: {}\n"):
            self.web_yml(text)
            wait_until(lambda: "web.yml was not read again" in strata.log(), "the complaint")
            self.assertEqual(http_request(url).status, 401)

    def test_with_users_other_machines_may_connect(self):
        strata = self.guarded(f"basic_auth_users:\n  ana: {hashed('x')}\n", listen="0.0.0.0")
        self.assertEqual(http_request(strata.url + "/-/ready").status, 401)

    def test_tls(self):
        openssl = need_program("openssl")
        key, cert = (f"{self.directory}/{name}.pem" for name in ("key", "cert"))
        subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", cert, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        port = free_port()
        web = self.web_yml(f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n")
        self.start(Strata(self.directory, port=port, wait=False,
                          arguments=[f"--web.config.file={web}"]))
        context = ssl.create_default_context(cafile=cert)

        def ready():
            with urllib.request.urlopen(f"https://127.0.0.1:{port}/-/ready",
                                        context=context) as answer:
                return answer.status == 200
        wait_until(ready, "TLS")
        with self.assertRaises((urllib.error.URLError, OSError)):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5)


if __name__ == "__main__":
    main()
