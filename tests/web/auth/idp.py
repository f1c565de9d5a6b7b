"""An identity provider on this machine: OpenID Connect with the code flow, and every lie that a test wants of it."""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "bursar-client", "client secret"
KEY = RSAKey.generate_key(2048)


class Provider:
    """`claims` are what it says of whoever signs in; `lies` replace what it publishes, its tokens' claims, or userinfo."""

    def __init__(self):
        self.claims = {"sub": "s-1", "email": "ada@acme.example", "email_verified": True, "name": "Ada Byron"}
        self.published, self.token, self.userinfo = {}, {}, None
        self.codes, self.asked = {}, []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked.append(self.path)
                self._answer(provider.get(self.path, self.headers))

            def do_POST(self):
                provider.asked.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(provider.post(self.path, parse_qs(body), self.headers))

            def _answer(self, found):
                status, data = found
                content = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                if status == 302:
                    self.send_header("Location", "https://evil.example/")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def sign_in(self, location):
        """Do what a person does there; returns the parameters with which they are sent back."""
        asked = {name: value[0] for name, value in parse_qs(urlsplit(location).query).items()}
        assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (CLIENT, "code", "S256")
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def get(self, path, headers):
        if path == "/.well-known/openid-configuration":
            return 200, self.discovery()
        if path == "/userinfo" and headers.get("Authorization") == "Bearer access":
            return 200, self.userinfo
        return 404, {}

    def discovery(self):
        if isinstance(self.published, bytes):
            return self.published
        endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo"}
        found = {name: f"{self.issuer}/{path}" for name, path in endpoints.items()}
        found |= {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
        return found | {"token_endpoint_auth_methods_supported": ["client_secret_post"]} | self.published

    def post(self, path, form, _headers):
        given = {name: value[0] for name, value in form.items()}
        asked = self.codes.pop(given.get("code"), None)
        if path != "/token" or asked is None or (given["client_id"], given["client_secret"]) != (CLIENT, SECRET):
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest()).rstrip(b"=")
        if challenge.decode() != asked["code_challenge"] or given["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60} | self.claims
        answer = {"access_token": "access", "token_type": "Bearer", "id_token": jwt.encode({"alg": "RS256"}, said, KEY)}
        return 200, answer | self.token
