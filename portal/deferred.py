"""Something that most processes never use, loaded where it is first used.

Google's libraries take 25 MB and a fifth of a second; a web server needs them only while somebody connects or looks at
a preview. The composition root names the object, so that everybody else goes on importing what they need at the top.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any


class Deferred:
    """Stands for `module.name(*arguments)`, which is made once, at the first call or the first use of an attribute."""

    def __init__(self, module: str, name: str, *arguments: Any) -> None:
        self._named = module, name, arguments
        self._lock = threading.Lock()
        self._object: Any = None

    def _made(self) -> Any:
        with self._lock:
            if self._object is None:
                module, name, arguments = self._named
                self._object = getattr(import_module(module), name)(*arguments)
        return self._object

    def __call__(self, *arguments: Any) -> Any:
        return self._made()(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)
