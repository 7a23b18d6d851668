"""The address at which Google tells of changes, as strangers meet it."""

import sqlite3

import pytest


@pytest.mark.sqlite_only
def test_a_forged_notification_waits_for_no_writer(live_database):
    writer = sqlite3.connect(live_database.url.removeprefix("sqlite:///"), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    headers = {"X-Goog-Channel-ID": "nobody's", "X-Goog-Channel-Token": "guessed", "X-Goog-Resource-State": "exists"}
    answer = live_database.app.test_client().post("/google/notifications", headers=headers)
    writer.close()
    assert answer.status_code == 404
