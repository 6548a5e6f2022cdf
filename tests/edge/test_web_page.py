"""The page in a headless Chromium: what its users see, hear through a reader, and do.

With HEARTEN_SCREENSHOTS=FOLDER each test leaves a picture there.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import Engine
from edge.pack import open_pack
from edge.web.address import Address
from tests.edge.browser import Served, Visit, chromium, served
from tests.edge.made import read_wav
from tests.edge.pulse import wait_for
from tests.edge.test_cli import hearten

WIDE = {"viewport": {"width": 1200, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True}
SILENCE = bytes(32000)
UTTERANCES = "document.querySelectorAll('#utterances .utterance').length"

# Contrast of every visible text with what lies under it, after WCAG 2.
CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= .04045 ? c / 12.92
    : ((c + .055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const under = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.checkVisibility() || node.closest(".sr, noscript, :disabled")) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(under(node))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${node.textContent.slice(0, 40)}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """One server, which speaks when a test makes it."""
    with served("--stdin") as running:
        yield running


def picture(visit: Visit, name: str) -> None:
    """Leave a picture where one is wanted."""
    if folder := os.environ.get("HEARTEN_SCREENSHOTS"):
        visit.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def fine(visit: Visit) -> None:
    """Nothing went wrong, nothing was asked of another host, nothing is wider than the screen."""
    assert visit.faults == []
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", ["wide", "phone"])
def test_first_paint(browser: Any, server: Served, scheme: str, screen: str) -> None:
    context = {"color_scheme": scheme, **(WIDE if screen == "wide" else PHONE)}
    visit = Visit(browser, server.url, **context)
    visit.live()
    assert "Nothing is kept" in visit.text("#privacy")
    assert "Nothing leaves the device" in visit.text("#privacy")
    visit.until("document.getElementById('load').children.length > 6")
    background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) > 600) == (scheme == "light")
    assert visit.page.evaluate(CONTRAST) == []
    picture(visit, f"first-{screen}-{scheme}")
    fine(visit)
    visit.close()


def test_live_events(browser: Any, server: Served, samples: Path) -> None:
    first, second = (Visit(browser, server.url, **size) for size in (WIDE, PHONE))
    first.live()
    second.live()
    before = first.page.evaluate(UTTERANCES)
    server.speak(read_wav(samples / "gift_slt.wav"), pace=0.03)
    first.until("document.getElementById('guess').textContent.includes('speaking')")
    first.until("document.getElementById('speaking').textContent === 'speaking'")
    server.speak(SILENCE)
    for visit in (first, second):
        visit.until(f"{UTTERANCES} > {before}")
        assert "wonderful" in visit.text("#utterances .utterance:first-child .words")
        assert "words: wonderful" in visit.page.text_content("#said")
        label = visit.page.get_attribute("#plane", "aria-label")
        assert re.fullmatch(r"valence [+\u2212]\d\.\d\d, arousal [+\u2212]\d\.\d\d, .+", label)
        shares = visit.page.locator("#bars li > span:last-child").all_inner_texts()
        assert len(shares) == 8
        assert 96 <= sum(int(share.rstrip("%")) for share in shares) <= 104
        drawn = visit.page.evaluate("""() => ["plane", "strip"].map((id) => {
          const canvas = document.getElementById(id);
          const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(image.data.buffer)).size; })""")
        assert min(drawn) > 20  # colours: something is drawn
    first.until("document.getElementById('speaking').textContent === 'quiet'")
    assert first.page.evaluate(CONTRAST) == []
    picture(first, "live-wide")
    picture(second, "live-phone")
    for visit in (first, second):
        fine(visit)
        visit.close()


def test_a_page_that_comes_later_sees_the_results(
    browser: Any, server: Served, samples: Path
) -> None:
    visit = Visit(browser, server.url, **WIDE)
    visit.live()
    earlier = visit.page.evaluate(UTTERANCES)
    server.speak(read_wav(samples / "anger_slt.wav") + SILENCE)
    visit.until(f"{UTTERANCES} === {earlier + 1}")
    before = visit.text("#utterances")
    visit.page.reload()
    visit.until(f"{UTTERANCES} === {earlier + 1}")
    assert visit.text("#utterances") == before
    assert visit.text("#category") != "listening"
    fine(visit)
    visit.close()


def test_sliders_act_at_once_on_every_page(browser: Any, samples: Path) -> None:
    with served("--stdin") as server:  # of its own: settings are of all pages
        _slide(browser, server, samples)


def _slide(browser: Any, server: Served, samples: Path) -> None:
    first, second = (Visit(browser, server.url, color_scheme="dark", **WIDE) for _ in range(2))
    first.live()
    second.live()
    server.speak(read_wav(samples / "grief_slt.wav") + SILENCE)
    for visit in (first, second):
        visit.until("document.getElementById('category').textContent === 'sad'")
    usual = first.page.input_value("#reject")
    first.page.focus("#reject")
    first.page.keyboard.press("End")
    for visit in (first, second):
        visit.until("document.getElementById('category').textContent === 'unknown'")
        visit.until("document.getElementById('reject').value === '1'")
        assert visit.text("#guess").startswith("perhaps sad, ")
    server.speak(read_wav(samples / "grief_slt.wav") + SILENCE)  # the device itself decides so
    for visit in (first, second):
        visit.until("document.querySelector('#utterances .utterance:first-child .unknown')")
        assert "sad? " in visit.text("#utterances .utterance:first-child")
        assert visit.page.text_content("#said").startswith("unknown, perhaps sad")
    picture(second, "unknown-dark")
    second.page.get_by_role("button", name=re.compile("balanced")).click()
    first.until(f"document.getElementById('reject').value === '{usual}'")
    second.page.fill("#least", "1")
    first.until("document.getElementById('least').value === '1'")
    second.page.get_by_role("button", name=re.compile("pack")).click()
    first.until("document.getElementById('least').value === '0.15'")
    for visit in (first, second):
        fine(visit)
        visit.close()


def test_the_table(browser: Any, server: Served, samples: Path) -> None:
    visit = Visit(browser, server.url, **WIDE)
    visit.live()
    server.speak(read_wav(samples / "grief_slt.wav") + SILENCE)
    visit.until("document.getElementById('said').textContent.includes('horrible')")
    with visit.page.expect_download() as saving:
        visit.page.click("#save")
    assert re.fullmatch(r"hearten-[\d-]+\.csv", saving.value.suggested_filename)
    content = Path(saving.value.path()).read_bytes().decode()
    assert content.count("\r\n") == content.count("\n") == visit.page.evaluate(UTTERANCES) + 1
    rows = list(csv.DictReader(io.StringIO(content)))
    assert rows[-1]["words"].startswith("died horrible death")
    assert rows[-1]["category"] == "sad"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", rows[-1]["time"])
    shares = [float(value) for name, value in rows[-1].items() if name.startswith("p_")]
    assert sum(shares) == pytest.approx(1, abs=0.01)
    visit.page.click("#clear")
    assert visit.page.evaluate(UTTERANCES) == 0
    assert visit.page.is_disabled("#save")
    fine(visit)
    visit.close()


def test_it_comes_back_by_itself(browser: Any, samples: Path) -> None:
    with served("--stdin", "--no-words") as server:
        visit = Visit(browser, server.url, **WIDE)
        visit.live()
        server.speak(read_wav(samples / "anger_slt.wav") + SILENCE)
        visit.until(f"{UTTERANCES} === 1")
        server.process.kill()
        server.process.wait()
    visit.until("document.getElementById('connection').textContent === 'reconnecting'")
    picture(visit, "reconnecting")
    with served("--stdin", "--no-words", port=server.port) as server:
        visit.live()
        assert visit.page.evaluate(UTTERANCES) == 1  # what was heard is still there
        server.speak(read_wav(samples / "fear_rms.wav") + SILENCE)
        visit.until(f"{UTTERANCES} === 2")
        assert "hearten was restarted" in visit.text("#utterances")
        picture(visit, "reconnected")
    unreachable = [fault for fault in visit.faults if "ERR_" not in fault]
    assert unreachable == []
    visit.close()


def test_a_recording_is_heard_as_by_hearten_file(
    browser: Any, server: Served, samples: Path
) -> None:
    visit = Visit(browser, server.url, **WIDE)
    visit.live()
    sample = samples / "grief_rms.wav"
    visit.page.set_input_files("#file", sample)
    save = visit.page.locator("#recordings").get_by_role("button", name="Save as CSV")
    with visit.page.expect_download() as saving:
        save.click()
    assert saving.value.suggested_filename == "grief_rms.csv"
    rows = list(csv.DictReader(io.StringIO(Path(saving.value.path()).read_text())))
    events = map(json.loads, hearten("file", sample, "--json").stdout.splitlines())
    for row, event in zip(rows, events, strict=True):
        for name in ("category", "valence", "arousal", "dominance", "confidence", "start", "end"):
            same = (
                float(row[name]) == event[name] if name != "category" else row[name] == event[name]
            )
            assert same, name
        assert row["words"] == " ".join(word["word"] for word in event["words"])
        assert row["file"] == sample.name
    assert visit.text("#job") == "grief_rms.wav: 1 utterance in 0:02.9"
    picture(visit, "recording")
    fine(visit)
    visit.close()


def test_notices_and_a_full_house(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.web import hub
    from edge.web.view import Page

    monkeypatch.setattr(hub, "PAGES", 1)
    here = Address("127.0.0.1", 0)
    with Engine.open(words=False) as engine, Page(engine, here, Namespace()) as page:
        page.note("USB microphone is gone; waiting for it")
        visit = Visit(browser, page.address.url, **PHONE)
        visit.live()
        page.note("USB microphone is back")
        visit.until("document.querySelectorAll('.notice').length === 2")
        assert "is gone; waiting" in visit.text("#notices")
        assert visit.text("#last") == "Voice only: words are not heard"
        assert visit.page.locator("#least").count() == 0
        picture(visit, "notices")
        fine(visit)
        visit.page.locator(".notice button").first.click()
        assert visit.page.locator(".notice").count() == 1
        other = Visit(browser, page.address.url, **WIDE)
        assert "pages are open already; close one of them" in other.text("body")
        other.close()
        visit.close()
        wait_for(lambda: page._hub.pages == 0, "the page to be counted out")


DROP = """async ([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  const given = { bubbles: true, cancelable: true, dataTransfer };
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, given));
  }
}"""


def test_dropped_files_good_and_bad(browser: Any, server: Served, samples: Path) -> None:
    import base64

    visit = Visit(browser, server.url, **PHONE)
    visit.live()
    drop = lambda name, data: visit.page.evaluate(DROP, [name, base64.b64encode(data).decode()])  # noqa: E731
    drop("notes.txt", b"this is no sound at all")
    visit.until("document.querySelector('#job.refused')")
    assert visit.text("#job").startswith("notes.txt cannot be read as sound")
    drop('a "quoted", name.wav', (samples / "joy_awb.wav").read_bytes())
    visit.until("document.querySelector('#recordings .utterance')")
    assert 'a "quoted", name.wav' in visit.text("#recordings h2")
    visit.until("document.getElementById('progress').hidden")
    assert not visit.page.is_visible("#stop")
    picture(visit, "dropped-phone")
    fine(visit)
    visit.page.get_by_role("button", name=re.compile("Close a")).click()
    assert visit.page.locator("#recordings section").count() == 0
    visit.close()


def test_by_keyboard_alone(browser: Any, server: Served, samples: Path) -> None:
    visit = Visit(browser, server.url, **WIDE)
    visit.live()
    server.speak(read_wav(samples / "joy_kal16.wav") + SILENCE)
    visit.until(f"{UTTERANCES} > 0")
    reached = []
    for _ in range(12):
        visit.page.keyboard.press("Tab")
        reached.append(
            visit.page.evaluate("document.activeElement.id || document.activeElement.textContent")
        )
    wanted = [
        "save",
        "clear",
        "utterances",
        "reject",
        "balanced",
        "cautious",
        "least",
        "pack",
        "file",
    ]
    places = [next(i for i, name in enumerate(reached) if name.startswith(w)) for w in wanted]
    assert reached[0].startswith("Skip")
    assert places == sorted(places)
    visit.page.fill("#reject", "0.5")
    visit.page.focus("#reject")
    visit.page.keyboard.press("ArrowRight")
    assert float(visit.page.input_value("#reject")) == 0.51
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert visit.page.evaluate(outline) == "solid"  # where the focus is, is seen
    visit.page.get_by_role("button", name=re.compile("balanced")).press("Enter")
    balanced = open_pack().manifest.reject["balanced"]
    visit.until(f"document.getElementById('reject').value === '{balanced:.2f}'")
    visit.close()


def test_what_a_screen_reader_is_told(browser: Any, server: Served, samples: Path) -> None:
    visit = Visit(browser, server.url, **WIDE)
    visit.live()
    server.speak(read_wav(samples / "gift_slt.wav") + SILENCE)
    visit.until("document.getElementById('said').textContent.includes('wonderful')")
    tree = visit.page.locator("body").aria_snapshot()
    for part in (
        'heading "hearten" [level=1]',
        'region "Valence and arousal"',
        'img "valence ',
        'list "Class probabilities"',
        'slider "Say “unknown” below',
        'button "Save as CSV"',
        'button "choose one"',
        'log "Latest utterance"',
        "weight 0.",
    ):
        assert part in tree, f"{part} is not in\n{tree}"
    polite = visit.page.locator("[aria-live]")
    assert polite.evaluate_all("all => all.map((node) => node.id)") == ["said"]
    nameless = visit.page.evaluate("""() => [...document.querySelectorAll("button,input,a,canvas")]
      .filter((node) => !(node.textContent.trim() || node.ariaLabel || node.labels?.length))
      .map((node) => node.outerHTML)""")
    assert nameless == []
    visit.close()
