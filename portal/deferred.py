"""Lazy loading of objects that most processes never use, such as Google's libraries (25 MB and 0.2 s)."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any


class Deferred:
    """A proxy of `module.name(*arguments)`, which is created at the first call or attribute access."""

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
