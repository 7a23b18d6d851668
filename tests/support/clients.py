"""The published API clients of several versions, installed by `make test` (tools/prepare.py), not inside tests."""

import sys
from pathlib import Path

import pytest

from tests.support.shared import unavailable
from tools.prepare import CLIENT_VERSIONS


@pytest.fixture(scope="session")
def waldur_client_dirs() -> dict[str, Path]:
    """Version -> folder to put on PYTHONPATH of a subprocess (they exclude each other in one process)."""
    folders = {version: Path(sys.prefix) / "clients" / version for version in CLIENT_VERSIONS}
    missing = [version for version, folder in folders.items() if not (folder / "waldur_api_client").is_dir()]
    if missing:
        unavailable(f"waldur-api-client {', '.join(missing)} not installed: `make test` does it")
    return folders
