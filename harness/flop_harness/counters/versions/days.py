"""Days of releases whose version tells none.

``DAYS`` are those of the newest file in the package that pip downloads:

python -m flop_harness.counters.versions.days torchinfo 0.0.1 0.0.2
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from flop_harness.counters.versions.released import date_in

DAYS: Mapping[str, str] = {
    "torchinfo": """
        0.0.1 2020-09-17  0.0.2 2020-10-10  0.0.3 2020-12-24  0.0.4 2021-01-02  0.0.5 2021-01-21
        0.0.6 2021-02-14  0.0.7 2021-02-20  0.0.8 2021-02-21  0.0.9 2021-04-10  0.1.0 2021-05-08
        0.1.1 2021-05-09  0.1.2 2021-05-22  0.1.3 2021-06-04  0.1.4 2021-06-07  0.1.5 2021-06-13
        1.5.0 2021-07-03  1.5.1 2021-07-05  1.5.2 2021-07-06  1.5.3 2021-08-07  1.5.4 2021-11-24
        1.6.0 2021-12-21  1.6.1 2021-12-24  1.6.2 2022-01-11  1.6.3 2022-01-15  1.6.4 2022-03-23
        1.6.5 2022-03-25  1.6.6 2022-05-16  1.7.0 2022-05-28  1.7.1 2022-09-26  1.7.2 2023-02-05
        1.8.0 2023-05-14
    """,
    "ptflops": """
        0.1 2019-04-09  0.2 2019-05-15  0.3 2019-06-17  0.4 2019-09-23  0.5.1 2019-12-09
        0.5.2 2019-12-30  0.6 2020-04-14  0.6.1 2020-04-24  0.6.2 2020-05-25  0.6.3 2020-11-12
        0.6.4 2020-12-07  0.6.5 2021-05-26  0.6.6 2021-07-13  0.6.7 2021-12-10  0.6.8 2022-01-20
        0.6.9 2022-05-06  0.7 2023-04-18  0.7.1 2023-10-17  0.7.1.1 2023-10-17  0.7.1.2 2023-10-27
        0.7.2.1 2023-12-26  0.7.2.2 2024-01-21  0.7.3 2024-05-04  0.7.4 2024-09-28  0.7.5 2025-08-20
    """,
    "flopth": """
        0.0.1 2019-02-21  0.0.2 2020-08-15  0.0.3 2020-08-15  0.0.4 2020-09-11  0.0.5 2021-12-19
        0.0.501 2021-12-19  0.0.502 2021-12-19  0.1.1 2022-10-23  0.1.2 2022-10-23
        0.1.3 2023-01-30  0.1.4 2023-12-04  0.1.5 2023-12-08
    """,
    "torchscan": """
        0.1.0 2020-03-21  0.1.1 2020-08-03  0.1.2 2022-08-03
    """,
    "torchsummary": """
        1.0 2018-04-24  1.1 2018-04-25  1.3 2018-05-25  1.4 2018-08-09
        1.5 2018-09-17  1.5.1 2018-09-26
    """,
    "torchsummaryX": """
        1.0.0 2018-07-30  1.1.0 2019-02-03  1.2.0 2019-06-05  1.3.0 2019-07-07
    """,
    "torchstat": """
        0.0.5 2018-10-28  0.0.6 2018-10-31  0.0.7 2018-11-02
    """,
    "pytorch-model-summary": """
        0.1 2019-12-23  0.1.1 2019-12-24  0.1.2 2020-08-30
    """,
    "torch-flops": """
        0.1.0 2023-10-26  0.1.1 2023-10-26  0.1.2 2023-11-28  0.1.3 2024-01-18  0.2.1 2024-01-18
        0.3.1 2024-01-19  0.3.2 2024-01-19  0.3.3 2024-01-19  0.3.4 2024-01-20  0.3.5 2024-01-20
        0.3.6 2024-09-05  0.4.0 2025-12-23  0.4.1 2025-12-23
    """,
    "torchprofile": """
        0.0.1 2020-06-16  0.0.2 2020-11-20  0.0.3 2021-04-15  0.0.4 2021-06-22  0.1.0 2026-03-10
    """,
    "ultralytics-thop": """
        0.0.1 2024-05-31  0.0.2 2024-05-31  0.0.3 2024-05-31  0.2.3 2024-05-31  0.2.4 2024-05-31
        0.2.5 2024-06-01  0.2.6 2024-06-01  0.2.7 2024-06-03  0.2.8 2024-06-09  0.2.9 2024-06-16
        2.0.0 2024-06-16  2.0.1 2024-08-17  2.0.2 2024-08-17  2.0.3 2024-08-18  2.0.4 2024-08-19
        2.0.5 2024-08-19  2.0.6 2024-08-31  2.0.7 2024-09-22  2.0.8 2024-09-22  2.0.9 2024-10-05
        2.0.10 2024-10-29  2.0.11 2024-11-07  2.0.12 2024-11-19  2.0.13 2024-12-08
        2.0.14 2025-01-16  2.0.15 2025-08-04  2.0.16 2025-08-20  2.0.17 2025-09-03
        2.0.18 2025-10-29  2.0.19 2026-04-24  2.0.20 2026-06-06  2.0.21 2026-07-26
        2.0.22 2026-07-26  2.1.0 2026-07-26  2.1.1 2026-07-28  2.1.2 2026-07-28  2.1.3 2026-07-29
        2.1.4 2026-07-29  2.1.5 2026-07-29  2.1.6 2026-07-30  2.2.0 2026-09-27  2.2.1 2026-09-27
        2.2.2 2026-10-01  2.2.3 2026-10-19
    """,
}
"""Distribution -> its versions, each with its day"""
RECEIVED: Mapping[str, str] = {
    "calflops": """
        0.0.1 2023-08-21  0.0.2 2023-08-21  0.0.3 2023-08-21  0.0.4 2023-08-21  0.0.5 2023-08-22
        0.0.6 2023-08-22  0.0.7 2023-08-22  0.0.8 2023-08-22  0.0.9 2023-08-23  0.1.0 2023-08-23
        0.2.0 2023-08-24  0.2.5 2023-09-03  0.2.6 2023-09-05  0.2.7 2023-09-09  0.2.8 2023-09-13
        0.2.9 2023-09-13  0.3.0 2024-06-07  0.3.1 2024-06-07  0.3.2 2024-06-07
    """,
    "torch": """
        2.0.0 2023-03-15  2.0.1 2023-05-08  2.1.0 2023-10-04  2.1.1 2023-11-15  2.1.2 2023-12-14
        2.2.0 2024-01-30  2.2.1 2024-02-22  2.2.2 2024-03-27  2.3.0 2024-04-24  2.3.1 2024-06-05
        2.4.0 2024-07-24  2.4.1 2024-09-04  2.5.0 2024-10-17  2.5.1 2024-10-29  2.6.0 2025-01-29
        2.7.0 2025-04-23  2.7.1 2025-06-04  2.8.0 2025-08-06  2.9.0 2025-10-15  2.9.1 2025-11-12
        2.10.0 2026-01-21  2.11.0 2026-03-23  2.12.0 2026-05-13  2.12.1 2026-06-17
        2.13.0 2026-07-08  2.14.0 2026-09-02  2.14.1 2026-09-30  2.15.0 2026-10-28
    """,
    "flopth": "0.1.6 2024-11-23",
    "mmengine": """
        0.0.1rc0 2022-07-18  0.1.0 2022-09-01  0.2.0 2022-10-11  0.3.0 2022-11-02
        0.3.1 2022-11-09  0.3.2 2022-11-24  0.4.0 2022-12-28  0.5.0 2023-01-20  0.6.0 2023-02-24
        0.7.0 2023-03-16  0.7.1 2023-04-03  0.7.2 2023-04-06  0.7.3 2023-04-28  0.7.4 2023-06-03
        0.8.0 2023-07-03  0.8.1 2023-07-06  0.8.2 2023-07-12  0.8.3 2023-07-31  0.8.4 2023-08-03
        0.8.5 2023-09-25  0.9.0 2023-10-10  0.9.1 2023-11-03  0.10.0 2023-11-21
        0.10.1 2023-11-22  0.10.2 2023-12-26  0.10.3 2024-01-24  0.10.4 2024-04-23
        0.10.5 2024-09-20  0.10.6 2025-01-15  0.10.7 2025-03-04  0.11.0rc0 2025-09-15
        0.11.0rc2 2025-12-23  0.11.0rc3 2026-07-13
    """,
    "fvcore": "0.1.4 2021-03-22",
    "ptflops": "0.7.2 2023-12-24",
    "thop": "0.0.22 2019-06-24  0.0.22.post421392844089 2019-06-24",
    "torchsummary": "0.3 2018-05-25",
    "torchscan": "0.2.0 2026-10-03",
}
"""As DAYS, by the ``upload-time`` that the Python Package Index tells of the file that pip takes"""
UNSET = (date(1980, 1, 1), date(2020, 2, 2))
"""What tools that make the same package twice write in place of the day"""


def day_of(distribution: str, version: str) -> date | None:
    """The day that the version itself tells, or that a table here has; None where neither is known."""
    told = date_in(version)
    if told:
        return told.date()
    words = " ".join(table.get(distribution, "") for table in (DAYS, RECEIVED)).split()
    known = dict(zip(words[::2], words[1::2], strict=True)).get(version)
    return date.fromisoformat(known) if known else None


def day_in_package(distribution: str, version: str) -> date | None:
    """The day of the newest file in the package, which is downloaded and not installed.

    None where all of them bear a day that means nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            folder,
        ]
        subprocess.run([*command, f"{distribution}=={version}"], check=True)
        (package,) = Path(folder).iterdir()
        return max((day for day in days_in(package) if day not in UNSET), default=None)


def days_in(package: Path) -> Iterator[date]:
    """The day of each file of a wheel or a source archive."""
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            yield from (date(*each.date_time[:3]) for each in archive.infolist())
    else:
        with tarfile.open(package) as archive:
            yield from (datetime.fromtimestamp(each.mtime, UTC).date() for each in archive)


if __name__ == "__main__":
    for each in sys.argv[2:]:
        print(each, day_in_package(sys.argv[1], each), flush=True)
