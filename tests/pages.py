"""A page of the report as a test reads it, and text that tries to break out of one."""

from html.parser import HTMLParser

from solver.report import write_report

NASTY = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>"
    "{{ 7*7 }}{% raw %}</style></title></pre>&lt; \x1b[31mred\x1b]0;owned\x07\x00\u202e$x$ |a|"
)
HOSTILE = [
    "<script>alert(1)</script>",
    r"$\text{<script>alert(1)</script>}$",
    r"$\href{javascript:alert(1)}{click}$",
    r"$\style{background:url(//evil)}{x} \class{top}{y}$",
    r"$\text{&lt;img src=x onerror=alert(1)&gt;}$",
    r"\begin{align}<b onclick=alert(1)>&\\\end{align}",
    "```python\n'</code><img src=x onerror=alert(1)>'\n```",
    '" onmouseover="alert(1)',
    "\x1b[31mred\x1b[0m \x9b31m \x00 \u202egnp.exe \ud800 \uffff",
    r"$\newcommand{\a}{\a\a}\a$",
    r"$\rule{9999em}{9999em}$",
    "[x](javascript:alert(1)) ![y](//evil) <//evil> [z]\n\n[z]: //evil",
    "# <b>\n\n|a|b|\n|:-|-:|\n|<i>|$x$|",
    "\ue0000\ue001 \ue00099\ue001 $y$",
]
"""Formulas, Markdown and others that try to become markup."""
VOID = {"meta", "br", "img", "link", "input", "hr"}
STRUCTURE = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "main",
    "section",
    "footer",
}
WORDS = {
    "nav",
    "h1",
    "h2",
    "h3",
    "p",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "a",
    "code",
    "pre",
    "div",
    "span",
}
FIGURES = {"figure", "figcaption", "svg", "path", "line", "rect", "text"}
FORMULAS = {"math", "mi"}
"""What `$x$` becomes."""
TABLES = {"details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td"}


class Page(HTMLParser):
    """Tags, attributes and visible text of a page; a tag closed by another raises ValueError."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open, self.words = [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            raise ValueError(f"left open: {self.open}")

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        if (top := self.open.pop()) != tag:
            raise ValueError(f"<{top}> is closed by </{tag}>")

    def handle_data(self, text):
        if not self.open or self.open[-1] != "style":
            self.words.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def page_of(*folders, output):
    return write_report(list(folders), output).read_text(encoding="utf-8")
