"""Executed notebooks as web pages that need no network: a small style sheet, no script, formulas as MathML.

Their layout is in ``templates/gallery``: Jinja's templates, which nbconvert fills with cells. Every browser since 2023
displays MathML, so MathJax is not needed. Used by :mod:`stegolab.gallery`.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .lab import three_digits

if TYPE_CHECKING:
    from jinja2 import Template
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Card:
    """One notebook on the index page.

    ``picture`` is (data address, alternative text), ``ran`` means that it has a page, ``earlier`` names its run if that
    is not the current one.
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
    """The executed ``notebook`` as one self-contained page, without widgets, which need a kernel and a script."""
    metadata = {name: value for name, value in notebook.metadata.items() if name != "widgets"}
    page, _ = _exporter().from_notebook_node(
        type(notebook)(notebook, metadata=type(notebook)(metadata)),
        {"title": title, "style": _style() + _code_colours()},
    )
    return page


def index_page(cards: Sequence[Card], profile: str) -> str:
    """The front page: a card for each notebook with its first picture and its headline figure."""
    return _front().render(
        style=_style(),
        cards=cards,
        profile=profile,
        failed=sum(card.error is not None for card in cards),
        now=sum(not card.earlier for card in cards),
    )


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
    """LaTeX as MathML; ``display`` is inline or block. What the converter cannot read remains LaTeX, shown as code.

    It reads fractions, scripts, roots, matrices, ``aligned``, operators and Greek.
    """
    from latex2mathml.converter import convert

    try:
        converted = convert(latex.replace("{aligned}", "{matrix}"), display=display)
    except Exception:  # the converter's errors have no common base class
        return f"<code>{escape(latex)}</code>"
    if "{aligned}" in latex:
        converted = converted.replace("<mtable>", '<mtable class="aligned">', 1)
    converted = converted.replace(r"\|", "‖")  # the converter misses this one after \big
    # Names of functions are operators and need space: n ln 2, not nln2.
    return re.sub("<mi>([a-z]{2,})</mi>", r'<mo lspace="0.167em" rspace="0.167em">\1</mo>', converted)


@cache
def _front() -> Template:
    """The template of the front page, which escapes everything that it shows."""
    from jinja2 import Environment, FileSystemLoader

    pages = Environment(loader=FileSystemLoader(TEMPLATES / "gallery"), autoescape=True, keep_trailing_newline=True)
    pages.filters |= {"three_digits": three_digits, "address": partial(quote, errors="surrogateescape")}
    return pages.get_template("front.html.j2")


@cache
def _exporter() -> HTMLExporter:
    """Nbconvert's exporter with our template: formulas become MathML, and links to notebooks lead to their pages."""
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
                return text  # a file of the project, of which the gallery has no copy
            return super().link(text, page, title)

    def markdown2html(source: str) -> str:
        return MarkdownWithMath(renderer=Renderer(escape=False)).render(source)

    exporter = HTMLExporter(extra_template_basedirs=[str(TEMPLATES)], template_name="gallery")
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)  # successive output in one box
    exporter.register_filter("markdown2html", markdown2html)
    # Sanitising would take half of the time, and Pygments has already escaped the code.
    exporter.register_filter("clean_html", lambda html: html)
    return exporter


def _style() -> str:
    return (TEMPLATES / "gallery" / "style.css").read_text(encoding="utf-8")


def _code_colours() -> str:
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("default", "github-dark"))
    plain = ".highlight, .highlight pre { background: none !important; }"
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{plain}"
