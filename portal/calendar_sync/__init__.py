"""Keeps Google calendars equal to the bookings of their offerings; docs/google-calendar.md describes how.

The modules at the bottom (errors, provider, plan, states, freshness) are pure: values and rules that every layer may
import. The others read and write the database and call a provider; only portal.worker, portal.web, portal.api,
portal.cli and portal.app import them. Code of a provider lives in portal.calendar_sync.providers.
"""
