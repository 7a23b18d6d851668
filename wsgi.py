"""The application: `app` for WSGI servers and `flask --app wsgi`, `asgi` for the server of `make serve`."""

import os
import sys

from portal.app import create_app, load_catalogue, make_asgi
from portal.config import load_settings
from portal.errors import ConfigError

try:
    app = create_app(load_settings(os.environ))
    # Flask's command line sets this variable. A web server goes without the commands: they are a third of its memory.
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        from portal.cli.register import register

        register(app)
    else:
        load_catalogue(app)
        asgi = make_asgi(app, threads=min(8, 2 * (os.cpu_count() or 1)))
except ConfigError as error:
    sys.exit(f"portal: {error.message}")
