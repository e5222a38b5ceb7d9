"""The console in Chromium: signing in for the first time, looking at a page in both languages at two widths, and what axe-core says."""
import base64
import hashlib
import hmac
import pathlib
import re
import struct
import time

from pages import Findings
from playwright.sync_api import expect

AXE = (pathlib.Path(__file__).parent.parent / "web/node_modules/axe-core/axe.min.js").read_text()
PASSWORD = "Wer kennt den Weg zum Rathaus?"


def code_of(secret, ahead=0):
    """The code of an app (RFC 6238)."""
    key = base64.b32decode(secret.replace(" ", "") + "=" * (-len(secret.replace(" ", "")) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + ahead), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1_000_000:06}"


def password_of(told):
    """The one-time password that `einwahl account add` tells."""
    return re.search(r"^[a-z0-9]{4}(?:-[a-z0-9]{4})+$", told, re.M).group()


class Story(Findings):
    def __init__(self, address):
        super().__init__()
        self.address, self.errors, self.hosts = address, [], set()

    def opens(self, browser, size=(1440, 1000)):
        """A page whose complaints and questions are kept."""
        context = browser.new_context(ignore_https_errors=True, locale="de-DE", viewport={"width": size[0], "height": size[1]})
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        return page

    def look(self, page, view, steps=lambda: None):
        """The view in both languages, at both widths; `steps` leads back to it after a change of language."""
        for language in ("en", "de"):
            page.click(f".language[lang={language}]")
            steps()
            page.wait_for_timeout(900)  # what is drawn a moment after the last word
            page.wait_for_load_state("networkidle")
            for width, height in ((390, 844), (1440, 1000)):
                page.set_viewport_size({"width": width, "height": height})
                page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
                wider = page.evaluate("document.documentElement.scrollWidth > innerWidth")
                self.check(f"{view} ({language}) fits {width} pixels", not wider)
                self.has_no_barrier(page, f"{view} ({language}, {width})")
                if self.screenshots:
                    page.screenshot(path=self.screenshots / f"{view.replace(' ', '-')}-{language}-{width}.png", full_page=True)

    def has_no_barrier(self, page, view):
        page.evaluate(AXE)
        found = page.evaluate("async () => (await axe.run()).violations.map((v) => v.id + ': ' + v.nodes[0].html.slice(0, 300) + ' ' + v.nodes[0].failureSummary)")
        self.check(f"axe-core finds nothing in: {view}", not found, str(found) if found else "")

    def signs_in_first(self, page, password):
        """With the one-time password, which is replaced, and a second factor that is set up."""
        page.goto(f"{self.address}/admin")
        visible(page, "Bei Einwahl anmelden")
        page.fill("#name", "erika")
        page.fill("#password", password)
        page.keyboard.press("Enter")
        return self.sets_up(page)

    def sets_up(self, page):
        """From a right password to the first page; gives the secret of the app."""
        page.wait_for_selector("#new-password, .key", timeout=20_000)
        secret = ""
        while not page.locator(".area").count():
            if page.locator("#new-password").count():
                page.fill("#new-password", PASSWORD)
                page.keyboard.press("Enter")
                page.wait_for_selector(".key, .area, .codes")
            elif page.locator(".key").count():
                secret = page.inner_text(".key")
                if self.screenshots:
                    page.screenshot(path=self.screenshots / "enrolment.png", full_page=True)
                self.has_no_barrier(page, "second factor")
                page.fill("#code", code_of(secret))
                page.keyboard.press("Enter")
                page.wait_for_selector(".codes, #new-password, .area")
            elif page.locator(".codes").count():
                self.has_no_barrier(page, "recovery codes")
                self.check("recovery codes are told once", page.locator(".codes li").count() >= 8)
                page.get_by_role("button", name="Ich habe sie notiert").click()
                page.wait_for_selector(".area, #new-password")
        return secret

    def ends(self, hosts):
        """What is to be seen at the end: nobody else was asked, and no page complained."""
        self.check("no other host is asked", self.hosts <= {*hosts, ""}, str(self.hosts))
        # The browser itself writes a line for each answer that is a refusal.
        complaints = [line for line in self.errors if "Failed to load resource" not in line]
        self.check("no page complains", not complaints, str(complaints) if complaints else "")
        print(f"{self.passed} passed, {len(self.faults)} failed")
        return 1 if self.faults else 0


def visible(page, text):
    expect(page.get_by_text(text, exact=False).first).to_be_visible(timeout=10_000)


def area(page, name):
    page.locator(".area", has_text=re.compile(f"^{name}$")).click()


def goes_to(page, selector, most=60):
    """By the Tab key alone; false if that leads nowhere."""
    for _ in range(most):
        if page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            return True
        page.keyboard.press("Tab")
    return False
