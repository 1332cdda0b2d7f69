"""The first endpoints are there by their names, and the page of the API is that of the OpenAPI document."""

from ppm.docs import api_page


def test_the_45_first_endpoints_answer_by_their_names() -> None:
    first = list(api_page.named(api_page.FIRST))
    assert len(set(first)) == len(first) == 45
    there = {(method, api_page.plain(path)) for method, path, _ in api_page.endpoints()}
    assert set(first) - there == set()
    assert set(api_page.named(api_page.ALSO)) - there == set()


def test_every_endpoint_has_its_line() -> None:
    page = api_page.render()
    for method, path, said in api_page.endpoints():
        assert f"| `{method} {path}/` |" in page
        assert said["summary"] in page
