"""stegolab.message.tanner: edges lie where the base graph says, and both rules equal their definitions."""

from functools import reduce
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stegolab.message.tanner import TannerGraph

ROWS = [[(0, 1), (1, 0), (3, 2)], [(0, 4), (2, 3)], [(1, 2), (2, 1), (3, 0), (0, 0)]]
Z = 5

llrs = st.floats(-10, 10, width=32)


def lifted(lifting=Z):
    """Parity-check matrix (checks, variables), from the definition, and each edge's (check, variable) in order."""
    edges = [
        (row * lifting + copy, column * lifting + (copy + shift) % lifting)
        for row, pairs in enumerate(ROWS)
        for column, shift in pairs
        for copy in range(lifting)
    ]
    matrix = np.zeros((len(ROWS) * lifting, 4 * lifting), int)
    matrix[tuple(zip(*edges, strict=True))] = 1
    return matrix, edges


def one_check(degree):
    return TannerGraph([[(column, 0) for column in range(degree)]], 1)


def test_edges_join_checks_and_variables_as_the_shifts_say():
    graph, (_, edges) = TannerGraph(ROWS, Z), lifted()
    assert (graph.edges, graph.columns) == (len(edges), 4)
    assert graph.variable.tolist() == [variable for _, variable in edges]


@pytest.mark.parametrize("lifting", [1, 2, 3])
def test_every_check_holds_where_the_product_with_the_parity_check_matrix_is_zero(lifting):
    matrix, _ = lifted(lifting)
    words = np.array(list(product((False, True), repeat=4 * lifting)))
    expected = ~(words @ matrix.T % 2 == 1).any(axis=1)
    assert 1 < expected.sum() < len(words)
    assert np.array_equal(TannerGraph(ROWS, lifting).holds(words), expected)


@given(arrays(np.float32, (2, 9 * Z), elements=llrs))
def test_every_variable_receives_the_sum_of_its_edges(messages):
    _, edges = lifted()
    expected = np.zeros((2, 4 * Z))
    for edge, (_, variable) in enumerate(edges):
        expected[:, variable] += messages[:, edge]
    assert np.allclose(TannerGraph(ROWS, Z).to_variables(messages), expected, atol=1e-4)


@given(arrays(np.float32, (1, 9 * Z), elements=llrs), st.sampled_from(["sum_product", "min_sum"]))
def test_checks_of_the_lifted_graph_do_not_mix(messages, rule):
    _, edges = lifted()
    graph = TannerGraph(ROWS, Z)
    out = getattr(graph, rule)(messages)
    for check in range(len(ROWS) * Z):
        mine = [edge for edge, (c, _) in enumerate(edges) if c == check]
        alone = getattr(one_check(len(mine)), rule)(messages[:, mine])
        assert np.allclose(out[:, mine], alone, atol=1e-3)


@given(arrays(np.float32, st.tuples(st.just(1), st.integers(2, 6)), elements=llrs))
def test_sum_product_is_the_exact_marginal(incoming):
    """Brute force: log p(0)/p(1) of the exclusive or of the other, independent bits."""
    out = one_check(incoming.shape[1]).sum_product(incoming)
    for edge in range(incoming.shape[1]):
        others = np.delete(incoming[0].astype(float), edge)
        p = np.zeros(2)
        for bits in product((0, 1), repeat=len(others)):
            p[sum(bits) % 2] += np.prod(1 / (1 + np.exp(np.where(bits, others, -others))))
        assert out[0, edge] == pytest.approx(np.log(p[0] / p[1]), abs=0.01, rel=0.01)


@given(arrays(np.float32, st.tuples(st.just(1), st.integers(2, 8)), elements=llrs))
def test_sum_product_is_the_box_plus_of_the_others(incoming):
    def box_plus(a, b):
        return (
            np.sign(a) * np.sign(b) * min(abs(a), abs(b))
            + np.log1p(np.exp(-abs(a + b)))
            - np.log1p(np.exp(-abs(a - b)))
        )

    out = one_check(incoming.shape[1]).sum_product(incoming)
    for edge in range(incoming.shape[1]):
        assert out[0, edge] == pytest.approx(
            reduce(box_plus, np.delete(incoming[0].astype(float), edge)), abs=0.01, rel=0.01
        )


@given(
    arrays(np.float32, st.tuples(st.just(2), st.integers(2, 8)), elements=st.sampled_from([-4, -2, -1, 0, 1, 2, 3])),
    st.sampled_from([1.0, 0.75]),
)
def test_min_sum_is_the_smallest_of_the_others_with_ties_and_zeros(incoming, scale):
    out = one_check(incoming.shape[1]).min_sum(incoming, scale)
    for block, edge in np.ndindex(incoming.shape):
        others = np.delete(incoming[block], edge)
        sign = -1 if (others < 0).sum() % 2 else 1
        assert out[block, edge] == sign * scale * np.abs(others).min()


@given(arrays(np.float32, (1, 9 * Z), elements=llrs), st.integers(-30, 30))
def test_min_sum_is_homogeneous(messages, exponent):
    graph, factor = TannerGraph(ROWS, Z), np.float32(2.0**exponent)
    assert np.allclose(graph.min_sum(messages * factor), graph.min_sum(messages) * factor, rtol=1e-6, atol=0)
