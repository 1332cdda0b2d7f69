"""What is looked at in every test of the page: that it speaks with its own server only, and that nothing broke."""

from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page


@dataclass
class Watched:
    """What a page did that it must not."""

    wrong: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Fail the test if anything was wrong."""
        assert not self.wrong, "\n".join(self.wrong)


def watched(page: Page, url: str) -> Watched:
    """Note what this page does wrong from now on. Refusals of the API, which the page tells, are no errors."""
    noted = Watched()
    origins = (url, url.replace("http", "ws", 1), f"blob:{url}")

    def console(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            noted.wrong.append(f"console: {message.text}")

    page.on("console", console)
    page.on("pageerror", lambda error: noted.wrong.append(f"error: {error}"))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith(origins) else noted.wrong.append(f"foreign: {asked.url}"),
    )
    page.on(
        "websocket",
        lambda one: None if one.url.startswith(origins) else noted.wrong.append(f"foreign: {one.url}"),
    )
    return noted
