"""No real bank or account in the project: invented numbers begin with 9, everywhere that data are made up."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from tests.house.sources import ROOT, files, python_files, text, tree

BANK_KEYS = {"bank", "bank_code", "bankcode", "main_bank"}
ACCOUNT_KEYS = {"account", "account_number", "accountnumber", "number", "account_no"}


def groups(path: PurePosixPath) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, names and values) wherever text is given to names together: a call, a dictionary, an assignment."""
    named: list[tuple[object, ast.expr]]
    for node in ast.walk(tree(path)):
        match node:
            case ast.Call(keywords=keywords):
                named = [(keyword.arg, keyword.value) for keyword in keywords]
            case ast.Dict(keys=keys, values=values):
                named = [(key.value, value) for key, value in zip(keys, values, strict=True) if isinstance(key, ast.Constant)]
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                named = [(name, value)]
            case _:
                continue
        texts = {str(name): value.value for name, value in named if isinstance(value, ast.Constant) and isinstance(value.value, str)}
        if texts:
            yield node.lineno, texts


def real(texts: dict[str, str]) -> list[str]:
    """What of it could be somebody's bank or account. At a sandbox bank (999x) every account is invented."""
    lowered = {name.lower(): value for name, value in texts.items()}
    banks = [f"{name}={value!r}" for name, value in lowered.items() if name in BANK_KEYS and re.fullmatch(r"[0-8]\d{3}", value)]
    accounts = [f"{name}={value!r}" for name, value in lowered.items() if name in ACCOUNT_KEYS and re.fullmatch(r"[0-8]\d{6}", value)]
    at_sandbox = any(name in BANK_KEYS and value.startswith("999") for name, value in lowered.items())
    return banks + ([] if at_sandbox else accounts)


def test_invented_numbers_in_code_begin_with_9():
    wrong = [
        f"{path}:{line} {found}"
        for path in python_files("tests", "sandbox", "kessai", "api", "workers")
        for line, texts in groups(path)
        for found in real(texts)
    ]
    assert not wrong


def test_invented_numbers_in_data_begin_with_9():
    def walk(value: Any) -> Iterator[dict[str, str]]:
        if isinstance(value, dict):
            yield {key: inner for key, inner in value.items() if isinstance(inner, str)}
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from walk(inner)

    data = [path for path in files() if path.suffix == ".json" and path.parts[0] in {"tests", "sandbox", "kessai", "docs"}]
    wrong = [f"{path}: {found}" for path in data for texts in walk(json.loads(text(path))) for found in real(texts)]
    assert not wrong


def test_examples_in_documents_begin_with_9():
    key = re.compile(r"""["']?(bankCode|bank_code|number|accountNumber|account_number)["']?\s*[:=]\s*["'](\d+)["']""")
    pages = [path for path in files() if path.suffix == ".md"]
    wrong = [f"{path}: {found.group()}" for path in pages for found in key.finditer(text(path)) if real({found.group(1): found.group(2)})]
    assert not wrong


def test_bank_files_among_the_tests_are_of_sandbox_banks():
    """Data records of debit (91) and credit (21) files have the bank code in columns 2 to 5."""
    wrong = [
        f"{path}:{number}"
        for path in files()
        if path.parts[0] == "tests" and path.name.startswith(("21_", "91_"))
        for number, record in enumerate((ROOT / path).read_bytes().splitlines(), 1)
        if record[:1] == b"2" and record[1:4] != b"999"
    ]
    assert not wrong
