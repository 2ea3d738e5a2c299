"""Strangers at the other end of the wire: banks, a carrier and market sites, with one clock over all of them.

Written from docs/wire.md and from the record layouts of the bank files, not from our code: it imports nothing of ours,
and it has a reader and a writer of its own, so that one misreading cannot hide on both sides. docs/sandbox.md says how
it is configured and how it is made to misbehave.
"""
