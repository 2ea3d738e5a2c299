"""Kessai, the settlement server: what holds the rooms together.

Here the processes are put together and started: settings, logs, the embedded engines, the command line. Everybody may
be
imported from here; nobody imports this package.
"""

__version__ = "0.1.0"
