"""The Google Calendar emulator: accounts, consent, tokens, calendars, events and sharing with Google's own API.

A separate program for the demo, for development and for the tests, so that every button works without a Google
account and the real client library runs against it unchanged. It listens on loopback only, starts only where no
Google client is configured, and says on every page that it is not Google.

It knows nothing of the portal and imports none of its packages.
"""
