"""A real OpenID provider (Debian's glewlwyd), set up by its own API, behind a reverse proxy with TLS that can be made to lie; and names
(dnsmasq) that lead there. All on loopback."""
import base64
import hashlib
import http.client
import json
import pathlib
import shutil
import sqlite3
import subprocess
import urllib.parse

from neighbours import Answers, hosts, https_server, name_server, vouched
from phones import connect

HOST, PORT, BEHIND = "login.stadt.example", 28461, 28462
DNS = "127.0.0.53:5354"
ADDRESS = f"https://{HOST}:{PORT}"
ISSUER = f"{ADDRESS}/api/oidc"
CLIENT, SECRET = "einwahl", "nur-zwischen-uns-beiden"
PASSWORD = "Wer kennt den Weg zum Rathaus?"
# A name of the same town that leads out of its networks.
ELSEWHERE, OUTSIDE = "fremd.stadt.example", "192.0.2.77"
SCHEMA = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"


def certificates(folder):
    """An authority, and what it vouches for."""
    vouched(folder, "login", HOST, ELSEWHERE)


def names(folder):
    return name_server(folder, DNS, hosts(login="127.0.0.1", fremd=OUTSIDE))


class Browser:
    """Speaks to the provider itself, as its pages do."""
    def __init__(self):
        self.cookie = None

    def asks(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", BEHIND, timeout=20)
        all_headers = {"Content-Type": "application/json", **({"Cookie": self.cookie} if self.cookie else {}), **dict(headers)}
        connection.request(method, path, body if isinstance(body, (str, type(None))) else json.dumps(body), all_headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if cookie := answer.headers["Set-Cookie"]:
            self.cookie = cookie.split(";")[0]
        connection.close()
        return answer.status, answer.headers, text

    def does(self, method, path, body=None):
        status, _, text = self.asks(method, path, body)
        assert status == 200, (method, path, status, text)
        return json.loads(text) if text else None


class Provider:
    """The town's sign-in, with two people and two programs."""
    def __init__(self, folder, callback, after):
        self.folder, self.callback, self.after = folder, callback, after
        self.process = self.proxy = None
        self.lie = lambda path, text: text  # what the proxy makes of an answer
        database = sqlite3.connect(folder / "provider.db")
        database.executescript(pathlib.Path(SCHEMA).read_text())
        database.close()
        certificates(folder)
        # Links are followed by this copy, not by the server; and that to what configures the pages leads to a folder in place of its file.
        shutil.copytree("/usr/share/glewlwyd/webapp", folder / "pages", ignore=shutil.ignore_patterns("config.json"))
        shutil.copy("/etc/glewlwyd/config-2.7.json/config.json", folder / "pages/config.json")
        kinds = "".join(f'{{ extension = "{end}" mime_type = "{kind}" }},' for end, kind in (
            (".html", "text/html"), (".css", "text/css"), (".js", "application/javascript"), (".json", "application/json"), (".png", "image/png")))
        # Without the two files of a connection that it shall not secure, this version does not start.
        (folder / "provider.conf").write_text(f"""port={BEHIND}
bind_address="127.0.0.1"
external_url="{ADDRESS}"
login_url="login.html"
api_prefix="api"
static_files_path="{folder}/pages/"
static_files_mime_types=({kinds} {{ extension = "*" mime_type = "application/octet-stream" }})
log_mode="console"
log_level="WARNING"
cookie_secure=1
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_session_authentication="cookie"
profile_session_authentication="cookie"
allow_multiple_user_per_session=false
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
secure_connection_key_file="none"
secure_connection_pem_file="none"
hash_algorithm="SHA512"
database={{ type = "sqlite3"; path = "{folder}/provider.db"; }};
""")

    def starts(self):
        log = open(self.folder / "provider.log", "ab")
        self.process = subprocess.Popen(["glewlwyd", "--config-file", str(self.folder / "provider.conf")], stdout=log, stderr=log)
        connect(BEHIND).close()
        self.proxy = Proxy(self)

    def stops(self):
        if self.proxy:
            self.proxy.ends()
            self.process.terminate()
            self.process.wait(10)
        self.proxy = None

    def key(self):
        """A new pair, as the plugin takes it."""
        key = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True, text=True)
        public = subprocess.run(["openssl", "pkey", "-pubout"], input=key.stdout, check=True, capture_output=True, text=True)
        return {"key": key.stdout, "cert": public.stdout}

    def is_set_up(self):
        admin = self.admin()
        claim = {"type": "string", "mandatory": True}
        self.plugin = {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "enabled": True, "parameters": {
            "iss": ISSUER, "jwt-type": "rsa", "jwt-key-size": "256", **self.key(), "jwks-show": True, "subject-type": "public",
            "access-token-duration": 600, "refresh-token-duration": 1200, "code-duration": 600, "refresh-token-rolling": False,
            "allow-non-oidc": False, "auth-type-code-enabled": True, "auth-type-code-revoke-replayed": True, "auth-type-token-enabled": False,
            "auth-type-id-token-enabled": True, "auth-type-password-enabled": False, "auth-type-client-enabled": False,
            "auth-type-device-enabled": False, "auth-type-refresh-enabled": False, "pkce-allowed": True, "pkce-required": True,
            "pkce-method-plain-allowed": False, "name-claim": "mandatory", "email-claim": "no", "scope-claim": "no",
            "claims": [{"name": "groups", "user-property": "groups", **claim}, {"name": "preferred_username", "user-property": "username", **claim}],
            "session-management-allowed": True, "session-cookie-name": "GLEWLWYD2_OIDC_SID", "session-cookie-expiration": 3600,
            "post-logout-redirect-uris-parameter": "post_logout_redirect_uris", "introspection-revocation-allowed": False,
            "register-client-allowed": False, "request-parameter-allow": False, "oauth-par-allowed": False}}
        admin.does("POST", "/api/mod/plugin/", self.plugin)
        for kind, more in (("user", {"groups": {"multiple": True, "read": True, "write": True}}),
                           ("client", {"post_logout_redirect_uris": {"multiple": True, "read": True, "write": True}})):
            module = admin.does("GET", f"/api/mod/{kind}/database")
            module["parameters"]["data-format"].update(more)
            admin.does("PUT", f"/api/mod/{kind}/database", module)
            admin.does("PUT", f"/api/mod/{kind}/database/reset/")
        for client in (CLIENT, "anderes"):
            admin.does("POST", "/api/client/", {
                "client_id": client, "name": client, "enabled": True, "confidential": True, "client_secret": SECRET, "scope": [],
                "redirect_uri": [self.callback], "post_logout_redirect_uris": [self.after], "authorization_type": ["code"],
                "token_endpoint_auth_method": ["client_secret_basic"]})
        for name, groups in (("erika", ["alle", "telefonie"]), ("otto", ["alle"])):
            admin.does("POST", "/api/user/", {"username": name, "name": name.title(), "password": PASSWORD, "enabled": True, "scope": ["openid"], "groups": groups})
            person = self.person(name)
            for client in (CLIENT, "anderes"):
                person.does("PUT", f"/api/auth/grant/{client}", {"scope": "openid"})

    def admin(self):
        admin = Browser()
        admin.does("POST", "/api/auth/", {"username": "admin", "password": "password"})
        return admin

    def person(self, name):
        person = Browser()
        person.does("POST", "/api/auth/", {"username": name, "password": PASSWORD})
        return person

    def signs_with_another_key(self):
        self.plugin["parameters"].update(self.key())
        admin = self.admin()
        admin.does("PUT", "/api/mod/plugin/oidc", self.plugin)
        admin.does("PUT", "/api/mod/plugin/oidc/reset/")

    def token(self, name, client, nonce):
        """An ID token that it truly gives for this person to this program."""
        verifier = "v" * 64
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {"response_type": "code", "client_id": client, "redirect_uri": self.callback, "scope": "openid", "state": "s", "nonce": nonce,
                 "code_challenge": challenge, "code_challenge_method": "S256"}
        person = self.person(name)
        _, headers, _ = person.asks("GET", f"/api/oidc/auth?{urllib.parse.urlencode(query)}&g_continue")
        code = words_of(headers["Location"])["code"]
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback, "code_verifier": verifier}
        basic = base64.b64encode(f"{client}:{SECRET}".encode()).decode()
        _, _, text = person.asks("POST", "/api/oidc/token", urllib.parse.urlencode(asked),
                                 {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {basic}"})
        return json.loads(text)["id_token"]


def words_of(address):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlparse(address).query))


class Proxy:
    """TLS in front of the provider."""
    def __init__(self, provider):
        class Passing(Answers):
            def passes(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                inner = http.client.HTTPConnection("127.0.0.1", BEHIND, timeout=20)
                kept = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "accept-encoding")}
                inner.request(self.command, self.path, body or None, kept)
                answer = inner.getresponse()
                content = answer.read()
                if "json" in answer.headers.get("Content-Type", ""):
                    content = provider.lie(self.path, content.decode()).encode()
                # More than one of a name, too.
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "date"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                inner.close()

            do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = passes

        self.server = https_server(("127.0.0.1", PORT), Passing, provider.folder, "login")

    def ends(self):
        self.server.shutdown()
        self.server.server_close()
