import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hardware.corrections import Corrected, corrected

RATIOS = st.floats(min_value=0.1, max_value=10.0)


def test_without_measurements_nothing_is_corrected() -> None:
    assert corrected([]) == Corrected(factor=1.0, spread=0.0, count=0)


def test_the_first_few_count_alike_and_the_latest_most_after() -> None:
    assert corrected([2.0]).factor == pytest.approx(2.0)
    assert corrected([1.0, 4.0]).factor == pytest.approx(2.0)
    assert corrected([1.0] * 20 + [2.0] * 20).factor == pytest.approx(2.0, rel=0.01)


@given(st.lists(RATIOS, min_size=1, max_size=30))
def test_the_factor_lies_among_the_ratios(ratios: list[float]) -> None:
    found = corrected(ratios)
    assert min(ratios) * 0.999 <= found.factor <= max(ratios) * 1.001
    assert found.count == len(ratios)
    assert found.spread >= 0


@given(RATIOS, st.integers(2, 20))
def test_what_never_varies_has_no_spread(ratio: float, count: int) -> None:
    assert corrected([ratio] * count).spread == pytest.approx(0.0, abs=1e-9)
