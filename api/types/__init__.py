"""The types of the public schema, and the one mapper that fills them."""
