"""Google Calendar as a provider. Only this package imports Google's libraries; `scopes` alone does without them."""
