"""The HTML face: a blueprint a file. Views fetch by actor, call a service, render. Never imports portal.api."""
