"""The gallery as its readers see it: every stored notebook's page and the index, opened from disk in a real Chromium.

The expected content is counted in the notebooks; the actual content is queried from the browser, once per page.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from stegolab import execution, pages

playwright = pytest.importorskip("playwright.sync_api", reason="no browser is driven without playwright")

NOTEBOOKS = {path.stem: path for path in sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))}
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

PROBE = r"""() => {
  const all = selector => [...document.querySelectorAll(selector)];
  const box = element => { const {width, height} = element.getBoundingClientRect(); return [width, height]; };
  const prose = document.body.cloneNode(true);
  prose.querySelectorAll('pre, code, math').forEach(element => element.remove());
  return {
    images: all('img').map(i => ({complete: i.complete, width: i.naturalWidth, alt: i.alt.trim()})),
    players: all('audio').map(a => ({
      duration: a.duration, error: a.error ? a.error.message : null, box: box(a), shown: a.checkVisibility(),
      caption: a.parentElement.querySelector('figcaption')?.innerText.trim(),
    })),
    formulas: all('math').map(m => ({box: box(m), text: m.textContent})),
    prose: prose.textContent,
    links: all('a[href]').filter(a => !a.hash).map(a => a.href),
    cards: all('.cards > li').map(card => ({
      images: card.querySelectorAll('img').length, title: card.querySelector('h2 a')?.innerText,
      headline: card.querySelector('.headline')?.innerText, link: card.querySelector('h2 a')?.href,
    })),
  };
}"""

OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

# WCAG 2's contrast of every piece of text with the first painted background behind it: the worst, and its text.
CONTRAST = r"""() => {
  const rgba = colour => { const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const luminance = colour => {
    const [r, g, b] = rgba(colour).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let worst = [21, ''];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    if (!node.textContent.trim() || !node.parentElement.checkVisibility()) continue;
    let behind = node.parentElement;
    while (behind && rgba(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const ground = behind ? getComputedStyle(behind).backgroundColor : 'rgb(255, 255, 255)';
    const ink = getComputedStyle(node.parentElement).color;
    const [dark, light] = [luminance(ink), luminance(ground)].sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < worst[0]) worst = [contrast, node.textContent.trim().slice(0, 60)];
  }
  return worst;
}"""


def headline(notebook: NotebookNode) -> dict[str, str]:
    """The first metric that ``run.finish`` printed, as the card shows it."""
    [(name, value)] = re.findall(r"^results\.json.*\n  (\w+) = (.+)$", notebook.cells[-1].outputs[0].text, re.MULTILINE)
    return {name: value}


def counted(notebook: NotebookNode) -> dict[str, int]:
    """How many figures, players and formulas the page of ``notebook`` must have."""
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    figures = sum("image/png" in data or "image/jpeg" in data for data in shown)
    players = sum(data.get("text/html", "").count("<audio") for data in shown)
    return {"images": figures, "players": players, "formulas": len(written(notebook, r"\$\$.+?\$\$|\$[^$]+\$"))}


def written(notebook: NotebookNode, pattern: str) -> list[str]:
    """What matches ``pattern`` in the prose of ``notebook``: its Markdown, displayed too, without code."""
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    texts += [data["text/markdown"] for data in shown if "text/markdown" in data]
    prose = (re.sub(r"```.*?```|`[^`\n]+`", "", text, flags=re.DOTALL) for text in texts)
    return [found for text in prose for found in re.findall(pattern, text, re.DOTALL)]


@pytest.fixture(scope="module")
def notebooks() -> dict[str, NotebookNode]:
    return {name: execution.read(path) for name, path in NOTEBOOKS.items()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, notebooks: dict[str, NotebookNode]) -> Path:
    """The gallery of the notebooks as they are stored."""
    folder = tmp_path_factory.mktemp("site")
    cards = []
    for name, notebook in notebooks.items():
        title = pages.title_of(notebook) or name
        (folder / f"{name}.html").write_text(pages.notebook_page(notebook, title), encoding="utf-8")
        cards.append(pages.Card(name, title, headline(notebook), 1.0, picture=pages.first_picture(notebook)))
    (folder / "index.html").write_text(pages.index_page(cards, "smoke"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip(f"no Chromium here: none of {', '.join(names)} is on the path")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])  # only our pages: root may
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["index", *NOTEBOOKS])
def seen(request: pytest.FixtureRequest, site: Path, browser: Any) -> Iterator[dict[str, Any]]:
    """What the browser knows of one page, opened with the network cut off."""
    context = browser.new_context(viewport=DESKTOP, offline=True)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    context.on("request", lambda one: asked.append(one.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((site / f"{request.param}.html").as_uri())
    with suppress(playwright.TimeoutError):  # the durations will tell
        page.wait_for_function("[...document.querySelectorAll('audio')].every(a => a.readyState || a.error)")
    facts = {"name": request.param, "asked": asked, "said": said, **page.evaluate(PROBE)}
    facts["contrast"] = {"light": page.evaluate(CONTRAST)}
    facts["overflow"] = {"desktop": page.evaluate(OVERFLOW)}
    page.set_viewport_size(PHONE)
    facts["overflow"]["phone"] = page.evaluate(OVERFLOW)
    page.emulate_media(color_scheme="dark")
    facts["contrast"]["dark"] = page.evaluate(CONTRAST)
    context.close()
    yield facts


def test_nothing_is_missing(seen: dict[str, Any], notebooks: dict[str, NotebookNode]) -> None:
    there = {kind: len(seen[kind]) for kind in ("images", "players", "formulas")}
    if seen["name"] == "index":
        assert there == {"images": len(notebooks), "players": 0, "formulas": 0}
    else:
        assert there == counted(notebooks[seen["name"]])


def test_every_picture_is_drawn_and_told(seen: dict[str, Any]) -> None:
    assert seen["images"]
    for image in seen["images"]:
        assert image["complete"] and image["width"] > 100 and image["alt"]


def test_every_player_can_play(seen: dict[str, Any]) -> None:
    for player in seen["players"]:
        assert player["error"] is None and player["duration"] > 0
        assert player["shown"] and player["box"][0] > 200 and player["box"][1] > 20
        assert player["caption"]


def test_every_formula_is_drawn(seen: dict[str, Any]) -> None:
    for formula in seen["formulas"]:
        assert min(formula["box"]) > 0
        assert not re.search(r"[\\$&]", formula["text"])
    assert not re.search(r"\$[^$\n]+\$|\\[a-zA-Z(\[|]|Math Processing Error", seen["prose"])


def test_nothing_is_asked_of_the_network(seen: dict[str, Any]) -> None:
    assert seen["asked"] and all(url.startswith(("file:", "data:")) for url in seen["asked"])


def test_the_browser_has_nothing_to_complain_about(seen: dict[str, Any]) -> None:
    assert seen["said"] == []


def test_links_between_pages_arrive(seen: dict[str, Any], site: Path, notebooks: dict[str, NotebookNode]) -> None:
    reached = [url for url in seen["links"] if url.startswith("file:")]
    named = list(notebooks)
    if seen["name"] != "index":
        named = ["index", *written(notebooks[seen["name"]], r"\]\((\w+)\.ipynb\)")]
    assert reached == [(site / f"{name}.html").as_uri() for name in named]
    assert not [name for name in named if not (site / f"{name}.html").exists()]


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_the_page_scrolls_down_only(screen: str, seen: dict[str, Any]) -> None:
    assert seen["overflow"][screen] == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(scheme: str, seen: dict[str, Any]) -> None:
    contrast, text = seen["contrast"][scheme]
    assert contrast >= 4.5, text


def test_the_index_has_a_whole_card_for_each_notebook(site: Path, browser: Any, notebooks: dict[str, Any]) -> None:
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    cards = page.evaluate(PROBE)["cards"]
    assert [Path(card["link"]).stem for card in cards] == list(notebooks)
    for card, notebook in zip(cards, notebooks.values(), strict=True):
        assert (card["images"], card["title"]) == (1, pages.title_of(notebook))
        assert card["headline"] == next(iter(headline(notebook).values()))
    page.click("h2 a")
    assert page.inner_text("h1") == cards[0]["title"]
    page.click("nav a")
    assert page.url == (site / "index.html").as_uri()
    page.close()
