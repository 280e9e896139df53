"""Executed notebooks as web pages that need no network: own small style sheet, no script, formulas as MathML.

The body of a page comes from nbconvert's bare template; every browser since 2023 draws MathML itself, so there is no
MathJax to load. Used by :mod:`stegolab.gallery`.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .lab import three_digits

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --faint: #57606a; --line: #d0d7de; --page: #fff; --box: #f6f8fa;
        --link: #0059a8; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e2e6ea; --faint: #9aa4af; --line: #3a424c; --page: #14181d; --box: #1e242b; --link: #7cc4ff;
          --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 64rem; font: 16px/1.6 system-ui, sans-serif;
       color: var(--text); background: var(--page); overflow-wrap: break-word; }
p, ul, ol { max-width: 50rem; }
a { color: var(--link); }
h1, h2, h3 { line-height: 1.25; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
pre, code { font: 13px/1.5 ui-monospace, monospace; }  /* 120 columns fit */
pre { overflow-x: auto; margin: 0; padding: .6rem .8rem; }
@media (min-width: 60rem) { .output pre { white-space: pre-wrap; } }  /* narrow screens scroll: columns stay columns */
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; }
figure { margin: 1rem 0; } audio { width: 100%; max-width: 30rem; }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "DejaVu Math TeX Gyre", math; }
.formula { display: block; max-width: 100%; margin: 1rem 0; overflow: auto hidden; }
.aligned mtd:nth-child(odd) { text-align: right; } .aligned mtd:nth-child(even) { text-align: left; }
.input { margin-top: 1rem; border: 1px solid var(--line); border-radius: 6px; background: var(--box); }
.output { margin: .4rem 0 1rem; } .output_error, .failed { color: var(--bad); }
.prompt, .anchor-link { display: none; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: 1rem; max-width: none;
         padding: 0; list-style: none; }
.cards li { border: 1px solid var(--line); border-radius: 8px; padding: 1rem; background: var(--box); }
.cards h2 { font-size: 1.1rem; margin: .6rem 0 .3rem; }
.cards img { width: 100%; height: 9rem; object-fit: contain; }
.headline { font-size: 1.4rem; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
.faint { color: var(--faint); margin: 0; }
"""


@dataclass(frozen=True)
class Card:
    """One notebook on the index page.

    ``picture`` is (data address, alternative text), ``ran`` means it has a page, ``earlier`` tells of which run it is
    when it is not of the one just made.
    """

    name: str
    title: str
    metrics: dict[str, Any]
    seconds: float
    error: str | None = None
    picture: tuple[str, str] | None = None
    ran: bool = True
    earlier: str = ""


def notebook_page(notebook: NotebookNode, title: str) -> str:
    """The executed ``notebook`` as one self-contained page. Widgets need a kernel and a script: they are left out."""
    metadata = {name: value for name, value in notebook.metadata.items() if name != "widgets"}
    body, _ = _exporter().from_notebook_node(type(notebook)(notebook, metadata=type(notebook)(metadata)))
    back = '<nav><a href="index.html">All notebooks</a></nav>'
    return _page(title, f"{back}<main>{body}</main>", STYLE + _code_colours())


def index_page(cards: Sequence[Card], profile: str) -> str:
    """The front page: a card for each notebook with its first picture and its headline figure."""
    items = "\n".join(_card(card) for card in cards)
    failed = sum(card.error is not None for card in cards)
    state = f'<span class="failed">{failed} failed</span>' if failed else "all passed"
    now = sum(not card.earlier for card in cards)
    executed = "" if now == len(cards) else f", {now} executed now, the others in earlier runs"
    told = f"{len(cards)} notebooks, profile {escape(profile)}, {state}{executed}"
    head = f'<h1>stegolab</h1><p class="faint">{told}</p>'
    return _page("stegolab", f'<main>{head}<ul class="cards">{items}</ul></main>', STYLE)


def title_of(notebook: NotebookNode) -> str | None:
    """The first heading of the notebook's first cell."""
    if not notebook.cells:
        return None
    heading = re.search(r"^#\s+(.+)$", notebook.cells[0].source, re.MULTILINE)
    return heading[1].strip() if heading else None


def first_picture(notebook: NotebookNode) -> tuple[str, str] | None:
    """The first figure among the outputs, reduced to 640 x 360: (data address, alternative text)."""
    from PIL import Image

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for kind in ("image/png", "image/jpeg"):
                if kind in output.get("data", {}):
                    encoded = base64.b64decode(output.data[kind])
                    picture = Image.open(io.BytesIO(encoded)).convert("RGB")
                    picture.thumbnail((640, 360))
                    buffer = io.BytesIO()
                    picture.save(buffer, "JPEG", quality=85)
                    alt = output.metadata.get(kind, {}).get("alt", "First figure of the notebook")
                    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}", alt
    return None


def mathml(latex: str, display: str = "inline") -> str:
    """LaTeX as MathML; ``display`` is inline or block. What the converter cannot read stays LaTeX, as code.

    It reads fractions, scripts, roots, matrices, ``aligned``, operators and Greek.
    """
    from latex2mathml.converter import convert

    try:
        converted = convert(latex.replace("{aligned}", "{matrix}"), display=display)
    except Exception:  # the converter's errors share no base class
        return f"<code>{escape(latex)}</code>"
    if "{aligned}" in latex:
        converted = converted.replace("<mtable>", '<mtable class="aligned">', 1)
    converted = converted.replace(r"\|", "‖")  # it forgets this one after \big
    # Names of functions are operators, and keep a distance: n ln 2, not nln2.
    return re.sub("<mi>([a-z]{2,})</mi>", r'<mo lspace="0.167em" rspace="0.167em">\1</mo>', converted)


def _card(card: Card) -> str:
    """One list item."""
    picture = ""
    if card.picture:
        address, alt = card.picture
        picture = f'<img src="{address}" alt="{escape(alt)}">'
    if card.error:
        headline = f'<p class="failed">{escape(card.error)}</p>'
    else:
        name, value = next(iter(card.metrics.items()))
        headline = f'<p class="headline">{escape(three_digits(value))}</p><p class="faint">{escape(name)}</p>'
    title = escape(card.title)
    if card.ran:
        title = f'<a href="{quote(card.name, errors="surrogateescape")}.html">{title}</a>'
    when = f"{card.seconds:g} s, {escape(card.earlier)}" if card.earlier else f"{card.seconds:g} s"
    return f'<li>{picture}<h2>{title}</h2>{headline}<p class="faint">{when}</p></li>'


@cache
def _exporter() -> HTMLExporter:
    """Nbconvert's exporter for the body of a page: formulas become MathML here, links to notebooks lead to pages."""
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    class Renderer(IPythonRenderer):
        def inline_math(self, body: str) -> str:
            return mathml(body)

        def block_math(self, body: str) -> str:
            return f'<span class="formula">{mathml(body, "block")}</span>'

        def link(self, text: str, url: str, title: str | None = None) -> str:
            page = re.sub(r"^(\w+)\.ipynb\b", r"\1.html", url)
            if page == url and not re.match(r"[a-z]+:|#", url):
                return text  # a file of the project: the gallery has no copy
            return super().link(text, page, title)

    def markdown2html(source: str) -> str:
        return MarkdownWithMath(renderer=Renderer(escape=False)).render(source)

    exporter = HTMLExporter(template_name="basic")
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)  # what is printed in turn, in one box
    exporter.register_filter("markdown2html", markdown2html)
    # Sanitising would take half of the time, for code that Pygments has escaped already.
    exporter.register_filter("clean_html", lambda html: html)
    return exporter


def _page(title: str, body: str, style: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n<body>{body}</body></html>\n"
    )


def _code_colours() -> str:
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("default", "github-dark"))
    plain = ".highlight, .highlight pre { background: none !important; }"
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{plain}"
