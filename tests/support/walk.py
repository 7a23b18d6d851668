"""A site as somebody finds it who follows every link: its pages, and the forms on them as a browser would send them."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

# Buttons that put what they say into the form only where they are pressed.
PRESSED = ("submit", "image")
NEVER_SENT = ("button", "reset")
MEASURED = {"date", "time", "datetime-local", "month", "week", "number"}


@dataclass
class HtmlForm:
    """A form: where it was found, where it is sent, and what a browser sends where nothing is changed in it."""

    page: str
    action: str
    method: str
    multipart: bool = False
    pairs: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    # Of boxes that are not ticked, too.
    names: list[str] = field(default_factory=list)
    # Which types of inputs it has, and whether the browser checks them before it sends them.
    types: set[str] = field(default_factory=set)
    # The names of fields for dates, times and numbers.
    measured: set[str] = field(default_factory=set)
    checked: bool = True

    def add(self, name: str, value: str, *, sent: bool = True) -> None:
        if name not in self.names:
            self.names.append(name)
        if sent:
            self.pairs.append((name, value))


class _Parser(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.links: list[str] = []
        self.forms: list[HtmlForm] = []
        self._by_id: dict[str, HtmlForm] = {}
        self._open: HtmlForm | None = None
        self._select: tuple[HtmlForm | None, str, list[tuple[str, bool]]] | None = None
        self._text: tuple[HtmlForm | None, str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        owner = self._by_id.get(given["form"]) if "form" in given else self._open
        name = given.get("name", "")
        if tag == "option" and self._select is not None:
            self._select[2].append((given.get("value", ""), "selected" in given))
        elif tag == "a" and "href" in given:
            self.links.append(urljoin(self.page, given["href"]))
        elif tag == "form":
            self._open = HtmlForm(
                self.page,
                urljoin(self.page, given.get("action") or self.page),
                given.get("method", "get").upper(),
                given.get("enctype") == "multipart/form-data",
                checked="novalidate" not in given,
            )
            self.forms.append(self._open)
            if "id" in given:
                self._by_id[given["id"]] = self._open
        elif owner is not None and "data-hx-post" in given:
            # What a script sends: the same fields to another address.
            self.forms.append(replace(owner, action=urljoin(self.page, given["data-hx-post"]), method="POST"))
        elif owner is not None and name and "disabled" not in given:
            self._field(tag, given, owner, name)

    def _field(self, tag: str, given: dict[str, str], owner: HtmlForm, name: str) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text")
        if tag == "textarea":
            self._text = (owner, name, [])
        elif tag == "select":
            self._select = (owner, name, [])
        elif tag in ("input", "button") and kind in PRESSED:
            owner.buttons.append((name, given.get("value", "")))
            if "formaction" in given:
                self.forms.append(replace(owner, action=urljoin(self.page, given["formaction"])))
        elif tag == "input" and kind not in NEVER_SENT:
            owner.types.add(kind)
            if kind in MEASURED or given.get("inputmode") in ("numeric", "decimal"):
                owner.measured.add(name)
            ticked = kind not in ("checkbox", "radio") or "checked" in given
            owner.add(name, given.get("value", "on" if kind == "checkbox" else ""), sent=ticked)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text[2].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea" and self._text is not None:
            owner, name, parts = self._text
            self._text = None
            if owner is not None:
                owner.add(name, "".join(parts).removeprefix("\n"))
        elif tag == "select" and self._select is not None:
            owner, name, options = self._select
            self._select = None
            chosen = [value for value, selected in options if selected] or [value for value, _ in options[:1]]
            if owner is not None:
                for value in chosen or [""]:
                    owner.add(name, value, sent=bool(chosen))


def parse_page(page: str, text: str) -> tuple[list[str], list[HtmlForm]]:
    """The links (resolved) and the forms of a page."""
    parser = _Parser(page)
    parser.feed(text)
    return parser.links, parser.forms


def link_form(page: str, link: str) -> HtmlForm:
    """The query of a link, as the form that it would be."""
    parts = urlsplit(link)
    form = HtmlForm(page, parts.path, "GET")
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        form.add(name, value)
    return form


def walk(
    get: Callable[[str], tuple[int, str]],
    starts: Iterable[str],
    kind_of: Callable[[str, str], str | None],
    most: int = 3,
) -> dict[tuple[str, str, tuple[str, ...]], HtmlForm]:
    """Every form that can be reached, one for each target and set of fields; links with a query are forms, too.

    `get` answers a status and a page, `kind_of` the endpoint of a link and a method (None: not this site's). So many
    pages are read of each endpoint at `most`.
    """
    found: dict[tuple[str, str, tuple[str, ...]], HtmlForm] = {}
    seen: set[str] = set()
    read = Counter[str]()
    waiting = deque(starts)
    while waiting:
        link = waiting.popleft().partition("#")[0]
        kind = kind_of(link, "GET")
        if kind is None or link in seen or read[kind] >= most:
            continue
        seen.add(link)
        read[kind] += 1
        status, text = get(link)
        if status != 200:
            continue
        links, forms = parse_page(link, text)
        queries = [link_form(link, it) for it in links if urlsplit(it).query]
        for form in [*forms, *queries]:
            target = kind_of(form.action, form.method)
            if target is not None:
                found.setdefault((target, form.method, tuple(sorted(form.names))), form)
        waiting.extend(links)
        waiting.extend(form.action for form in forms if form.method == "GET")
    return found
