#!/usr/bin/env python3
"""Admins sign in to the console in Chromium by a real OpenID provider (glewlwyd): an editor gets the role of her group, somebody without
one is told whom to ask. Then everything goes wrong that can: forged and used states, codes of before and of others, tokens for somebody
else, another browser, too much time, a provider that is down, that has other keys, or that lies outside of the declared processors.

Usage: oidc.py PATH_OF_EINWAHL [FOLDER_FOR_SCREENSHOTS]. Everything runs on loopback and ends by itself.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

import provider as town
from console import Story, code_of
from gateway import audited, configuration, serving
from neighbours import sign_in_by
from pages import CHROMIUM, FLAGS
from playwright.sync_api import expect, sync_playwright
from provider import DNS, ELSEWHERE, ISSUER, PASSWORD, Provider, words_of

SIP_PORT, WEB_PORT = 25094, 28463
CONSOLE = f"https://einwahl.stadt.example:{WEB_PORT}"
CALLBACK = f"{CONSOLE}/api/v1/session/oidc/callback"
START = f"{CONSOLE}/api/v1/session/oidc"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def settings(folder, issuer=ISSUER):
    text = configuration(SIP_PORT, web=WEB_PORT, id="123456")
    text = text.replace("[web]", f'dns = ["{DNS}"]\n[web]', 1)
    return text + sign_in_by(folder, issuer, CONSOLE, telefonie_admin="administrator", telefonie="editor")


class Signing(Story):
    """Says more only of what is wrong."""
    def check(self, what, fine, detail=""):
        super().check(what, fine, "" if fine else detail)


class Person:
    """A browser of their own."""
    def __init__(self, playwright, width=1280):
        flags = FLAGS + ["--host-resolver-rules=MAP *.stadt.example 127.0.0.1"]
        self.browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        self.context = self.browser.new_context(ignore_https_errors=True, locale="de-DE", viewport={"width": width, "height": 900})
        self.page = self.context.new_page()
        self.back, self.errors = [], []
        self.page.on("request", lambda request: self.back.append(request.url) if request.url.startswith(CALLBACK) else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def asks(self, method, path, **how):
        return self.page.evaluate("""async ([method, path, how]) => {
            const answer = await fetch(path, { method, ...how });
            return [answer.status, (answer.headers.get("content-type") ?? "").includes("json") ? await answer.json() : null];
        }""", [method, path, how])

    def cookies(self):
        return {one["name"]: one for one in self.context.cookies(CONSOLE)}

    def presses_the_button(self):
        self.page.goto(f"{CONSOLE}/admin/dialplan")
        self.page.get_by_role("link", name="Mit Stadt-Login anmelden").click()

    def is_at_the_provider(self, name):
        self.page.wait_for_selector("#username")
        self.page.wait_for_load_state("networkidle")  # its page forgets what is typed before all of it is there
        self.page.fill("#username", name)
        self.page.fill("#password", PASSWORD)
        self.page.get_by_role("button", name="OK").click()
        self.page.get_by_role("button", name="Weiter").click()

    def departs(self):
        """On the way, without looking at the provider's page: the words of the address there."""
        self.page.goto(f"{CONSOLE}/admin")
        seen = []
        self.page.on("request", lambda request: seen.append(request.url) if "/api/oidc/auth?" in request.url else None)
        self.page.goto(START, wait_until="commit")
        return words_of(seen[0])

    def returns(self, **words):
        """Comes back with these; why it led to nothing, as the page says it."""
        self.page.goto(f"{CALLBACK}?{urllib.parse.urlencode(words)}")
        alert = self.page.get_by_role("alert")
        expect(alert).to_be_visible(timeout=20_000)
        return alert.inner_text()

    def ends(self):
        self.browser.close()


def an_editor_signs_in(story, person):
    page = person.page
    page.goto(f"{CONSOLE}/admin/dialplan")
    expect(page.get_by_role("link", name="Mit Stadt-Login anmelden")).to_be_visible()
    story.look(page, "sign in by oidc")
    page.get_by_role("link", name="Mit Stadt-Login anmelden").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#username")
    waits = person.cookies()["__Host-einwahl-oidc"]
    story.check("the cookie of a journey is the browser's alone", waits["httpOnly"] and waits["secure"] and waits["sameSite"] == "Lax", str(waits))
    asked = words_of(words_of(page.url)["callback_url"])
    story.check("the provider is asked with PKCE, state and nonce",
                asked["code_challenge_method"] == "S256" and len(asked["state"]) == len(asked["nonce"]) == 64 and asked["redirect_uri"] == CALLBACK, str(asked))
    person.is_at_the_provider("erika")
    expect(page.locator(".who-is-in")).to_contain_text("oidc:erika · Redaktion des Wählplans", timeout=20_000)
    story.check("she is where she wanted to go", page.url == f"{CONSOLE}/admin/dialplan", page.url)
    session = person.cookies()["__Host-einwahl"]
    story.check("her session is the browser's alone, and her journey is over",
                session["sameSite"] == "Strict" and session["httpOnly"] and "__Host-einwahl-oidc" not in person.cookies(), str(person.cookies()))
    status, told = person.asks("GET", "/api/v1/session")
    story.check("she has the role of her group", (status, told["role"], told["hasAccount"]) == (200, "editor", False), str(told))
    story.check("and no right beyond it", person.asks("GET", "/api/v1/accounts")[0] == 403)
    story.look(page, "signed in by oidc")
    if story.screenshots:
        page.screenshot(path=story.screenshots / "signed-in-by-oidc.png")
    return session["value"], person.back[-1]


def somebody_without_a_role(story, playwright):
    person = Person(playwright)
    person.presses_the_button()
    person.is_at_the_provider("otto")
    alert = person.page.get_by_role("alert")
    expect(alert).to_be_visible(timeout=20_000)
    story.check("who has no role is told whom to ask", "keine Rolle" in alert.inner_text() and "Telefonie-Administration" in alert.inner_text(), alert.inner_text())
    story.check("and is not signed in", person.asks("GET", "/api/v1/session")[0] == 401 and "__Host-einwahl" not in person.cookies())
    story.check("the reason stays in no address", person.page.url == f"{CONSOLE}/admin", person.page.url)
    story.look(person.page, "no role")
    person.ends()


def what_is_forged_or_used(story, playwright, provider, used):
    """`used`: the address with which erika came back."""
    other = Person(playwright)
    story.check("a forged state is refused", "gilt nicht" in other.returns(state="0" * 64, code="geraten"))
    story.check("what makes no sense is refused", "nicht vertraut" in other.returns(state="a", code="b", error="c"))
    words = words_of(used)
    story.check("the same once more is refused", "gilt nicht" in other.returns(**words))
    old = words["code"]
    asked = other.departs()
    story.check("a code that was used is refused by the provider, in a journey of one's own", "abgelehnt" in other.returns(state=asked["state"], code=old))
    # A code that the provider gave for another journey: it belongs to another verifier.
    theirs = other.departs()
    headers = provider.person("erika").asks("GET", "/api/oidc/auth?" + urllib.parse.urlencode(theirs) + "&g_continue")[1]
    stolen = words_of(headers["Location"])
    third = Person(playwright)
    story.check("a state is of no use in another browser", "anderswo begonnen" in third.returns(**stolen))
    third.ends()
    asked = other.departs()
    story.check("a stolen code is of no use in another journey", "abgelehnt" in other.returns(state=asked["state"], code=stolen["code"]))
    asked = other.departs()
    story.check("an answer in another's name is refused", "nicht vertraut" in other.returns(state=asked["state"], code="x", iss="https://boese.example"))
    asked = other.departs()
    story.check("who cancels there is told so", "abgelehnt" in other.returns(state=asked["state"], error="access_denied"))
    story.check("nobody was signed in by any of it", other.asks("GET", "/api/v1/session")[0] == 401)
    other.ends()


def tokens_that_do_not_hold(story, playwright, provider):
    person = Person(playwright)

    def comes_back_with(make):
        """The provider's proxy gives another ID token than the provider did."""
        asked = person.departs()
        given = make(asked["nonce"])
        provider.lie = lambda path, text: json.dumps({**json.loads(text), "id_token": given}) if path.endswith("/token") else text
        headers = provider.person("erika").asks("GET", "/api/oidc/auth?" + urllib.parse.urlencode(asked) + "&g_continue")[1]
        try:
            return person.returns(**words_of(headers["Location"]))
        finally:
            provider.lie = lambda path, text: text

    def spoilt(nonce):
        token = provider.token("erika", "einwahl", nonce)
        return token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")

    def unsigned(nonce):
        token = provider.token("erika", "einwahl", nonce)
        return "eyJhbGciOiJub25lIn0." + token.split(".")[1] + "."

    for what, make in (("of another journey (nonce)", lambda nonce: provider.token("erika", "einwahl", "another")),
                       ("for another program (aud)", lambda nonce: provider.token("erika", "anderes", nonce)),
                       ("with a spoilt signature", spoilt), ("without a signature", unsigned)):
        story.check(f"an ID token {what} is refused", "nicht vertraut" in comes_back_with(make))
    story.check("nobody was signed in by any of it", person.asks("GET", "/api/v1/session")[0] == 401)
    asked = person.departs()
    provider.signs_with_another_key()
    headers = provider.person("erika").asks("GET", "/api/oidc/auth?" + urllib.parse.urlencode(asked) + "&g_continue")[1]
    person.page.goto(headers["Location"])
    expect(person.page.locator(".who-is-in")).to_contain_text("oidc:erika", timeout=20_000)
    story.check("a new key of the provider is fetched", person.asks("GET", "/api/v1/session")[0] == 200)
    person.ends()


def signs_out(story, person, cookie):
    page = person.page
    page.goto(f"{CONSOLE}/admin/dialplan")
    expect(page.locator(".who-is-in")).to_contain_text("oidc:erika", timeout=20_000)
    seen = []
    page.on("request", lambda request: seen.append(request.url) if "/api/oidc/end_session" in request.url else None)
    page.get_by_role("button", name="Abmelden").click()
    page.wait_for_url(re.compile(re.escape(town.ADDRESS)), timeout=20_000)
    told = words_of(seen[0])
    story.check("the provider is told, with whose session it is", told["client_id"] == "einwahl" and told["post_logout_redirect_uri"] == f"{CONSOLE}/admin" and
                told["id_token_hint"].count(".") == 2, str(told))
    page.goto(f"{CONSOLE}/admin")
    expect(page.get_by_role("link", name="Mit Stadt-Login anmelden")).to_be_visible()
    person.context.add_cookies([{"name": "__Host-einwahl", "value": cookie, "url": CONSOLE, "secure": True}])
    story.check("the session is over, also for who has kept its cookie", person.asks("GET", "/api/v1/session")[0] == 401)


def the_provider_is_down(story, playwright, provider, once):
    """From the start of the gateway on; and then in the midst of a journey."""
    person = Person(playwright)
    page = person.page
    person.presses_the_button()
    expect(page.get_by_role("alert")).to_contain_text("Stadt-Login antwortet nicht", timeout=20_000)
    story.look(page, "provider is down")
    page.fill("#name", "verwaltung")
    page.fill("#password", once)
    page.keyboard.press("Enter")
    page.wait_for_selector(".key", timeout=20_000)
    page.fill("#code", code_of(page.inner_text(".key")))
    page.keyboard.press("Enter")
    expect(page.locator("#new-password, .codes").first).to_be_visible(timeout=20_000)
    story.check("an account of our own gets in all the same", True)
    person.ends()
    person = Person(playwright)
    provider.starts()
    asked = person.departs()
    headers = provider.person("erika").asks("GET", "/api/oidc/auth?" + urllib.parse.urlencode(asked) + "&g_continue")[1]
    provider.stops()
    story.check("a provider that is gone when one comes back is told", "antwortet nicht" in person.returns(**words_of(headers["Location"])))
    provider.starts()
    person.presses_the_button()
    person.is_at_the_provider("erika")
    expect(person.page.locator(".who-is-in")).to_contain_text("oidc:erika", timeout=20_000)
    story.check("when it is back all is as before", True)
    person.ends()


def too_late(story, playwright, provider, clock):
    person = Person(playwright)
    asked = person.departs()
    headers = provider.person("erika").asks("GET", "/api/oidc/auth?" + urllib.parse.urlencode(asked) + "&g_continue")[1]
    clock.write_text("+11m\n")
    story.check("who comes back after eleven minutes begins anew", "zu lange gedauert" in person.returns(**words_of(headers["Location"])))
    person.ends()


def outside(story, playwright):
    person = Person(playwright)
    person.presses_the_button()
    expect(person.page.get_by_role("alert")).to_contain_text("darf nicht gefragt werden", timeout=20_000)
    story.check("a provider outside of the declared processors is not asked, and that is said", True)
    story.look(person.page, "provider outside")
    person.ends()


def noted(story, folder, what, expected):
    """Each in the audit, in its words."""
    entries = audited(folder, "sign")
    for why, told in expected:
        fits = [entry for entry in entries if entry.get("why") == why and told in json.dumps(entry, ensure_ascii=False)]
        story.check(f"the audit says {why!r} {what}: {told}", fits, str(entries))
    text = json.dumps(entries)
    story.check(f"the audit holds neither codes nor tokens {what}", not re.search(r"[0-9a-f]{64}|eyJ", text), text)
    return entries


def main():
    story = Signing(CONSOLE)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        (folder / "secret").write_text(town.SECRET + "\n")
        (folder / "secret").chmod(0o600)
        provider = Provider(folder, CALLBACK, f"{CONSOLE}/admin")
        with town.names(folder):
            try:
                provider.starts()
                provider.is_set_up()
                with serving(folder, settings(folder), WEB_PORT):
                    erika = Person(playwright)
                    cookie, used = an_editor_signs_in(story, erika)
                    somebody_without_a_role(story, playwright)
                    what_is_forged_or_used(story, playwright, provider, used)
                    signs_out(story, erika, cookie)
                    erika.ends()
                    tokens_that_do_not_hold(story, playwright, provider)
                entries = noted(story, folder, "of what was forged", [
                    ("noRole", "oidc:otto"), ("unknown", "used already"), ("garbled", "neither a code nor an error, or both"), ("declined", "invalid_code"),
                    ("otherBrowser", "another browser"), ("otherIssuer", "does not name the provider"), ("declined", "access_denied"),
                    ("untrusted", "nonce"), ("untrusted", "audience"), ("untrusted", "ignature")])
                signed = [(entry["what"], entry.get("account"), entry.get("by")) for entry in entries if entry["what"] in ("signedIn", "signedOut")]
                story.check("the audit says who came and went", signed == [("signedIn", "oidc:erika", "oidc"), ("signedOut", "oidc:erika", None), ("signedIn", "oidc:erika", "oidc")], str(signed))
                provider.stops()
                made = subprocess.run([sys.argv[1], "account", "add", "verwaltung", "--role", "administrator", "--folder", str(folder / "kept")],
                                      check=True, capture_output=True, text=True)
                with serving(folder, settings(folder), WEB_PORT):
                    the_provider_is_down(story, playwright, provider, made.stdout.splitlines()[2])
                noted(story, folder, "of a provider that is down", [("unreachable", "login.stadt.example does not answer")])
                clock = folder / "clock"
                clock.write_text("+0\n")
                slow = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "PATH": "/usr/bin"}
                with serving(folder, settings(folder), WEB_PORT, env=slow):
                    too_late(story, playwright, provider, clock)
                noted(story, folder, "of who was too late", [("expired", "ten minutes")])
                with serving(folder, settings(folder, ISSUER.replace(town.HOST, ELSEWHERE)), WEB_PORT):
                    outside(story, playwright)
                noted(story, folder, "of a provider outside", [("notPermitted", f"{town.OUTSIDE} ({ELSEWHERE}) is in the networks of no processor for oidc")])
            finally:
                provider.stops()
    print(f"{story.passed} passed, {len(story.faults)} failed")
    for fault in story.faults:
        print("failed:", fault)
    return 1 if story.faults else 0


if __name__ == "__main__":
    sys.exit(main())
