"""The authorization server: Authlib behind Starlette, with pages of its own.

`endpoints` are the machine's doors (token, revocation, introspection, keys, discovery), `authorize` is the people's. docs/security.md goes
through RFC 9700 point by point.
"""

from api.oauth.endpoints import OAuth

__all__ = ["OAuth"]
