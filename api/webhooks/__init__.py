"""Webhooks and mail [0038]: registered here, told by the same reader of the log as sockets are, delivered by workers."""
