#!/usr/bin/env python3
"""Writes src/dialplan/holidays.txt: the public holidays of every member of the EU and the EEA, and of its parts.

The dates are those of the Python package `holidays` (MIT, PyPI), which cites the law of each country. A line is a country
or a part of it (ISO 3166-2), a year, and the days as month and day.
Usage: pip install holidays, then tools/public_holidays.py. Made anew once a year, or when a law changes.
"""
import importlib.metadata
import pathlib
import re

import holidays

MEMBERS = """AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK""".split()
ISO_3166_2 = re.compile("[A-Z0-9]{1,3}")
YEARS = range(2025, 2041)
TARGET = pathlib.Path(__file__).parent.parent / "src/dialplan/holidays.txt"


def lines():
    for country in MEMBERS:
        whole = holidays.country_holidays(country, years=YEARS)
        yield from years(country, whole)
        for part in filter(ISO_3166_2.fullmatch, whole.subdivisions):
            days = holidays.country_holidays(country, subdiv=part, years=YEARS)
            if set(days) != set(whole):
                yield from years(f"{country}-{part}", days)
            else:
                yield f"{country}-{part} ="


def years(place, days):
    for year in YEARS:
        found = sorted(day for day in days if day.year == year)
        yield f"{place} {year} " + " ".join(f"{day:%m%d}" for day in found)


def main():
    head = f"# Public holidays from the Python package holidays {importlib.metadata.version('holidays')} (MIT), by tools/public_holidays.py.\n"
    TARGET.write_text(head + "".join(line + "\n" for line in lines()), encoding="utf-8")


if __name__ == "__main__":
    main()
