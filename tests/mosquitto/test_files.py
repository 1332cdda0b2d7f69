"""What the broker's files say, without a broker."""

import stat
from pathlib import Path

import pytest

from mosquitto import acl, files, passwords
from protocol import codec, topics

POSTE = acl.PosteAccount("st-denis", "accueil-1", "$7$x")


def broker(**more: object) -> files.Broker:
    return files.Broker(
        folder=Path("/etc/ppm"),
        data=Path("/var/lib/ppm"),
        postes=files.Listener(8883),
        services=files.Listener(1883, "127.0.0.1"),
        **more,  # type: ignore[arg-type]
    )


def test_the_access_lists_name_exactly_the_topics_of_the_protocol() -> None:
    assert {f"up/{name}" for name in acl.UP} == {t.name for t in topics.TOPICS if t.publisher == "poste"}
    assert {f"down/{name}" for name in acl.DOWN} == {
        t.name for t in topics.TOPICS if t.publisher == "controller"
    }
    rules = set(acl.postes_acl([POSTE], "ppm").splitlines()) - {"user accueil-1", ""}
    own = {
        f"topic {'write' if t.publisher == 'poste' else 'read'} {t.path('st-denis', 'accueil-1')}"
        for t in topics.TOPICS
    }
    shared = {topics.all_postes_command("st-denis"), topics.controller_status("st-denis")}
    shared.add(topics.STATUS.path("st-denis", "accueil-1"))  # to contradict a late will
    assert rules == own | {f"topic read {topic}" for topic in shared}


def test_a_stand_in_writes_what_its_poste_writes_and_reads_nothing() -> None:
    account = acl.ServiceAccount("stand-in.accueil-1", "stand_in", "$7$x", POSTE)
    rules = acl.services_acl([account], "ppm").splitlines()
    said = [t.path("st-denis", "accueil-1") for t in topics.TOPICS if t.publisher == "poste"]
    assert rules == ["user stand-in.accueil-1", *(f"topic write {topic}" for topic in said)]


def test_only_a_stand_in_plays_a_poste() -> None:
    with pytest.raises(ValueError, match="plays one poste"):
        acl.ServiceAccount("nobody", "stand_in", "$7$x")
    with pytest.raises(ValueError, match="plays one poste"):
        acl.ServiceAccount("watcher", "observer", "$7$x", POSTE)


def test_the_root_of_the_topics_is_a_setting() -> None:
    rules = acl.postes_acl([POSTE], "villes/nord")
    assert "topic write villes/nord/v1/st-denis/accueil-1/up/ack" in rules
    assert "ppm/" not in rules


def test_a_packet_of_the_largest_payload_passes_and_little_more() -> None:
    assert files.MESSAGE_BYTES == codec.MAX_BYTES
    assert (
        f"max_packet_size {codec.MAX_BYTES + 1024}\n" in files.render(broker(), [], [])[files.CONFIGURATION]
    )


@pytest.mark.parametrize(
    "slug", ["", "A", "a b", "a\nuser b", "+", "#", "a/b", "_all", "-a", "a:b", "a" * 64]
)
def test_what_is_no_slug_never_reaches_an_access_list(slug: str) -> None:
    with pytest.raises(ValueError, match="not a slug"):
        acl.PosteAccount("st-denis", slug, "$7$x")
    with pytest.raises(ValueError, match="not a slug"):
        acl.PosteAccount(slug, "accueil-1", "$7$x")


@pytest.mark.parametrize("name", ["", "a b", "a\nuser b", "a:b", "#"])
def test_a_service_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        acl.ServiceAccount(name, "observer", "$7$x")


@pytest.mark.parametrize("root", ["", "+", "#", "a b", "/ppm", "ppm/", "a//b", "$SYS", "a\nb"])
def test_a_root_has_no_wildcards_and_no_empty_levels(root: str) -> None:
    with pytest.raises(ValueError, match="not a root"):
        files.render(broker(root=root), [], [])


def test_two_accounts_of_one_name_are_refused() -> None:
    elsewhere = acl.PosteAccount("st-paul", "accueil-1", "$7$y")
    with pytest.raises(ValueError, match="two accounts of one name: accueil-1"):
        files.render(broker(), [POSTE, elsewhere], [])


def test_websockets_are_off_unless_asked() -> None:
    assert "websockets" not in files.render(broker(), [], [])[files.CONFIGURATION].replace("# ", "")
    text = files.render(broker(websockets=9001), [], [])[files.CONFIGURATION]
    assert "listener 9001 \n" in text
    assert text.endswith("protocol websockets\n")


def test_passwords_are_salted_and_never_written_in_clear() -> None:
    assert passwords.hash_password("secret") != passwords.hash_password("secret")
    assert "secret" not in passwords.hash_password("secret")
    assert len({passwords.new_password() for _ in range(100)}) == 100


def test_files_are_replaced_whole_and_closed_to_others(tmp_path: Path) -> None:
    files.write(tmp_path / "new", {"a": "one"})
    files.write(tmp_path / "new", {"a": "two"}, mode=0o640)
    written = tmp_path / "new" / "a"
    assert written.read_text() == "two"
    assert stat.S_IMODE(written.stat().st_mode) == 0o640
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]


def test_a_hash_is_of_its_password_and_no_other() -> None:
    kept = passwords.hash_password("one")
    assert passwords.matches(kept, "one")
    for other in ("$6$abc$def", "nothing", "$7$x$y$z", "$7$101$!$!", ""):
        assert not passwords.matches(other, "one")
    assert not passwords.matches(kept, "two")
