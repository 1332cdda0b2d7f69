"""Numbers as others write them."""

LARGEST_ID = 2**63 - 1


def row_id(written: str | None) -> int | None:
    """The id of a row that these digits mean; None for what can be the id of none."""
    if written is None or not (written.isascii() and written.isdigit()):
        return None
    number = int(written) if len(written) < 20 else LARGEST_ID + 1
    return number if number <= LARGEST_ID else None
