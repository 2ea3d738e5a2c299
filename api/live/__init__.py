"""Live updates: the log of events, followed over WebSockets and server-sent events without a loss, a double or a gap."""
