"""The WSGI application, for servers and for `flask --app wsgi`."""

import os
import sys

from portal.app import create_app
from portal.config import load_settings
from portal.errors import ConfigError

# Flask's own command line says so in the environment before it loads the application. The worker is a service like
# the web server: outside the demo it needs a key of its own.
on_command_line = os.environ.get("FLASK_RUN_FROM_CLI") == "true"
words = (word for word in sys.argv[1:] if word not in ("--app", "-A", "wsgi", "wsgi:app") and word[:1] != "-")
command = on_command_line and next(words, "") != "worker"
try:
    app = create_app(load_settings(os.environ, command=command))
except ConfigError as error:
    sys.exit(f"portal: {error.message}")

if on_command_line:
    from portal.cli.register import register

    register(app)
