"""Migrations, oldest first. Each says why in its docstring; data repair travels apart from schema changes."""
