"""What production never loads: the Google Calendar emulator and the demo.

May import anything of the portal. Nothing outside of it imports it, except `make run` and its tools and, when it is
called, the command `demo`.
"""
