import pytest
from models import Tagger, classifier


def test_the_classifier_stays_within_its_budget(flop_account):
    account = flop_account(classifier(), (1, 3, 32, 32))
    assert account.macs == 32 * 32 * 16 * 3 * 3 * 3 + 16 * 10
    assert account.params < 1_000
    assert not account.unsupported
    account.matches_snapshot("classifier")


@pytest.mark.parametrize("length", [4, 16])
def test_the_tagger_at_two_lengths(flop_account, length):
    account = flop_account(Tagger(), (2, length, 8), mask=(2, length, 1))
    assert account.matches_snapshot(f"tagger-{length}")


@pytest.mark.flops(convention="operations")
def test_operations_count_what_is_no_product_too(flop_account):
    account = flop_account(classifier(), (1, 3, 32, 32))
    assert account.total > 2 * account.macs
    assert account.by_module()["1"] == 16 * 32 * 32  # one for each element of the ReLU
    account.matches_snapshot("classifier-operations")


def test_without_models():
    """Costs nothing."""
