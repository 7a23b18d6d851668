"""Writes by noun: one function is one act in one transaction, the actor first. What a click and an API call share.

Services know nothing of requests, forms, JSON or HTML; they raise portal.errors."""
