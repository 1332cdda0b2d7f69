"""The poste's folder: what survives a dead agent, and what a broken disk does not break."""

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk_agent.countdown import Countdown
from kiosk_agent.memory import Happened, Held, Taken
from kiosk_agent.store import Store, StoreError
from protocol.messages import Config, Warned

HELD = Held(
    boot="b", term=3, rev=9, desired="active", session="s1", traces="s1",
    countdown=Countdown(90_000, 60_000, (30, 10)), config=Config(rev=1, site="Médiathèque"),
)  # fmt: skip


def warned(n: int, boot: str = "b") -> Happened:
    return Happened(n * 10, Warned(n=n, boot=boot, left_s=60))


def test_what_is_saved_is_found_again(tmp_path: Path) -> None:
    with Store(tmp_path, "b") as store:
        store.load()
        store.save_held(HELD)
        store.save_commands([Taken("c1", "done")])
        store.add_event(warned(1), [warned(1)])
        store.add_event(warned(2), [warned(1), warned(2)])
        store.next_connection()
        store.mark_alive(1_234)
    with Store(tmp_path, "b") as again:
        memory = again.load()
    assert memory.held == HELD
    assert memory.commands == [Taken("c1", "done")]
    assert memory.events == [warned(1), warned(2)]
    assert (memory.last_event, memory.alive_at, memory.connection) == (2, 1_234, 1)
    assert memory.troubles == []


def test_an_empty_folder_is_no_trouble(tmp_path: Path) -> None:
    with Store(tmp_path / "new", "b") as store:
        memory = store.load()
    assert memory.held is None
    assert memory.troubles == []


def test_connections_are_counted_within_a_boot(tmp_path: Path) -> None:
    with Store(tmp_path, "b") as store:
        store.load()
        assert [store.next_connection(), store.next_connection()] == [1, 2]
    with Store(tmp_path, "b") as same_boot:
        same_boot.load()
        assert same_boot.next_connection() == 3
    with Store(tmp_path, "c") as new_boot:
        assert new_boot.load().alive_at is None
        assert new_boot.next_connection() == 1


def test_the_number_of_the_last_event_survives_its_being_noted(tmp_path: Path) -> None:
    with Store(tmp_path, "b") as store:
        store.load()
        store.add_event(warned(7), [warned(7)])
        store.save_events([])
    with Store(tmp_path, "b") as again:
        assert again.load().last_event == 7
    with Store(tmp_path, "c") as new_boot:
        assert new_boot.load().last_event == 0


def test_events_of_an_earlier_boot_are_kept(tmp_path: Path) -> None:
    with Store(tmp_path, "b") as store:
        store.load()
        store.save_events([warned(6), warned(7)])
    with Store(tmp_path, "c") as new_boot:
        memory = new_boot.load()
        new_boot.add_event(warned(1, "c"), [*memory.events, warned(1, "c")])
    with Store(tmp_path, "c") as again:
        assert [one.event.boot for one in again.load().events] == ["b", "b", "c"]


@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * 50, b"[]", b'{"boot": 3}', b'{"a":1}\n\xff'])
@pytest.mark.parametrize(
    ("name", "trouble"), [("state.json", "state"), ("commands.json", "commands"), ("events.jsonl", "events")]
)
def test_a_corrupt_file_is_named_and_nothing_else_is_lost(
    tmp_path: Path, name: str, trouble: str, content: bytes
) -> None:
    with Store(tmp_path, "b") as store:
        store.load()
        store.save_held(HELD)
        store.save_commands([Taken("c1", "done")])
        store.add_event(warned(1), [warned(1)])
    (tmp_path / name).write_bytes(content)
    with Store(tmp_path, "b") as again:
        memory = again.load()
    empty_is_fine = name != "state.json" and (content == b"" and name == "events.jsonl")
    empty_is_fine = empty_is_fine or (content == b"[]" and name == "commands.json")
    assert memory.troubles == ([] if empty_is_fine else [trouble])
    assert (memory.held is None) == (name == "state.json")


def test_a_folder_that_cannot_be_made_is_a_trouble_and_writing_says_so(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with Store(in_the_way, "b") as store:
        memory = store.load()
        assert memory.held is None
        assert "alive" in memory.troubles
        store.mark_alive(5)
        assert store.next_connection() == 1
        with pytest.raises(StoreError):
            store.save_held(HELD)
        with pytest.raises(StoreError):
            store.add_event(warned(1), [warned(1)])


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 100 bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_says_so_and_keeps_what_was_written_before(tmp_path: Path, full_disk: None) -> None:
    with Store(tmp_path, "b") as store:
        store.load()
        (tmp_path / "state.json").write_bytes(b'{"boot":"b","rev":4}')
        with pytest.raises(StoreError):
            store.save_held(HELD)
    with Store(tmp_path, "b") as again:
        held = again.load().held
    assert held is not None
    assert held.rev == 4


def test_the_folder_is_for_the_agent_alone(tmp_path: Path) -> None:
    with Store(tmp_path / "poste", "b") as store:
        store.load()
        store.save_held(HELD)
    assert (tmp_path / "poste").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "poste" / "state.json").stat().st_mode & 0o777 == 0o600


def test_a_torn_line_costs_no_other_event_and_no_number(tmp_path: Path) -> None:
    with Store(tmp_path, "b") as store:
        store.load()
        for n in range(1, 6):
            store.add_event(warned(n), [warned(one) for one in range(1, n + 1)])
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b'{"at":6,"event":{"kind":"tro')
    with Store(tmp_path, "b") as again:
        memory = again.load()
        assert (memory.events, memory.last_event) == ([warned(n) for n in range(1, 6)], 5)
        assert "events" in memory.troubles
        again.add_event(warned(6), [*memory.events, warned(6)])
    with Store(tmp_path, "b") as third:
        memory = third.load()
    assert [one.event.n for one in memory.events] == [1, 2, 3, 4, 5, 6]
    assert "events" not in memory.troubles


def test_after_an_append_that_failed_the_whole_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Store, descriptor: int) -> None:
        raise OSError("No space left on device")

    with Store(tmp_path, "b") as store:
        store.load()
        store.add_event(warned(1), [warned(1)])
        with monkeypatch.context() as disk:
            disk.setattr(Store, "_sync", full)
            with pytest.raises(StoreError):
                store.add_event(warned(2), [warned(1), warned(2)])
        (tmp_path / "events.jsonl").write_bytes(b'{"at":2,"ev')
        store.add_event(warned(3), [warned(1), warned(2), warned(3)])
    with Store(tmp_path, "b") as again:
        assert [one.event.n for one in again.load().events] == [1, 2, 3]


def test_a_number_is_not_used_twice_though_its_event_was_never_written(tmp_path: Path) -> None:
    with Store(tmp_path, "b") as store:
        store.load()
        store.add_event(warned(1), [warned(1)])
        (tmp_path / "events.jsonl").unlink()
        (tmp_path / "events.jsonl").mkdir()
        with pytest.raises(StoreError):
            store.add_event(warned(2), [warned(1), warned(2)])
    with Store(tmp_path, "b") as again:
        assert again.load().last_event == 2


def test_the_file_of_events_does_not_grow_for_ever(tmp_path: Path) -> None:
    with Store(tmp_path, "b", durable=False) as store:
        store.load()
        for n in range(1, 3_000):
            store.add_event(warned(n), [warned(one) for one in range(max(1, n - 9), n + 1)])
    assert len((tmp_path / "events.jsonl").read_bytes().splitlines()) < 600


def test_a_state_that_is_missing_where_an_agent_was_is_a_lost_one(tmp_path: Path) -> None:
    with Store(tmp_path, "b") as store:
        store.load()
        store.save_held(HELD)
        store.next_connection()
        store.forget_held()
        store.forget_held()
    with Store(tmp_path, "c") as again:
        assert again.load().troubles == ["state"]


def test_a_disk_too_full_for_the_mark_of_life_is_a_trouble_and_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    with Store(tmp_path, "b") as store:
        assert store.load().troubles == ["alive"]
        store.mark_alive(5)


def test_a_folder_that_may_not_be_looked_into_is_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 300)
    with Store(folder, "b") as store:
        store.load()
        with pytest.raises(StoreError):
            store.add_event(warned(2), [warned(1), warned(2)])
