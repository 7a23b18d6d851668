"""Google behind the provider interface; the only room that imports its libraries."""
