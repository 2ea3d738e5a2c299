"""Where a webhook may go: the text of an address, and the number that is connected to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from domain.hook_address import Where, may_call, problem_of

NUMBERS = """
    93.184.216.34              yes
    8.8.8.8                    yes
    2606:2800:220:1::1         yes
    127.0.0.1                  development
    127.255.255.254            development
    10.0.0.1                   development
    172.16.0.1                 development
    172.31.255.255             development
    192.168.1.1                development
    fd00:ec2::254              development
    fc00::1                    development
    ::1                        development
    ::ffff:127.0.0.1           development
    ::ffff:10.0.0.1            development
    ::ffff:8.8.8.8             yes
    0.0.0.0                    no
    0.1.2.3                    no
    100.64.0.1                 no
    100.127.255.255            no
    169.254.169.254            no
    ::ffff:169.254.169.254     no
    169.254.0.1                no
    192.0.0.1                  no
    192.0.2.1                  development
    198.18.0.1                 no
    203.0.113.1                development
    224.0.0.1                  no
    239.255.255.255            no
    240.0.0.1                  no
    255.255.255.255            no
    ::                         no
    ::127.0.0.1                no
    64:ff9b::7f00:1            no
    64:ff9b::a9fe:a9fe         no
    64:ff9b:1::1               no
    2001::1                    no
    2002:7f00:1::              no
    fe80::1                    no
    fe80::1%eth0               no
    fec0::1                    no
    ff02::1                    no
    100::1                     no
"""


@pytest.mark.parametrize("row", [line.split() for line in NUMBERS.strip().splitlines()], ids=lambda row: row[0])
def test_numbers(row: list[str]):
    number, expected = ip_address(row[0]), row[1]
    assert may_call(number, Where()) is (expected == "yes")
    if "192.0.2" not in row[0] and "203.0.113" not in row[0]:
        assert may_call(number, Where(allow_private=True)) is (expected != "no")


URLS = """
    https://shop.example/hooks                      yes
    https://shop.example                            yes
    https://shop.example:443/x?y=z                  yes
    https://SHOP.example./x                         yes
    https://8.8.8.8/x                               yes
    https://[2606:2800:220:1::1]/x                  yes
    http://shop.example/                            development
    https://shop.example:8443/                      development
    https://127.0.0.1/                              development
    https://10.1.2.3/                               development
    https://[::1]/                                  development
    https://[::ffff:127.0.0.1]/                     development
    https://[fd00::1]/                              development
    https://localhost/                              development
    https://api.localhost/                          development
    https://printer.local/                          development
    https://metadata.google.internal/               development
    https://intranet/                               development
    https://169.254.169.254/latest/meta-data        no
    https://[::ffff:169.254.169.254]/               no
    https://[::ffff:a9fe:a9fe]/                     no
    https://2130706433/                             no
    https://0x7f000001/                             no
    https://0x7f.1/                                 no
    https://017700000001/                           no
    https://0177.0.0.1/                             no
    https://127.1/                                  no
    https://127.0.0.1./                             no
    https://1.1.1.1.1/                              no
    https://shop.example:0/                         no
    https://shop.example:99999/                     no
    https://shop.example:x/                         no
    https://user@shop.example/                      no
    https://user:secret@shop.example/               no
    https://shop.example/#part                      no
    https://shop.example\\@127.0.0.1/               no
    https://[fe80::1%25eth0]/                       no
    https://[shop.example]/                         no
    https://-shop.example/                          no
    https://shop..example/                          no
    https://%31%32%37.0.0.1/                        no
    https://１２７.0.0.1/                            no
    https://日本.example/                            no
    https:///x                                      no
    https:shop.example                              no
    ftp://shop.example/                             no
    file:///etc/passwd                              no
    gopher://shop.example/                          no
    shop.example                                    no
"""


@pytest.mark.parametrize("row", [line.split() for line in URLS.strip().splitlines()], ids=lambda row: row[0])
def test_addresses(row: list[str]):
    assert (problem_of(row[0], Where()) is None) is (row[1] == "yes")
    assert (problem_of(row[0], Where(allow_private=True)) is None) is (row[1] != "no")


@pytest.mark.parametrize("url", ["https://shop.example/" + "x" * 2_000, "https://shop.example/\nhost: x", "https://shop.example/ x", ""])
def test_what_is_no_address(url: str):
    assert problem_of(url, Where(allow_private=True)) is not None


def test_more_ports_by_setting():
    where = Where(ports=frozenset({443, 8443}))
    assert problem_of("https://shop.example:8443/", where) is None
    assert problem_of("https://shop.example:8080/", where) is not None
