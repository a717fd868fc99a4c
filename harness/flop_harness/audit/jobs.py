"""What is priced for the claims: a job for each case, and searches among other inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from flop_harness.audit.candidates import USUAL, naming
from flop_harness.audit.claim_set import Other
from flop_harness.audit.statements import layers_in
from flop_harness.errors import UserError
from flop_harness.reconcile.pricing import Priced, UnknownLayer, Wanted, price_model, price_sizes
from flop_harness.records import Case, Claim, Sources
from flop_harness.suite.sources import taken


@dataclass(frozen=True, slots=True)
class Job:
    """A case to be priced, and the claim that is to blame for it; so for each layer wanted of it.

    ``wanted`` are the ways of counting that are asked, where its claims name theirs.
    """

    case: Case
    folder: str
    layers: dict[str, str]
    claim: str
    wanted: Wanted = None

    @property
    def key(self) -> tuple[str, ...]:
        """What its price depends on, but for versions and the model's code."""
        told = msgspec.to_builtins((self.case, tuple(self.layers), sorted(self.wanted or ())))
        return ("case", self.case.model, digest(json.dumps(told).encode()))


@dataclass(frozen=True, slots=True)
class Search:
    """A job's model to be priced with other inputs."""

    job: Job
    others: tuple[Other, ...]
    wanted: Wanted

    @property
    def key(self) -> tuple[str, ...]:
        told = msgspec.to_builtins((self.others, sorted(self.wanted or ())))
        return ("others", *self.job.key[1:], digest(json.dumps(told).encode()))


def jobs_of(claims: Iterable[Claim], folders: Mapping[str, str]) -> list[Job]:
    """One job for each case, with the layers that any claim wants of it."""
    wanted: dict[str, Job] = {}
    for claim in claims:
        named = claim.layer or claim.metric == "output"
        layers = layers_in(claim) if claim.holds else (claim.layer,) if named else ()
        own = [claim.case] if claim.case else []
        for case in (*own, *claim.models.values()):
            folder = folders[claim.file]
            name = job_name(case, folder)
            told = f"{claim.file}: claim {claim.id!r}"
            first = asked_first(claim)
            before = wanted.get(name, Job(case, folder, {}, told, first))
            wanted[name] = replace(
                before,
                layers=dict.fromkeys(layers, told) | before.layers,
                wanted=before.wanted | first if before.wanted and first else None,
            )
    return list(wanted.values())


def asked_first(claim: Claim) -> Wanted:
    """What a claim names, and the usual ways of counting; None, for all, where it names nothing."""
    named = naming(claim)[0]
    return named | USUAL if named and not claim.holds else None


def job_name(case: Case, folder: str) -> str:
    return repr((case, folder))


def price_jobs(jobs: list[Job]) -> tuple[list[Priced], Sources]:
    """Price cases of one model; a mistake in one of them is told with the claim that it is of."""
    try:
        cases, folder = [job.case for job in jobs], jobs[0].folder
        layers, wanted = [tuple(job.layers) for job in jobs], [job.wanted for job in jobs]
        return price_model(cases, folder, layers, wanted), taken(folder)
    except UnknownLayer as error:
        asking = next(job.layers[error.layer] for job in jobs if error.layer in job.layers)
        raise UserError(f"{asking}: {error}") from error
    except UserError as error:
        raise UserError(f"{jobs[0].claim}: {error}") from error


def price_search(search: Search) -> tuple[dict[str, Priced], Sources]:
    """By the place of the inputs, as JSON has it."""
    job, inputs = search.job, [given for _, _, given in search.others]
    found = price_sizes(job.case, inputs, job.folder, tuple(job.layers), search.wanted)
    return {str(place): priced for place, priced in found.items()}, taken(job.folder)


ENDED = Priced("", (), failure="the model ends its process")


def died(jobs: list[Job]) -> tuple[list[Priced], None]:
    """What stands for cases of a model that ends the process it is counted in, with its sources."""
    return [ENDED] * len(jobs), None


def found_nothing(search: Search) -> tuple[dict[str, Priced], None]:
    return {"0": ENDED}, None


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
