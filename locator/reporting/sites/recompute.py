"""How anybody recomputes the bound of a siting study from its certificate, in numpy."""

from locator.reporting.sites.draft import SiteDraft

__all__ = ["recompute"]

_READ = (
    'import numpy as np; from scipy.sparse import csr_array; c = np.load("certificate.npz")',
    'A = csr_array((c["data"], c["indices"], c["indptr"]), shape=c["shape"])',
    'G = csr_array((c["rule_data"], c["rule_indices"], c["rule_indptr"]), shape=c["rule_shape"])',
)
# The lines of locator.siting.Certificate, by what the model looks for.
_COVER = (
    'u = c["first"] - c["rows"]; v = u + c["second"] - c["rows"]',
    'r = A.T @ c["rows"] - G.T @ c["rules"]',
    'print(c["baseline"] + np.maximum(0, np.maximum(u, v)).sum() + c["rules"] @ c["right"]'
    ' + np.where(r > 0, c["high"] * r, c["low"] * r).sum())',
)
_SAVING = (
    'S = A.tocoo(); more = np.maximum(S.data - c["rows"][S.row], 0)',
    'r = np.bincount(S.col, more, A.shape[1]) - G.T @ c["rules"]',
    'print(c["baseline"] - c["rows"].sum() - c["rules"] @ c["right"]'
    ' - np.where(r > 0, c["high"] * r, c["low"] * r).sum())',
)
_COST = (
    'r = c["prices"] - A.T @ c["rows"] + G.T @ c["rules"]',
    'short = np.maximum(0, c["share"] * c["first"] - c["rows"]).sum()',
    'asked = c["share"] * c["target"] - short if c["target"] > 0 else c["rows"].sum()',
    'print(asked - c["rules"] @ c["right"] + np.where(r < 0, c["high"] * r, c["low"] * r).sum())',
)
_BY_MODEL = {"mclp": _COVER, "backup": _COVER, "p-median": _SAVING, "lscp": _COST}


def recompute(draft: SiteDraft) -> tuple[str, ...]:
    """Return the lines that print the bound; none where the model has no certificate.

    With ``p-median`` they print the sum over demand, which the report divides by the demand.
    """
    lines = _BY_MODEL.get(draft.study.asked["model"])
    return () if lines is None else (*_READ, *lines)
