"""Fitted secondary vertices against geometry done by hand."""

from __future__ import annotations

import pytest

from zskt.jets.tracks import reconstruct

from .samples import decayed


def test_a_vertex_is_found_where_the_tracks_meet() -> None:
    point = (0.4, 0.13, 0.16)
    vertices = reconstruct(decayed(point), 0.8).vertices
    assert int(vertices.mask.sum()) == 1
    assert vertices["tracks"][0, 0] == 4
    assert vertices["dxy"][0, 0] == pytest.approx((0.4**2 + 0.13**2) ** 0.5, rel=0.02)
    assert vertices["d3d"][0, 0] == pytest.approx(sum(p**2 for p in point) ** 0.5, rel=0.02)
    assert vertices["norm_chi2"][0, 0] < 0.1 and vertices["dxy_sig"][0, 0] > 20
    assert vertices["cos_theta"][0, 0] > 0.98


def test_prompt_tracks_make_no_vertex() -> None:
    assert not bool(reconstruct(decayed((0.0, 0.0, 0.0)), 0.8).vertices.mask.any())
