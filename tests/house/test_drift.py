"""What is written down twice says the same: the schema and the code, the models and the migrations and the database."""

from tests.house.sources import ROOT


def test_the_committed_schema_is_what_the_code_serves():
    from api.schema import sdl

    written = (ROOT / "schema.graphql").read_text(encoding="utf-8")
    assert written == sdl(), "make schema writes it; a change of it is read in review"


async def test_models_migrations_and_database_agree(database_url: str):
    from domain.store.migrate import drift

    assert await drift(database_url) == [], "write a migration for what the models say (or take it out of them)"


async def test_migrating_twice_changes_nothing(database_url: str):
    from domain.store.migrate import migrate, pending

    assert await pending(database_url) == []
    assert await migrate(database_url) == []
