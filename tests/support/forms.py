"""A form of a page as a browser holds it and sends it back."""

import html
import re
from typing import Any

from werkzeug.test import TestResponse


class Form:
    """The form that a page of `visitor` has; what was answered last stands in `answer`.

    Fields that stand there several times are lists.
    """

    def __init__(self, visitor: Any, path: str, *, opening: str = '<form class="booking"') -> None:
        """`opening`: how the tag of the form begins."""
        self.visitor, self.path, self._opening = visitor, path, opening
        self.answer: TestResponse = visitor.get(path)

    def load(self) -> "Form":
        """The page anew."""
        self.answer = self.visitor.get(self.path)
        return self

    @property
    def fields(self) -> dict[str, Any]:
        """What a browser would send, were the form sent as it stands there."""
        text = self.answer.text.partition(self._opening)[2].partition("</form>")[0]
        found: dict[str, list[str]] = {}
        for tag in re.findall(r"<input[^>]*>", text):
            name, value = re.search(r' name="([\w-]+)"', tag), re.search(r' value="([^"]*)"', tag)
            if name and (" checked" in tag or not re.search(r'type="(checkbox|radio)"', tag)):
                found.setdefault(name[1], []).append(html.unescape(value[1] if value else ""))
        for name, value in re.findall(r'<textarea[^>]* name="([\w-]+)"[^>]*>\n(.*?)</textarea>', text, re.DOTALL):
            found[name] = [html.unescape(value).replace("\n", "\r\n")]
        for name, options in re.findall(r'<select[^>]* name="([\w-]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
            found[name] = (re.findall(r'value="([^"]*)" selected', options) or re.findall(r'value="([^"]*)"', options))[
                :1
            ]
        return {name: values[0] if len(values) == 1 else values for name, values in found.items()}

    def send(self, press: str = "keep", value: str = "1", **typed: Any) -> TestResponse:
        """Send it with what is `typed` in it, by the button `press`."""
        kind = "multipart/form-data" if 'enctype="multipart/form-data"' in self.answer.text else None
        fields = {**self.fields, **typed, press: value}
        self.answer = self.visitor.client.post(self.path, data=fields, content_type=kind)
        return self.answer
