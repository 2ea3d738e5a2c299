"""The one room that knows SQL and the ORM: tables, migrations, queries and bulk statements.

What is due, what a fact changes and who may see what are decided in `domain`; this room carries the decisions out, set by set.
Every statement on a home table names its home; every write happens in one short explicit transaction (docs/architecture.md).
"""
