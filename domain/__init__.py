"""The rules of settlement, without a server (決済のルール).

Everything here but `domain.store` is pure: it looks at values and answers with values. No clock, no network, no SQL;
what time it is and what the database holds come in as arguments. That is why the rules can be tried by tables in a
second.
"""
