"""The queue, its tasks and the periodic tasks."""
