"""The application: `app` for WSGI servers and `flask --app wsgi`, `asgi` for the server of `make serve`."""

import os
import sys

from portal.app import MAX_BODY_BYTES, create_app, load_catalogue
from portal.asgi import AsgiApplication
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
        asgi = AsgiApplication(app, threads=min(8, 2 * (os.cpu_count() or 1)), most_bytes=MAX_BODY_BYTES)
except ConfigError as error:
    sys.exit(f"portal: {error.message}")
