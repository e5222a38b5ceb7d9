"""A town's OpenID provider whose name, or whose word, leads elsewhere once it is trusted: what a gateway then asks, and whom.

It answers truly at its own address, on loopback. Whoever controls its names or its words wants the gateway to ask somebody outside: for
its keys, or with the code of a person and the secret of the gateway.
"""
import asyncio
import http.client
import json
import ssl
import time
import urllib.parse

from neighbours import Answers, https_server, sign_in_by, vouched

# The provider of both towns, and names of the same domain that lead outside.
HOST, PLACE = "login.stadt-b.example", ("127.0.0.7", 443)
KEYS, CODES = "schluessel.stadt-b.example", "codes.stadt-b.example"
OUTSIDE = {KEYS: "203.0.113.12", CODES: "203.0.113.10"}
ISSUER = f"https://{HOST}"

def section(folder, town):
    """For a town's configuration."""
    return "\n" + sign_in_by(folder, ISSUER, f"https://einwahl.stadt-{town}.example:8080", telefonie="editor")


class FalseProvider:
    """`words` are said in place of its own; `at_discovery` is done before it answers who it is; `elsewhere` is where it sends whoever asks."""

    def __init__(self, folder):
        vouched(folder, "login", HOST)
        (folder / "secret").write_text("a secret of the provider")
        (folder / "secret").chmod(0o600)
        self.words, self.at_discovery, self.elsewhere, self.asked = {}, lambda: None, None, []
        provider = self

        class Words(Answers):
            def do_GET(self):
                provider.asked.append(self.path)
                if provider.elsewhere:
                    return self.says(302, b"", {"Location": provider.elsewhere})
                if self.path == "/.well-known/openid-configuration":
                    provider.at_discovery()
                    return self.tells(200, provider.document())
                self.tells(200, {"keys": []})

            def do_POST(self):
                provider.asked.append(self.path)
                self.tells(400, {"error": "invalid_grant"})

            def tells(self, status, content):
                self.says(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

        self.server = https_server(PLACE, Words, folder, "login")

    def document(self):
        """Who it is (OpenID Connect Discovery 1.0, section 3)."""
        return {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/keys",
                "response_types_supported": ["code"], "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"], **self.words}


class Journey:
    """A browser that sets out from a town to the provider, and comes back."""

    def __init__(self, town):
        self.town, self.cookies, self.led = town, [], None

    def asks(self, path):
        """Where it is sent."""
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(self.town.address, 8080, context=trusting, timeout=15)
        connection.request("GET", f"/api/v1/session/oidc{path}", headers={"Sec-Fetch-Site": "same-origin", "Cookie": "; ".join(self.cookies)})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        self.cookies = [cookie.split(";")[0] for cookie in answer.headers.get_all("Set-Cookie", [])]
        return answer.headers.get("Location", "")

    def departs(self):
        """Whether it gets there."""
        self.led = urllib.parse.urlparse(self.asks(""))
        return self.led.hostname == HOST

    def returns(self):
        """With a code that the provider may have given; whether somebody is signed in."""
        state = dict(urllib.parse.parse_qsl(self.led.query))["state"]
        self.asks(f"/callback?{urllib.parse.urlencode({'state': state, 'code': 'given-to-a-person'})}")
        return any(cookie.startswith("__Host-einwahl=") and not cookie.endswith("=") for cookie in self.cookies)


async def leads_elsewhere(field, provider):
    """Each way to have the gateways of two towns ask somebody outside; nobody there is asked, and each is noted."""
    names = field.federation.names

    def named(name, address):
        names[name] = address
        field.federation.resolves()
        time.sleep(0.5)

    def refused(town, host, address):
        return (town, "signInStopped", "notPermitted", host, address), (town, "connectionRefused", host, address)

    def stays(town, words=None, **how):
        """Nobody gets to the provider: a page says why not."""
        async def attack(_):
            provider.words, provider.elsewhere = words or {}, how.get("elsewhere")
            provider.at_discovery = how.get("at_discovery", lambda: None)
            try:
                return not await asyncio.to_thread(Journey(field.towns[town]).departs) or "a browser was sent there"
            finally:
                provider.words, provider.elsewhere, provider.at_discovery = {}, None, lambda: None
        return attack

    def comes_back(town, words=None, then=lambda: None):
        """The browser gets there, and back with a code. With it nobody outside is asked, nor the provider."""
        async def attack(_):
            provider.words, journey = words or {}, Journey(field.towns[town])
            if not await asyncio.to_thread(journey.departs):
                return "the browser was not sent to the provider"
            await asyncio.to_thread(then)
            if await asyncio.to_thread(journey.returns):
                return "somebody was signed in"
            return "/token" not in provider.asked or "the provider was asked"
        return attack
    lies = "203.0.113.11"
    await field.attacked("the provider of sign-ins lies outside", stays("b"), *refused("b", HOST, "203.0.113.13"))
    await asyncio.to_thread(named, HOST, PLACE[0])
    await field.attacked("the provider's keys are at a name that leads outside", stays("b", {"jwks_uri": f"https://{KEYS}/keys"}), *refused("b", KEYS, OUTSIDE[KEYS]))
    await field.attacked("the provider's keys are at an address outside", stays("b", {"jwks_uri": f"https://{lies}/keys"}), *refused("b", lies, lies))
    await field.attacked("the provider sends elsewhere whoever asks", stays("b", elsewhere=f"https://{lies}/"), ("b", "signInStopped", "unreachable", HOST))
    rebinds = lambda: named(HOST, "203.0.113.9")
    await field.attacked("the provider's name leads outside once it has said who it is", stays("b", at_discovery=rebinds), *refused("b", HOST, "203.0.113.9"))
    await asyncio.to_thread(named, HOST, PLACE[0])
    await field.attacked("codes are to be shown at a name that leads outside", comes_back("c", {"token_endpoint": f"https://{CODES}/token"}),
                         *refused("c", CODES, OUTSIDE[CODES]))
    rebinds = lambda: named(HOST, "203.0.113.14")
    await field.attacked("the provider's name leads outside when the browser is back", comes_back("b", then=rebinds), *refused("b", HOST, "203.0.113.14"))
    await asyncio.to_thread(named, HOST, PLACE[0])

    async def as_before(_):
        return await asyncio.to_thread(Journey(field.towns["b"]).departs) or "no browser is sent there"
    await field.attacked("and who sets out gets there as before", as_before)
