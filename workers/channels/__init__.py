"""Channels: how bytes get to banks and carriers and back. One small interface each; `tests/channels` holds every channel to it."""
