"""Who may import whom. Import contracts in pyproject.toml say it for packages; this walks every import statement."""

import sys

import pytest

from tests.house.sources import OURS, ROOMS, belongs, imports, python_files

PURE_DOMAIN = [path for path in python_files("domain") if path.parts[:2] != ("domain", "store")]

# room: (what of ours it may import, whether it may import other people's packages)
ALLOWED: dict[str, tuple[tuple[str, ...], bool]] = {
    "domain": (("domain",), True),  # pure domain: see below
    "zengin": (("zengin",), False),
    "iso20022": (("iso20022",), False),
    "sandbox": (("sandbox",), True),
    "api": (("api", "domain", "zengin"), True),
    "workers": (("workers", "domain", "zengin", "iso20022"), True),
    "kessai": (("kessai", "api", "workers", "domain", "zengin", "iso20022"), True),
    "bench": (("bench", "kessai", "api", "workers", "domain", "zengin", "iso20022"), True),
}


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_import_only_what_they_may(room: str):
    ours, others = ALLOWED[room]
    wrong = [
        f"{path}:{line} imports {module}"
        for path in python_files(room)
        for line, module in imports(path)
        if (any(belongs(module, name) for name in OURS) and not any(belongs(module, name) for name in ours))
        or (not others and module.partition(".")[0] not in {*sys.stdlib_module_names, *ours})
    ]
    assert not wrong, f"{room}/ may import of ours only {', '.join(ours)}"


def test_the_domain_is_the_standard_library_and_itself():
    assert PURE_DOMAIN
    wrong = [
        f"{path}:{line} imports {module}"
        for path in PURE_DOMAIN
        for line, module in imports(path)
        if belongs(module, "domain.store") or module.partition(".")[0] not in {*sys.stdlib_module_names, "domain"}
    ]
    assert not wrong, "deciding and doing live apart: domain/ without store/ knows no database and no library"


def test_nobody_but_the_store_speaks_sql():
    database = ("tortoise", "asyncpg", "pypika_tortoise", "psycopg", "sqlalchemy")
    wrong = [
        f"{path}:{line} imports {module}"
        for path in python_files(*ROOMS)
        if path.parts[:2] != ("domain", "store")
        for line, module in imports(path)
        if any(belongs(module, name) for name in database)
    ]
    assert not wrong, "domain/store/ is the only place with SQL and ORM"


def test_the_domain_reads_no_clock_and_no_environment():
    """Nobody below the edge asks what time it is: business time is read once per unit of work and passed down."""
    from tests.house.calls import calls

    asking = {"now", "today", "utcnow", "time", "time_ns", "monotonic", "getenv"}
    wrong = [
        f"{path}:{call.line} calls {call.name}"
        for path in PURE_DOMAIN
        for call in calls(path)
        if call.last in asking and call.name.split(".")[0] in {"datetime", "date", "time", "os", "dt"}
    ]
    assert not wrong
