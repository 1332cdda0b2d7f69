"""docs/problems.md, from the catalogue of reasons: what every error of the API may be."""

_INTRODUCTION = """# Problems

Generated from `fleet/domain/reasons.py` by `python -m ppm.docs`.

Every error of the API is a problem (RFC 9457, `application/problem+json`): `type` is `/problemes/` and the reason and never means
another thing later; `title` says in French what kind of error it is, `detail` what it is in this case; `status` is the HTTP status.
`field` names the offending field where there is one, `errors` several; `retry_after` is for how many seconds to wait, also in
`Retry-After`; `request_id` is in the server's logs too. The same reasons end sessions (`motif_fin`) and refuse codes at postes.

| status | title | when |
| --- | --- | --- |
"""
_WHEN = {
    400: "the body is no JSON",
    401: "nobody, or nobody that we know",
    403: "the role does not allow it",
    404: "there is no such thing, or not for this operator",
    405: "the address does not answer to this method",
    409: "a rule says no: the state of things does not allow it now",
    412: "the record is not the one that If-Match names",
    413: "the body is too large",
    415: "the body has another format than the one that is taken",
    422: "a field or a parameter breaks its rule",
    429: "too many requests or too many tries",
    500: "a fault of ours, which is logged under the request's id",
    503: "the database does not answer, or not in time",
}
_WORDS = """
| type | sentence | in English |
| --- | --- | --- |
"""


def render() -> str:
    """The whole page."""
    from api.errors import TITLES
    from fleet.domain.reasons import REASONS

    statuses = "".join(f"| {status} | {title} | {_WHEN[status]} |\n" for status, title in TITLES.items())
    words = "".join(f"| `/problemes/{reason}` | {fr} | {en} |\n" for reason, (fr, en) in REASONS.items())
    return _INTRODUCTION + statuses + _WORDS + words
