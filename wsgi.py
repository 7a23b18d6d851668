"""The WSGI application, for servers and for `flask --app wsgi`."""

import os
import sys

from portal.app import create_app
from portal.config import load_settings
from portal.errors import ConfigError

try:
    # Flask's own command line says so in the environment before it loads the application.
    app = create_app(load_settings(os.environ, command=os.environ.get("FLASK_RUN_FROM_CLI") == "true"))
except ConfigError as error:
    sys.exit(f"portal: {error.message}")
