"""How `domain/calendar_data/holidays_jp.txt` is made. `python -m tests.domain.holidays_file` prints it afresh."""

import sys
from datetime import date
from importlib.metadata import version

import holidays

FROM = date(1990, 1, 1)
THROUGH = date(2027, 12, 31)

_HEAD = """\
# 銀行休業日: days other than Saturdays and Sundays on which Japanese banks do not work, and holidays that fall on them.
# National holidays, substitute and sandwiched holidays, 31 December to 3 January. Data with a horizon: outside
# `from` and `through` the calendar refuses to answer. `through` is the last year that is officially published.
# Built from release {release} of the package "holidays" (JP, public and bank); a test compares the two.
from {first}
through {last}
"""


def built() -> str:
    years = range(FROM.year, THROUGH.year + 1)
    found = holidays.country_holidays("JP", years=years, categories=("public", "bank"), language="ja")
    head = _HEAD.format(release=version("holidays"), first=FROM, last=THROUGH)
    return head + "".join(f"{day} {name}\n" for day, name in sorted(found.items()) if FROM <= day <= THROUGH)


if __name__ == "__main__":
    sys.stdout.write(built())
