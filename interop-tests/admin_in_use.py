#!/usr/bin/env python3
"""Admins use the console of the real gateway in Chromium: the first sign-in with a second factor, a rule that is broken and cannot be
published, a call tried for Christmas Eve and one that somebody diverted, a publication that a real call follows, and the way back.

Each page is checked with axe-core in German and in English, at the width of a phone and of a desk; one way is gone by keyboard alone;
nothing may be asked of another host, and no page may complain on its console.
Usage: admin_in_use.py PATH_OF_EINWAHL [FOLDER_FOR_SCREENSHOTS]. Everything runs on loopback and ends by itself.
"""
import functools
import json
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

from console import PASSWORD, Story, area, code_of, goes_to, password_of, visible
from gateway import serving
from pages import CHROMIUM, FLAGS
from playwright.sync_api import expect, sync_playwright

WEB_PORT, MEDIA_PORT, SIP_PORT = 28451, 23481, 25079
ADDRESS = f"https://127.0.0.1:{WEB_PORT}"

TOWN = """[variables]
haus = "+49 30 9018"

[hours.buergeramt]
mon-wed = ["08:00-12:00", "13:00-16:00"]
thu = ["08:00-12:00", "14:00-18:00"]
fri = "08:00-12:00"
holidays = "DE-BE"
closed = ["2026-12-24", "2026-12-28..2026-12-31"]
open = { "2026-12-29" = "10:00-14:00" }

[hours.notdienst]
mon-sun = "18:00-06:00"

[[rule]]
name = "Notruf"
called = ["110", "112"]
emergency = "sip:notruf@pbx.stadt.example"

[[rule]]
name = "Bürgeramt leitet weiter"
called = "${haus} 1000"
diversion = "${haus} 2000-2499"
menu = "de"

[[rule]]
name = "Rathaus auf Türkisch"
called = "${haus} 1000"
trunk = "rathaus"
asserted = "${haus} 4XXX"
accepts = "tr"
menu = "en"

[[rule]]
name = "Bürgeramt"
called = ["${haus} 2000-2499", "2000-2499"]
when = { open = "buergeramt" }
menu = "de"

[[rule]]
name = "Bereitschaft"
called = "${haus} 2112"
when = { open = "notdienst" }
redirect = "sip:100@pbx.stadt.example"

[[rule]]
name = "Bürgeramt geschlossen"
called = ["${haus} 2000-2499", "2000-2499"]
closed = "de"

[[rule]]
name = "Ratssaal"
called = ["${haus} 1000", "1000"]
room = "rat"

[[rule]]
name = "Meetings in English"
called = "${haus} 3XXX"
menu = "en"

[[example]]
called = "+49 30 9018 2000"
at = "2026-11-24T09:00"
expect = "Bürgeramt"

[[example]]
called = "+49 30 9018 2000"
at = "2026-12-24T19:00"
expect = "Bürgeramt geschlossen"
"""
HOTLINE = '[[rule]]\nname = "Hotline"\ncalled = ["+49 30 9018 5XXX", "5XXX"]\nreject = "busy"\n'
REST = '[[rule]]\nname = "Rest"\ncalled = "*"\nreject = "not-found"\n'
PLAN = {"10-stadt.toml": TOWN, "50-hotline.toml": HOTLINE, "90-rest.toml": REST}


def calls(number):
    """The status with which a real call is answered."""
    command = [sys.argv[1], "phone", f"sip:{number}@127.0.0.1:{SIP_PORT}", "--seconds", "1", "--json"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    refused = re.search(r"refused: (\d{3})", told.stderr)
    return int(refused.group(1)) if refused else 200 if told.returncode == 0 else told.stderr


def api(token, method, path, body):
    request = urllib.request.Request(f"{ADDRESS}/api/v1{path}", method=method, data=json.dumps(body).encode(),
                                     headers={"authorization": f"Bearer {token}", "content-type": "application/json"})
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(request, context=unchecked, timeout=20) as answer:
        return json.load(answer)


def signs_in_first(story, page, password):
    page.goto(f"{ADDRESS}/admin")
    visible(page, "Bei Einwahl anmelden")
    story.look(page, "sign in")
    page.fill("#name", "erika")
    page.fill("#password", "falsch")
    page.keyboard.press("Enter")
    visible(page, "Name oder Passwort stimmt nicht")
    page.fill("#password", password)
    page.keyboard.press("Enter")
    return story.sets_up(page)


def tab(page, name):
    page.get_by_role("tab", name=name).click()


def edit(page, file, text):
    """Puts the text in place of what the file says."""
    page.get_by_role("tab", name=re.compile(rf"^{re.escape(file)}")).click()
    page.locator(".editor .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def changes_the_plan(story, page):
    visible(page, "In Betrieb: Version")
    visible(page, "Anrufe an")
    story.check("the plan is told in sentences", page.locator(".leaf").count() == 10, str(page.locator(".leaf").count()))
    page.locator(".leaf", has_text="Ratssaal").click()
    story.check("a sentence leads to its rule", "Ratssaal" in page.locator(".editor .cm-activeLine").first.inner_text())
    story.look(page, "dialplan")
    page.get_by_role("button", name="Dunkle Ansicht").click()
    page.wait_for_timeout(400)
    story.has_no_barrier(page, "dialplan in the dark")
    if story.screenshots:
        page.screenshot(path=story.screenshots / "dialplan-dark-1440.png")
    page.get_by_role("button", name="Helle Ansicht").click()

    # A rule is broken: it cannot be published.
    edit(page, "50-hotline.toml", HOTLINE.replace('reject = "busy"', 'rejekt = "busy"'))
    visible(page, "\"rejekt\" bedeutet hier nichts")
    page.click(".language[lang=en]")
    visible(page, "\"rejekt\" means nothing here")
    page.locator(".editor .cm-lintRange-error", has_text="rejekt").first.hover()
    expect(page.locator(".editor .cm-diagnostic").first).to_contain_text("did you mean", timeout=10_000)
    page.click(".language[lang=de]")
    visible(page, "\"rejekt\" bedeutet hier nichts")
    page.locator(".editor .cm-lintRange-error", has_text="rejekt").first.hover()
    hint = page.locator(".editor .cm-diagnostic").first
    expect(hint).to_contain_text("Meinten Sie \"reject\"?", timeout=10_000)
    story.check("what is marked is told in the language of the page, and changes with it", "did you mean" not in hint.inner_text(), hint.inner_text())
    publish = page.get_by_role("button", name="Veröffentlichen")
    story.check("a broken plan cannot be published", publish.is_disabled())
    story.check("the place is marked in the text", page.locator(".editor .cm-lintRange-error").count() >= 1)
    story.look(page, "dialplan with a fault")
    story.check("calls go on as before", calls("5000") == 486)

    # It is mended, and does something else now.
    edit(page, "50-hotline.toml", HOTLINE.replace('reject = "busy"', 'reject = "forbidden"'))
    expect(page.locator(".plan-state")).to_contain_text("Keine Fehler", timeout=10_000)
    expect(page.locator(".plan-state")).to_contain_text("Entwurf gespeichert", timeout=10_000)


def tries_a_call(story, page):
    tab(page, "Anruf ausprobieren")
    page.fill("#try-called", "+49 30 9018 2000")
    page.fill("#try-day", "2026-12-24")
    page.fill("#try-time", "19:00")
    visible(page, "dass geschlossen ist")
    expect(page.locator(".verdict")).to_contain_text("Bürgeramt geschlossen", timeout=10_000)
    page.wait_for_timeout(1_800)
    path = page.locator(".path .step").all_inner_texts()
    story.check("the trace tells why", any("gilt zu dieser Zeit nicht" in step for step in path), str(path))
    story.look(page, "try a call")
    page.fill("#try-day", "2026-11-24")
    page.locator(".slider").focus()
    for _ in range(36):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".verdict")).to_contain_text("Menü auf Deutsch", timeout=10_000)
    story.check("the slider moves the time", page.input_value("#try-time") == "10:00", page.input_value("#try-time"))


def path_of(page, rule):
    """The steps of the call, once this rule takes it."""
    expect(page.locator(".verdict")).to_contain_text(rule, timeout=10_000)
    page.wait_for_timeout(1_800)
    return page.locator(".path .step").all_inner_texts()


def tries_what_few_rules_ask_for(story, page):
    """Calls that somebody diverted, and of callers for whom the trunk vouches."""
    page.fill("#try-called", "+49 30 9018 1000")
    path = path_of(page, "Ratssaal")
    story.check("a call that nobody diverted is not for a rule that asks who did", any("die andere umleiten" in step for step in path), str(path))
    story.check("what few rules ask for stands behind a disclosure", not page.locator("#try-diversion").is_visible())
    page.get_by_text("Mehr zum Anruf").click()
    page.fill("#try-diversion", "030 9018 2112")
    path = path_of(page, "Bürgeramt leitet weiter")
    story.check("a diverted call is taken by the rule that asks who diverted it", path[-1] == "Bürgeramt leitet weiter nimmt den Anruf", str(path))
    story.look(page, "try a diverted call")
    page.fill("#try-diversion", "")
    page.select_option("#try-trunk", "rathaus")
    page.fill("#try-asserted", "+49 30 9018 4711")
    page.fill("#try-accepts", "en")
    path = path_of(page, "Ratssaal")
    story.check("the trace tells of another language", any("ist für andere Sprachen" in step for step in path), str(path))
    page.fill("#try-accepts", "tr")
    path = path_of(page, "Rathaus auf Türkisch")
    story.check("an asserted number and a language lead to the rule for them", path[-1] == "Rathaus auf Türkisch nimmt den Anruf", str(path))
    page.click(".language[lang=en]")
    visible(page, "More about the call")
    visible(page, "takes the call")
    story.check("what was filled in is there in the other language, too", page.locator("#try-accepts").is_visible() and page.input_value("#try-asserted") == "+49 30 9018 4711")
    page.click(".language[lang=de]")
    visible(page, "Mehr zum Anruf")


def looks_around(story, page):
    tab(page, "Woche")
    page.fill("#week-from", "2026-12-24")
    page.locator("#week-from").dispatch_event("change")
    visible(page, "Schließtag")
    visible(page, "Feiertag")
    story.look(page, "week")
    tab(page, "Rufnummern")
    page.fill("#blocks", "+49 30 9018 XXXX\n1000-5999")
    page.fill("#cover-day", "2026-11-24")
    page.fill("#cover-time", "10:00")
    page.get_by_role("button", name="Anzeigen").click()
    visible(page, "+493090182000")
    story.look(page, "coverage")


def publishes_and_goes_back(story, page):
    before = int(re.search(r"Version (\d+)", page.inner_text(".plan-runs")).group(1))
    page.get_by_role("button", name="Veröffentlichen").click()
    visible(page, "Änderungen gegenüber der Version in Betrieb")
    story.check("the difference is shown", page.locator(".line.added", has_text="forbidden").count() == 1)
    story.has_no_barrier(page, "publish")
    if story.screenshots:
        page.screenshot(path=story.screenshots / "publish-1440.png")
    page.fill("#publish-comment", "Hotline ist abgeschaltet")
    page.get_by_role("button", name="Jetzt veröffentlichen").click()
    visible(page, f"Version {before + 1} ist in Betrieb")
    story.check("a real call follows the new plan", calls("5000") == 403)
    tab(page, "Versionen")
    visible(page, "Hotline ist abgeschaltet")
    page.get_by_role("button", name=f"Unterschied: Version {before + 1}").click()
    expect(page.locator("dialog .line.removed", has_text="busy")).to_be_visible()
    story.has_no_barrier(page, "difference of a version")
    page.get_by_role("button", name="Schließen").click()
    story.look(page, "versions")
    page.get_by_role("button", name=f"Zurückkehren: Version {before}").click()
    page.get_by_role("dialog").get_by_role("button", name="Zurückkehren").click()
    visible(page, f"Version {before + 2} ist in Betrieb")
    story.check("after going back the next call follows the old plan", calls("5000") == 486)


def two_at_once(story, page, token):
    """Somebody else publishes while one writes: nothing is overwritten."""
    tab(page, "In Sätzen")
    edit(page, "50-hotline.toml", HOTLINE.replace('reject = "busy"', 'reject = "unavailable"'))
    expect(page.locator(".plan-state")).to_contain_text("Entwurf gespeichert", timeout=10_000)
    running = int(re.search(r"Version (\d+)", page.inner_text(".plan-runs")).group(1))
    theirs = {**PLAN, "50-hotline.toml": HOTLINE.replace('reject = "busy"', 'reject = "not-found"')}
    api(token, "POST", "/dialplan/publish", {"files": theirs, "parent": running, "comment": "Nummer gibt es nicht mehr"})
    page.get_by_role("button", name="Veröffentlichen").click()
    page.fill("#publish-comment", "Hotline macht Pause")
    page.get_by_role("button", name="Jetzt veröffentlichen").click()
    visible(page, "Inzwischen hat jemand anders veröffentlicht")
    story.has_no_barrier(page, "three-way view")
    if story.screenshots:
        page.screenshot(path=story.screenshots / "conflict-1440.png")
    story.check("the second to publish overwrites nothing", calls("5000") == 404)
    page.get_by_label("Ihre Fassung").check()
    page.get_by_role("button", name="In den Entwurf übernehmen").click()
    expect(page.locator(".plan-state")).to_contain_text("Entwurf gespeichert", timeout=10_000)
    page.get_by_role("button", name="Veröffentlichen").click()
    page.fill("#publish-comment", "Hotline macht Pause")
    page.get_by_role("button", name="Jetzt veröffentlichen").click()
    visible(page, f"Version {running + 2} ist in Betrieb")
    story.check("and publishes what they decided", calls("5000") == 480)


def sees_the_calls(story, page):
    time.sleep(2.5)  # a record is there two seconds after its call
    area(page, "Anrufe")
    expect(page.locator(".rows tbody tr").first).to_be_visible(timeout=10_000)
    story.check("every call left a record", page.locator(".rows tbody tr").count() >= 6, str(page.locator(".rows tbody tr").count()))
    story.look(page, "calls")
    page.fill("#calls-status", "403")
    page.get_by_role("button", name="Suchen").click()
    expect(page.locator(".rows tbody tr")).to_have_count(1, timeout=10_000)
    with page.expect_download() as got:
        page.get_by_role("button", name="Als CSV").click()
    reason = "eine Regel des Wählplans weist diesen Anrufer ab"
    lines = pathlib.Path(got.value.path()).read_text()
    story.check("the list is a table for a spreadsheet, with the reason in the language of the page", "Hotline" in lines and reason in lines, lines[:600])
    story.check("why a call was refused is told in the language of the page", reason in page.inner_text(".rows tbody"), page.inner_text(".rows tbody"))
    page.locator(".rows tbody a").click()
    visible(page, "Weg durch den Wählplan")
    story.check("the ladder shows the answer", page.locator(".ladder-text.bad", has_text="403").count() == 1)
    visible(page, reason)
    story.check("so is what was decided", "abgewiesen: nicht erlaubt (403)" in page.inner_text(".facts"), page.inner_text(".facts"))
    story.look(page, "one call", lambda: page.wait_for_selector(".facts"))
    page.click(".language[lang=en]")
    visible(page, "a rule of the dialplan refuses this caller")
    page.click(".language[lang=de]")
    visible(page, reason)


def makes_a_meeting(story, page):
    area(page, "Konferenzen")
    visible(page, "Ratssitzung")
    page.get_by_role("button", name="Neue Konferenz").click()
    page.fill("#meeting-title", "Bauausschuss")
    page.fill("#meeting-opens", "2030-11-25T18:00")
    page.fill("#meeting-ends", "2030-11-25T20:00")
    page.get_by_role("dialog").get_by_role("button", name="Anlegen").click()
    visible(page, "Text der Einladung")
    page.fill("#dial-in", "030 9018 4000")
    text = page.input_value("#invitation")
    story.check("the invitation says how to dial in", "030 9018 4000" in text and "danach die PIN" in text, text)
    story.has_no_barrier(page, "invitation")
    if story.screenshots:
        page.screenshot(path=story.screenshots / "invitation-1440.png")
    with page.expect_download() as got:
        page.get_by_role("button", name="Kalenderdatei").click()
    story.check("the calendar file has the meeting", "SUMMARY:Bauausschuss" in pathlib.Path(got.value.path()).read_text())
    page.get_by_role("button", name="Schließen").click()
    story.look(page, "meetings")


def sees_what_is_under_way(story, page):
    """A call comes and goes, and the page tells it by itself."""
    area(page, "Jetzt")
    visible(page, "Zurzeit ruft niemand an")
    story.look(page, "nobody calls")
    phone = subprocess.Popen([sys.argv[1], "phone", f"sip:2000@127.0.0.1:{SIP_PORT}", "--seconds", "60", "--digits", ",,"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        expect(page.locator(".rows tbody tr")).to_have_count(1, timeout=10_000)
        story.look(page, "a call now")
        page.get_by_role("button", name="Verbinden: Anruf").click()
        page.fill("#transfer-to", "112")
        page.get_by_role("dialog").get_by_role("button", name="Verbinden").click()
        refused = page.get_by_role("dialog").get_by_role("alert")
        expect(refused).to_be_visible(timeout=10_000)
        story.check("nobody is transferred to an emergency", "Der Wählplan lässt" in refused.inner_text(), refused.inner_text())
        story.has_no_barrier(page, "transfer")
        if story.screenshots:
            page.screenshot(path=story.screenshots / "transfer-1440.png")
        page.get_by_role("dialog").get_by_role("button", name="Abbrechen").click()
        page.get_by_role("button", name="Auflegen: Anruf").click()
        page.get_by_role("dialog").get_by_role("button", name="Auflegen").click()
        visible(page, "Zurzeit ruft niemand an")
        story.check("a call is hung up from the console", phone.wait(10) is not None)
    finally:
        phone.kill()


def sees_the_trunks(story, page):
    area(page, "Anschlüsse")
    visible(page, "rathaus")
    story.look(page, "trunks")
    page.get_by_role("button", name="Prüfen: rathaus").click()
    page.get_by_role("dialog").get_by_role("button", name="Prüfen").click()
    expect(page.get_by_role("dialog").locator(".kern-alert").first).to_be_visible(timeout=90_000)
    story.check("the fault of a trunk is named", page.get_by_role("dialog").locator(".kern-alert").count() >= 1)
    story.has_no_barrier(page, "examined trunk")
    if story.screenshots:
        page.screenshot(path=story.screenshots / "trunk-check-1440.png")
    page.get_by_role("button", name="Schließen").click()


def reads_the_audit(story, page):
    area(page, "Protokoll")
    expect(page.locator(".rows tbody tr").first).to_be_visible(timeout=10_000)
    page.get_by_role("button", name="Kette prüfen").click()
    visible(page, "Die Kette ist unversehrt")
    story.look(page, "audit")
    page.fill("#audit-what", "signedIn")
    page.get_by_role("button", name="Suchen").click()
    expect(page.locator(".rows tbody tr")).to_have_count(1, timeout=10_000)
    story.check("the audit knows who signed in", "erika" in page.inner_text(".rows tbody"))


def makes_an_account(story, page):
    area(page, "Konten")
    visible(page, "erika")
    page.get_by_role("button", name="Neues Konto").click()
    page.fill("#account-name", "vorlage")
    page.get_by_role("dialog").get_by_role("button", name="Anlegen").click()
    visible(page, "Ein Token der Konfiguration hat diesen Namen")
    told = page.get_by_role("dialog").get_by_role("alert").inner_text()
    story.check("what the gateway refuses is told in German, with what to do", "So kann es nicht sein" in told and "Berichtigen Sie, was genannt ist" in told, told)
    story.has_no_barrier(page, "a refusal")
    if story.screenshots:
        page.screenshot(path=story.screenshots / "refusal-1440.png")
    page.fill("#account-name", "hans")
    page.select_option("#account-role", "viewer")
    page.get_by_role("dialog").get_by_role("button", name="Anlegen").click()
    visible(page, "Einmalpasswort: hans")
    story.check("a one-time password is told once", re.match(r"^[a-z0-9]{4}(-[a-z0-9]{4})+$", page.inner_text("dialog .key")))
    story.has_no_barrier(page, "one-time password")
    page.get_by_role("button", name="Schließen").click()
    story.look(page, "accounts")
    page.get_by_label("Rolle von hans").select_option("editor")
    visible(page, "Erledigt.")


def by_keyboard(story, browser, secret):
    """From the sign-in to a tried call and out again, without a mouse."""
    page = story.opens(browser)
    page.goto(f"{ADDRESS}/admin")
    page.wait_for_selector("#name")
    keys = page.keyboard

    to = functools.partial(goes_to, page)
    reached = [to("#name")]
    keys.type("erika")
    reached.append(to("#password"))
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_selector("#code", timeout=20_000)
    reached.append(to("#code"))
    keys.type(code_of(secret, 1))
    keys.press("Enter")
    page.wait_for_selector(".leaf", timeout=20_000)
    reached.append(to("#tab-" + "tree, #tab-try, #tab-week, #tab-coverage, #tab-history"))
    keys.press("Home")
    keys.press("ArrowRight")
    reached.append(to("#try-called"))
    keys.press("Control+a")
    keys.type("112")
    expect(page.locator(".verdict")).to_contain_text("Notruf", timeout=10_000)
    reached.append(to(".circumstances summary"))
    keys.press("Enter")
    reached.append(to("#try-diversion"))
    story.check("everything needed is reached by keyboard", all(reached), str(reached))
    page.evaluate("document.activeElement.blur()")
    reached = to(".tools .kern-btn--secondary")
    keys.press("Enter")
    expect(page.locator("#name")).to_be_visible(timeout=10_000)
    story.check("and out again", reached)
    page.context.close()


def play(story, playwright, token, password):
    api(token, "POST", "/dialplan/publish", {"files": PLAN, "parent": 0, "comment": "Plan der Stadt"})
    story.check("the plan that was published runs", calls("5000") == 486)
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    page = story.opens(browser)
    secret = signs_in_first(story, page, password)
    changes_the_plan(story, page)
    tries_a_call(story, page)
    tries_what_few_rules_ask_for(story, page)
    looks_around(story, page)
    publishes_and_goes_back(story, page)
    two_at_once(story, page, token)
    sees_the_calls(story, page)
    makes_a_meeting(story, page)
    sees_what_is_under_way(story, page)
    sees_the_trunks(story, page)
    reads_the_audit(story, page)
    makes_an_account(story, page)
    by_keyboard(story, browser, secret)
    browser.close()


def prepared(folder):
    """An account and a token; what the configuration says."""
    def run(*arguments):
        return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, check=True).stdout

    made = run("account", "add", "erika", "--role", "administrator", "--folder", str(folder / "kept"))
    token = run("api", "token", "vorlage", "--rights", "plan,edit,publish")
    text = "\n".join([
        "[sip]", f'listen = ["127.0.0.1:{SIP_PORT}"]', "[web]", f'listen = ["127.0.0.1:{WEB_PORT}"]', "[browsers]",
        f'listen = ["127.0.0.1:{MEDIA_PORT}"]', "[dialplan]", 'country = "DE"', 'area = "30"', "[[trunks]]", 'name = "rathaus"',
        'networks = ["127.0.0.9"]', f'dial = "sip:127.0.0.9:{SIP_PORT + 11}"', "[[meetings]]", 'room = "rat"',
        'title = "Ratssitzung"', 'id = "123456"', 'pin = "4711"', 'moderator_pin = "0815"', ""])
    text += token[token.index("[[api.tokens"):] + f'[store]\nfolder = "{folder}/kept"\n'
    return text, re.search(r"^ew_\S+", token, re.M).group(), made


def main():
    story = Story(ADDRESS)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        text, token, made = prepared(folder)
        password = password_of(made)
        with serving(folder, text, WEB_PORT):
            play(story, playwright, token, password)
    return story.ends({f"127.0.0.1:{WEB_PORT}"})


if __name__ == "__main__":
    sys.exit(main())
