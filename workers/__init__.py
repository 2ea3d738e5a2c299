"""The workers: whatever happens by itself. They talk to banks and carriers, and move work from step to step.

Messages on the queues carry IDs and are hints; what is due stands in PostgreSQL.
"""
