"""What the report of a store in columns tells, asked of DuckDB: rows by suite, counter, term and model."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any

from flop_harness.store.queries import SPREAD, Columns

OUTCOMES = """
count(*) filter (status = 'ok'), count(*) filter (status not in ('ok', 'unavailable')),
count(*) filter (status = 'unavailable')
"""
MODELS = 'count(distinct (suite, "case"))'

QUESTIONS = {
    "suites": f"""
{SPREAD}, outcomes as (
    select suite, {MODELS} as models, {OUTCOMES} from readings group by suite
), explained as (
    select suite, count(*) filter (explained) as explained from bridges group by suite
), apart as (
    select suite, quantile_disc(factor, 0.5) as median, max(factor) as widest
    from spread group by suite
)
select * from outcomes left join explained using (suite) left join apart using (suite) order by suite
""",
    "counters": f"""
with outcomes as (
    select counter, {MODELS} as models, {OUTCOMES}, median(seconds) from readings group by counter
), bridged as (
    select counter, count(*) filter (explained) as explained,
           count(*) filter (
               metric = 'compute' and reading = reference * (case unit when 'FLOP' then 2 else 1 end)
           ) as equal
    from bridges group by counter
)
select * from outcomes left join bridged using (counter) order by counter
""",
    "models": f"""
{SPREAD} select suite, "case", figures, lowest, highest, factor from spread
order by factor desc, suite, "case"
""",
    "unexplained": """
select suite, "case", counter, context, metric, residual, unit from bridges where not explained
order by suite, "case", counter, context, metric
""",
}


BRIDGES = 'select counter, suite, "case", rest from bridges'


def rows(store: Columns, subject: str) -> tuple[tuple[Any, ...], ...]:
    """The rows of ``terms``, or of a key of ``QUESTIONS``, with its columns in the question's order."""
    return terms(store) if subject == "terms" else tuple(store.query(QUESTIONS[subject]).fetchall())


def terms(store: Columns) -> tuple[tuple[str, str, int, int], ...]:
    """(counter, term, bridges, models), the most frequent first.

    Terms may hold signs that DuckDB takes for broken JSON, so that they are read here.
    """
    bridges: Counter[tuple[str, str]] = Counter()
    models: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    found = store.query(BRIDGES)
    while page := found.fetchmany(PAGE):
        for counter, suite, case, rest in page:
            for step in json.loads(rest).get("steps", ()):
                bridges[counter, step["term"]] += 1
                models[counter, step["term"]].add((suite, case))
    ordered = sorted(bridges.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple((*key, times, len(models[key])) for key, times in ordered)


PAGE = 10_000
"""Bridges that are read at once"""
