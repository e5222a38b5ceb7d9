#!/usr/bin/env python3
"""An admin watches the federation and where data goes, in the console of a real gateway that is linked to another one.

A link that comes and goes is seen within three seconds, a registry that ends and has ended is told, and so is a connection that is refused
because a name leads elsewhere than before. The record of processing and the rules for the firewall are taken away, and nft reads them.
Each page is checked with axe-core in German and in English at two widths, and gone through by keyboard.
Usage: federation_in_use.py PATH_OF_EINWAHL [FOLDER_FOR_SCREENSHOTS]. In a network namespace of its own; it ends by itself.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from console import Story, area, goes_to, password_of, visible
from pages import CHROMIUM, FLAGS
from playwright.sync_api import expect, sync_playwright
from towns import Federation

RIGHT, WRONG = "203.0.113.5", "198.51.100.66"
# The trunk's own networks have both: what keeps calls from the second is that nobody is declared there.
OFFICE = f"""
[[trunks]]
name = "amt"
networks = ["203.0.113.0/24", "{WRONG}"]
dial = "sip:pbx.amt.example:5060"
[[processors]]
name = "Amt für Telefonie"
purposes = ["trunk"]
country = "AT"
networks = ["203.0.113.0/24"]
hosts = ["pbx.amt.example"]
contract = "AVV 2026-14"
"""
COMMITTEE = """
[[meetings]]
room = "bau"
id = "654321"
title = "Bauausschuss"
pin = "4711"
shares = [{ with = "stadt-a.example" }]
"""


def link(page):
    return page.locator("tr", has_text="stadt-b.example").locator(".kern-badge")


def in_time(story, page, text, since, most, told):
    expect(link(page)).to_have_text(text, timeout=40_000)
    took = time.monotonic() - since
    story.check(f"{told} within {most} s", took <= most, f"({took:.1f} s)")


def watches_the_federation(story, page, federation):
    area(page, "Föderation")
    expect(link(page)).to_have_text("verbunden", timeout=10_000)
    row = page.locator("tr", has_text="stadt-b.example")
    expect(row).to_contain_text(re.compile(r"\d+ ms"), timeout=15_000)
    expect(row).to_contain_text("Ratssitzung (rat@stadt-a.example)")
    expect(row).to_contain_text("Bauausschuss (bau@stadt-b.example)")
    other = page.locator("tr", has_text="stadt-s.example")
    expect(other).to_contain_text("darf mit eigenen Anlagen anrufen (SIP), jetzt: 0")
    story.check("a member that joins by SIP alone has no link that could be down", other.locator(".kern-badge").count() == 0)
    story.check("nothing has to be seen to", page.locator(".kern-alert").count() == 0)
    story.look(page, "federation")
    since = time.monotonic()
    federation.towns["b"].is_killed()
    in_time(story, page, "getrennt", since, 3, "a link that is down is shown")
    story.look(page, "federation with a link that is down")
    mark = len(federation.towns["a"].log())
    federation.towns["b"].starts()
    story.check("the other gateway is back", federation.towns["a"].waits_for("the link to a member is up", 40, mark))
    in_time(story, page, "verbunden", time.monotonic(), 3, "and one that is up again")
    expect(page.locator("tr", has_text="stadt-b.example").locator("td").last).to_contain_text("connection broke")


def watches_data(story, page, federation):
    area(page, "Datenwege")
    visible(page, "Amt für Telefonie")
    visible(page, "Bisher wurde keine Verbindung abgelehnt")
    story.look(page, "residency")
    federation.names["pbx.amt.example"] = WRONG
    federation.resolves()
    refused = page.get_by_role("region", name="Abgelehnte Verbindungen").locator("tr", has_text="pbx.amt.example")
    expect(refused).to_contain_text(f"{WRONG} (pbx.amt.example) is in the networks of no processor for trunk", timeout=60_000)
    story.check("a refused connection appears by itself", True)
    story.look(page, "residency with a refusal")
    audit = federation.towns["a"].asks("GET", "audit?what=connectionRefused")["entries"]
    story.check("and stands in the audit, once", [one["address"] for one in audit] == [WRONG], str(audit))


def takes_away(story, page, folder):
    taken = {}
    for name in ("Verzeichnis als Text", "Verzeichnis als Markdown", "Verzeichnis als JSON", "Regeln für die Firewall"):
        with page.expect_download() as got:
            page.get_by_role("button", name=name).click()
        taken[name] = pathlib.Path(got.value.path()).read_text(encoding="utf-8")
    story.check("the record has processors and members", all(
        words in taken["Verzeichnis als Text"] for words in ("Amt für Telefonie (AT): trunk", "Stadt B (DE): member stadt-b.example")))
    story.check("and a map", "flowchart LR" in taken["Verzeichnis als Markdown"] and '"permitted"' in taken["Verzeichnis als JSON"])
    (folder / "rules.nft").write_text(taken["Regeln für die Firewall"].replace('"einwahl" accept', '"root" accept'))
    told = subprocess.run(["nft", "-c", "-f", str(folder / "rules.nft")], capture_output=True, text=True, check=False)
    story.check("nft reads the rules", told.returncode == 0 and "203.0.113.0/24" in taken["Regeln für die Firewall"], told.stderr)


def by_keyboard(story, page):
    page.evaluate("document.activeElement.blur()")
    reached = [goes_to(page, ".area[href$=federation]")]
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Föderation")
    reached.append(goes_to(page, ".table-box"))
    page.evaluate("document.activeElement.blur()")
    reached.append(goes_to(page, ".area[href$=residency]"))
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Datenwege")
    reached.append(goes_to(page, "main .row-buttons .kern-btn"))
    with page.expect_download() as got:
        page.keyboard.press("Enter")
    story.check("both pages are gone through by keyboard", all(reached) and got.value.path(), str(reached))


def sees_the_registry_end(story, page, federation):
    area(page, "Föderation")
    federation.publish(days=12 / 86_400)
    visible(page, "Das Register endet bald")
    story.check("a registry that ends soon is told", True)
    story.look(page, "federation whose registry ends soon")
    expect(page.locator(".kern-alert--danger")).to_contain_text("Das Register ist seit", timeout=20_000)
    story.look(page, "federation whose registry has expired")


def play(story, playwright, federation, folder, password):
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    page = story.opens(browser)
    story.signs_in_first(page, password)
    watches_the_federation(story, page, federation)
    watches_data(story, page, federation)
    takes_away(story, page, folder)
    by_keyboard(story, page)
    sees_the_registry_end(story, page, federation)
    browser.close()


def main():
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        federation = Federation(folder, more={"a": OFFICE, "b": COMMITTEE}, names=("a", "b"))
        federation.names["pbx.amt.example"] = RIGHT
        a = federation.towns["a"]
        by_sip = {"domain": "stadt-s.example", "name": "Stadt S", "country": "AT", "links": [], "sip": True, "media": ["127.8.0.0/24"],
                  "contact": "technik@stadt-s.example"}
        federation.members.append({**federation.members[1], **by_sip, "pins": [{"spki": "sha256:" + 43 * "A"}]})
        password = password_of(a.runs("account", "add", "erika", "--role", "administrator", "--folder", str(a.folder / "kept")))
        story = Story(f"https://{a.address}:8080")
        federation.resolves()
        federation.publish()
        try:
            for town in federation.towns.values():
                town.starts()
            story.check("the two gateways are linked", a.waits_for("the link to a member is up", 60))
            play(story, playwright, federation, folder, password)
        finally:
            for town in federation.towns.values():
                town.ends()
            federation.dns.terminate()
            federation.dns.wait(5)
    return story.ends({f"{a.address}:8080"})


if __name__ == "__main__":
    if os.environ.get("OWN_NETWORK") != "yes":
        enter = "ip link set lo up; exec \"$@\""
        os.execvpe("unshare", ["unshare", "-Urn", "sh", "-c", enter, "sh", sys.executable, *sys.argv], {**os.environ, "OWN_NETWORK": "yes"})
    sys.exit(main())
