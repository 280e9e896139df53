"""Pages: formulas become MathML, text stays text, pictures keep their alternative text."""

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from stegolab import pages


def png(width: int, height: int) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def page_of(markdown: str) -> str:
    return pages.notebook_page(new_notebook(cells=[new_markdown_cell(markdown)]), "A page")


def test_formulas_become_mathml() -> None:
    text = page_of(r"Law $x' = x + a$ and" "\n\n" r"$$\frac{P}{N}$$")
    assert text.count("<math") == 2 and "<mfrac>" in text and 'display="block"' in text and "$" not in text


def test_what_the_converter_does_not_know_is_added() -> None:
    aligned = pages.mathml(r"\begin{aligned} p &\leftarrow d \\ x &\leftarrow p \end{aligned}", "block")
    assert aligned.count("<mtr>") == 2 and aligned.count("<mtd>") == 4 and "&amp;" not in aligned
    assert '<mtable class="aligned">' in aligned and "aligned" not in pages.mathml(r"\begin{matrix} a & b \end{matrix}")
    assert pages.mathml(r"\big\| x \big\|").count("‖") == 2
    assert '<mo lspace="0.167em" rspace="0.167em">ln</mo>' in pages.mathml(r"n \ln 2")


def test_links_lead_to_pages_and_never_out_of_the_gallery() -> None:
    text = page_of("[one](03_a.ipynb) [part](03_a.ipynb#Part) [web](https://example.org/x.ipynb) [card](../card.md)")
    assert '<a href="03_a.html">one</a>' in text and '<a href="03_a.html#Part">part</a>' in text
    assert '<a href="https://example.org/x.ipynb">web</a>' in text
    assert "> card</p>" in text and "card.md" not in text


def test_what_is_printed_in_turn_is_one_text() -> None:
    printed = [new_output("stream", text=f"{line}\n") for line in ("one", "two")]
    text = pages.notebook_page(new_notebook(cells=[new_code_cell("1", outputs=printed)]), "A page")
    assert "one\ntwo" in text


@given(source=st.text(alphabet="<>&\"'ab #", min_size=1, max_size=12))
def test_code_stays_text(source: str) -> None:
    text = pages.notebook_page(new_notebook(cells=[new_code_cell(f"<script>{source}")]), "A page")
    assert "<script" not in text


def test_a_dollar_in_code_is_no_formula() -> None:
    text = page_of("Type `echo $HOME and $PATH`")
    assert "<math" not in text and "echo $HOME and $PATH" in text


@pytest.mark.parametrize("latex", [r"a^b^c", r"\left( x", "x_", ""])
def test_what_cannot_be_converted_stays_readable(latex: str) -> None:
    assert pages.mathml(latex) == f"<code>{latex}</code>"


@given(latex=st.text(alphabet=r"\{}^_&<>ab1 $", max_size=12))
def test_no_formula_breaks_the_page(latex: str) -> None:
    text = pages.mathml(latex)
    assert text.startswith(("<math", "<code>")) and text.endswith(("</math>", "</code>"))


def test_the_page_keeps_outputs_and_their_alternative_text() -> None:
    figure = new_output("display_data", {"image/png": png(4, 4)}, metadata={"image/png": {"alt": "A red square"}})
    cells = [new_code_cell("x < 1", execution_count=1, outputs=[figure, new_output("stream", text="a < b")])]
    text = pages.notebook_page(new_notebook(cells=cells), "T & <t>")
    assert "<title>T &amp; &lt;t&gt;</title>" in text
    assert 'alt="A red square"' in text and "a &lt; b" in text
    assert "prefers-color-scheme: dark" in text and '<html lang="en">' in text


def test_widgets_are_left_out_of_the_page_but_not_of_the_notebook() -> None:
    state = {"application/vnd.jupyter.widget-state+json": {"state": {"1": {}}, "version_major": 2, "version_minor": 0}}
    notebook = new_notebook(cells=[new_code_cell("1")], metadata={"widgets": state})
    assert "<script" not in pages.notebook_page(notebook, "A page")
    assert "widgets" in notebook.metadata


def test_the_title_is_the_first_heading() -> None:
    assert pages.title_of(new_notebook(cells=[new_markdown_cell("# Hide & seek\n\n## Later")])) == "Hide & seek"
    assert pages.title_of(new_notebook(cells=[new_markdown_cell("No heading")])) is None
    assert pages.title_of(new_notebook()) is None


def test_the_first_picture_is_reduced_and_keeps_its_words() -> None:
    shown = [
        new_output("stream", text="text"),
        new_output("display_data", {"image/png": png(1280, 400)}, metadata={"image/png": {"alt": "Red"}}),
        new_output("display_data", {"image/png": png(5, 5)}),
    ]
    picture = pages.first_picture(new_notebook(cells=[new_markdown_cell("x"), new_code_cell("y", outputs=shown)]))
    assert picture is not None
    address, alt = picture
    header, encoded = address.split(",")
    thumbnail = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert (header, thumbnail.size, alt) == ("data:image/jpeg;base64", (640, 200), "Red")


def test_no_picture() -> None:
    assert pages.first_picture(new_notebook(cells=[new_code_cell("1")])) is None


def test_a_card_escapes_what_it_shows() -> None:
    card = pages.Card("00_a", "<b>", {"psnr_db": 41.25, "other": 1}, 1.5, None, ("data:x", 'say "red"'))
    text = pages.index_page([card], "smoke")
    assert "&lt;b&gt;" in text and "<b>" not in text and 'alt="say &#34;red&#34;"' in text
    assert "41.2" in text and "psnr_db" in text and "other" not in text
    assert "all passed" in text


def test_a_failed_card_tells_the_error_instead() -> None:
    text = pages.index_page([pages.Card("00_a", "A", {}, 1.5, "00_a: In [3] `x<y`: E")], "smoke")
    assert "00_a: In [3] `x&lt;y`: E" in text and "1 failed" in text
