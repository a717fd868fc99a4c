"""Prices of the models that claims are about: made once, by several processes, and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from flop_harness.audit.claim_set import Other
from flop_harness.audit.jobs import (
    Job,
    Search,
    died,
    digest,
    found_nothing,
    job_name,
    jobs_of,
    price_jobs,
    price_search,
)
from flop_harness.counters import installed
from flop_harness.reconcile.pricing import Priced, Wanted
from flop_harness.records import EVERY, Case, Claim, Sources
from flop_harness.run.digests import TRACING
from flop_harness.run.environment import PACKAGE
from flop_harness.run.identity import EarlierSources, sources_key
from flop_harness.run.identity import digest as code_digest
from flop_harness.run.processes import pool
from flop_harness.store import SCHEMA, Journal
from flop_harness.store.journal import JOURNAL_FILE
from flop_harness.store.runs import restored

Progress = Callable[[int, int], None]
"""(models that are counted, models in all)"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal holds of a job or a search: plain data, and a digest of its sources."""

    value: Any
    sources: str


@dataclass
class Prices:
    """Prices by case, from a journal and into it. What is searched for is priced afterwards.

    ``searches`` are asked for by claims, and answered with nothing until they are carried out.
    ``refused`` tells by job why its model does not take other inputs. ``reused`` counts the cases
    that were priced before, and whose models are still the same. ``untold`` are answers of models that
    could not say what they are built from: they are asked again by the next audit.
    """

    journal: Journal
    folders: Mapping[str, str]
    workers: int
    tell: Progress
    jobs: dict[str, Job] = field(default_factory=dict)
    known: dict[str, Priced] = field(default_factory=dict)
    searches: dict[tuple[str, ...], Search] = field(default_factory=dict)
    asking: list[Claim] = field(default_factory=list)
    sources: dict[str, EarlierSources] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    untold: dict[tuple[str, ...], Any] = field(default_factory=dict)
    reused: int = 0

    def prepare(self, claims: Iterable[Claim]) -> None:
        """Price every model of the claims that is not in the journal yet: what they name and the usual
        of those that all name what counts, of others everything.
        """
        self.jobs = {job_name(job.case, job.folder): job for job in jobs_of(claims, self.folders)}
        self.reused = self._price(self.jobs)

    def complete(self, claims: Iterable[Claim], settles: Callable[[Priced, Claim], bool]) -> None:
        """Price everything of the models of which so far a part is priced that settles not all."""
        jobs = {}
        for claim in claims:
            if claim.case and (job := self._job(claim)).wanted is not None:
                priced = self.of_claim(claim)
                if not priced.failure and not settles(priced, claim):
                    jobs[job_name(job.case, job.folder)] = replace(job, wanted=None)
        self.jobs |= jobs
        self._price(jobs)

    def _price(self, jobs: Mapping[str, Job]) -> int:
        """By model, which is built once for all of its jobs; how many the journal held."""
        missing: dict[str, list[Job]] = {}
        for name, job in jobs.items():
            priced = self._done(job, job.key, Priced)
            if priced is None:
                model = job_name(replace(job.case, inputs=()), job.folder)
                missing.setdefault(model, []).append(job)
            else:
                self.known[name] = priced
        for done, (found, sources) in self._carried_out(price_jobs, died, list(missing.values())):
            for job, priced in zip(done, found, strict=True):
                self._keep(job.key, priced, sources)
                self.known[job_name(job.case, job.folder)] = priced
        return len(jobs) - sum(map(len, missing.values()))

    def search(self) -> list[Claim]:
        """Carry out what was asked for; the claims that asked for it."""
        asking, self.asking = self.asking, []
        searches, self.searches = list(self.searches.values()), {}
        for search, (found, sources) in self._carried_out(price_search, found_nothing, searches):
            self._keep(search.key, found, sources)
        return asking

    def _done(self, job: Job, key: tuple[str, ...], kind: Any) -> Any:
        """What the journal holds for ``key``, if the job's model is still built from the same."""
        if key in self.untold:
            return self.untold[key]
        entry = self.journal.done(key, Entry)
        if entry is None:
            return None
        sources = self.sources.setdefault(job.folder, EarlierSources(self._sources_of, job.folder))
        if sources.why_changed(job.case, entry.sources):
            return None
        return restored(entry.value, kind, JOURNAL_FILE)

    def _keep(self, key: tuple[str, ...], value: Any, sources: Sources | None) -> None:
        if sources is None:
            self.untold[key] = value
            return
        name = code_digest(sources)
        if self._sources_of(name) is None:
            self.journal.add(sources_key(name), sources)
        self.journal.add(key, Entry(msgspec.to_builtins(value), name))

    def _sources_of(self, name: str) -> Sources | None:
        return self.journal.done(sources_key(name), Sources)  # type: ignore[no-any-return]

    def _job(self, claim: Claim) -> Job:
        assert claim.case is not None
        return self.jobs[job_name(claim.case, self.folders[claim.file])]

    def of_case(self, case: Case, file: str) -> Priced:
        return self.known[job_name(case, self.folders[file])]

    def failures(self, claim: Claim) -> list[str]:
        """Why models of a claim could not be counted."""
        cases = [*([claim.case] if claim.case else []), *claim.models.values()]
        found = (self.of_case(case, claim.file).failure for case in cases)
        return list(filter(None, found))

    def silence(self, name: str) -> dict[str, str]:
        """Who says nothing of a job's model, and why; of other inputs the commonest reason."""
        priced, refused = self.known[name], self.refused.get(name, [])
        told = {EVERY: priced.failure} if priced.failure else {}
        if refused:
            ((why, _),) = Counter(refused).most_common(1)
            told[f"other inputs ({len(refused):,})"] = why
        return {**told, **priced.silent}

    def of_claim(self, claim: Claim) -> Priced:
        assert claim.case is not None
        return self.of_case(claim.case, claim.file)

    def of_others(
        self, claim: Claim, others: list[Other], wanted: Wanted
    ) -> list[tuple[Other, Priced]]:
        """A claim's model with other inputs; nothing before the search."""
        job = self._job(claim)
        search = Search(job, tuple(others), wanted)
        found = self._done(job, search.key, dict[str, Priced])
        if found is None:
            self.searches[search.key] = search
            self.asking.append(claim)
            return []
        name = job_name(job.case, job.folder)
        self.refused[name] = [priced.failure for priced in found.values() if priced.failure]
        return [(others[int(place)], priced) for place, priced in found.items()]

    def _carried_out(
        self, work: Callable, otherwise: Callable, tasks: list
    ) -> Iterator[tuple[Any, Any]]:
        """(task, result) as they come: from several processes, or from this one.

        A model that ends its process ends them all: what is left is then done one by one, and
        ``otherwise`` gives what stands for a task that does it again.
        """
        if self.workers == 1 or not tasks:
            yield from ((task, work(task)) for task in tasks)
            return
        left = list(tasks)
        with pool(self.workers) as at_work, suppress(BrokenProcessPool):
            waiting = {at_work.submit(work, task): task for task in tasks}
            for done, future in enumerate(as_completed(waiting), start=1):
                result = future.result()
                left.remove(waiting[future])
                yield waiting[future], result
                self.tell(done, len(tasks))
        yield from ((task, alone(work, otherwise, task)) for task in left)


def alone(work: Callable, otherwise: Callable, task: Any) -> Any:
    """A task in a process of its own, which its model may end."""
    try:
        with pool(1) as at_work:
            return at_work.submit(work, task).result()
    except BrokenProcessPool:
        return otherwise(task)


RULES = (
    "records", "suite", "trace", "formulas", "conventions", "counters", "run/traces",
    "reconcile/bridges", "reconcile/pricing", *TRACING,
)  # fmt: skip
"""Our own modules and packages that a price depends on."""


def identity(tools: Iterable[str]) -> dict[str, Any]:
    """What makes prices worth keeping: the same rules, and the same libraries of models."""
    versions = {name: installed(name) for name in ("torch", "torchvision", "timm", *tools)}
    return {"schema": SCHEMA, "kind": "prices", "versions": versions, "rules": rules_digest()}


def rules_digest() -> str:
    found = [PACKAGE / name for name in RULES]
    files = {
        file
        for path in found
        for file in (path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")])
    }
    return digest(b"".join(file.read_bytes() for file in sorted(files)))
