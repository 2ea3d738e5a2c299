"""How much an operation may ask: its shape before it is validated, its price before it runs, and how often its client may ask.

Nothing here costs more than the length of the document: what fragments share is measured once (docs/limits.md).
"""
