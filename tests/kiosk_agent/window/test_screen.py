"""What is on the screen, from what the agent said and the visitor did. No Qt."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from kiosk_agent.local.messages import Identify, Shown, Told, Warned
from kiosk_agent.ui import scene as scenes
from kiosk_agent.ui.face import Said
from kiosk_agent.ui.labels import day, hour, moment
from kiosk_agent.ui.scene import CUT_MS, NOTE_MS, SAID_MS, Scene
from kiosk_agent.ui.screen import InUse, Lock, Screen, screen
from kiosk_agent.words import say
from protocol.messages import Config
from tests.support.gallery import (
    ALL,
    CONFIG,
    DESK,
    FREE,
    GRACE,
    IN_USE,
    LENT,
    LOCKED,
    MINUTE,
    NOW,
    SOON,
    USED,
    WALL,
    seen,
)


def lock(scene: Scene) -> Lock:
    shown = seen(scene, scene.language)
    assert isinstance(shown, Lock)
    return shown


def use(scene: Scene) -> InUse:
    shown = seen(scene, scene.language)
    assert isinstance(shown, InUse)
    return shown


def texts(shown: Screen) -> str:
    return str(shown)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("name", LOCKED)
def test_whatever_happens_a_machine_that_is_not_lent_shows_its_lock(name: str) -> None:
    assert isinstance(seen(LOCKED[name]), Lock)


@pytest.mark.parametrize("name", IN_USE)
def test_a_machine_that_is_lent_shows_no_lock(name: str) -> None:
    assert isinstance(seen(IN_USE[name]), InUse)


@pytest.mark.parametrize("name", ALL)
def test_each_state_is_said_in_french_and_in_english(name: str) -> None:
    french, english = texts(seen(ALL[name], "fr")), texts(seen(ALL[name], "en"))
    assert french != english
    assert "{" not in french.replace("{time}", "{") or "{" not in english


def test_without_its_agent_a_window_is_locked_whatever_was_before() -> None:
    shown = lock(scenes.lost(IN_USE["menu"]))
    assert not shown.may_type
    assert plain(shown.sentence) == "Un instant, ce poste se prépare…"


def test_a_refusal_is_shown_with_its_reason_until_something_is_typed() -> None:
    refused = scenes.heard(Scene(view=FREE), Told(said=USED), NOW)
    assert (lock(refused).sentence, lock(refused).reason) == (USED.fr, "code_deja_utilise")
    assert lock(replace(refused, language="en")).sentence == USED.en
    assert lock(scenes.typed(refused)).sentence == "Tapez votre code."


def test_after_too_many_tries_the_time_to_wait_counts_down_and_nothing_can_be_sent() -> None:
    shown = lock(LOCKED["too-many"])
    assert plain(shown.detail) == "Nouvel essai possible dans 30 s."
    assert shown.may_type
    assert not shown.may_send
    waited = replace(LOCKED["too-many"], view=replace(FREE, blocked_until=NOW))
    assert lock(waited).may_send


def test_out_of_hours_the_next_opening_is_said_in_the_place_s_time() -> None:
    assert (
        plain(lock(LOCKED["closed"]).sentence) == "Fermé pour l’instant. Réouverture mardi 24 novembre à 9 h."
    )
    assert lock(Scene(view=replace(FREE, config=CONFIG))).sentence == "Tapez votre code."


@pytest.mark.parametrize(
    ("name", "typing"),
    [
        ("free", True), ("no-network", True), ("paused", True), ("maintenance", False), ("cleaning", False),
        ("waiting", False),
    ],
)  # fmt: skip
def test_there_is_a_field_where_a_code_could_be_taken(name: str, typing: bool) -> None:
    assert lock(LOCKED[name]).may_type is typing


def test_the_time_left_is_said_roughly_and_to_the_second_at_the_end() -> None:
    def left(ms: int) -> str:
        return plain(use(Scene(view=replace(LENT, deadline=NOW + ms))).time)

    assert [left(ms) for ms in (72 * MINUTE, 42 * MINUTE, 10 * MINUTE, 59_000, 0)] == [
        "1 h 12", "42 min", "10:00", "00:59", "00:00",
    ]  # fmt: skip


def test_the_last_five_minutes_have_another_colour_and_icon() -> None:
    before, after = (use(Scene(view=replace(LENT, deadline=NOW + ms))) for ms in (6 * MINUTE, 4 * MINUTE))
    assert (before.tone, before.icon) != (after.tone, after.icon)


def test_a_warning_comes_by_itself_and_leaves_by_itself() -> None:
    warned = scenes.heard(Scene(view=LENT), Warned(left_s=120), NOW)
    assert plain(use(warned).notes[0].text) == "Encore 2 min. Pensez à enregistrer votre travail."
    assert use(scenes.passed(warned, NOW + NOTE_MS)).notes == ()


def test_the_grace_has_a_banner_that_counts_the_seconds() -> None:
    shown = use(Scene(view=GRACE))
    assert "45 s" in plain(shown.banner)
    assert "enregistrez votre travail" in shown.banner
    told = scenes.heard(Scene(view=LENT), Told(said=Said("Terminé", "Over")), NOW)
    assert use(scenes.heard(told, Shown(view=GRACE), NOW)).notes == (), "it is said once"


def test_a_message_of_the_desk_stays_until_it_was_read() -> None:
    told = scenes.heard(Scene(view=LENT), Told(said=DESK), NOW)
    later = scenes.passed(told, NOW + 600_000)
    assert use(later).notes[0].stays
    assert use(scenes.read(later)).notes == ()


def test_ending_is_asked_twice() -> None:
    menu = scenes.toggled(Scene(view=LENT), "menu")
    opened = use(menu).menu
    assert opened is not None
    assert opened.sure == ""
    sure = use(scenes.wants_to_end(menu)).menu
    assert sure is not None
    assert "Terminer la session" in sure.sure
    kept = use(scenes.wants_to_end(scenes.wants_to_end(menu), sure=False)).menu
    assert kept == opened


def test_time_that_was_asked_for_is_not_asked_again() -> None:
    menu = use(IN_USE["asked"]).menu
    assert menu is not None
    assert not menu.may_ask


def test_who_comes_in_is_greeted_with_the_time() -> None:
    entered = scenes.heard(Scene(view=FREE, said=USED), Shown(view=LENT), NOW)
    assert plain(use(entered).notes[0].text).startswith("Bonjour ! Vous avez 42 min.")


def test_the_next_visitor_finds_the_poste_as_it_was() -> None:
    mine = replace(Scene(view=LENT), language="en", contrast=True, large=True, unread=(DESK,), menu=True)
    gone = scenes.heard(mine, Shown(view=replace(FREE, phase="cleaning")), NOW)
    assert (gone.language, gone.contrast, gone.large, gone.unread, gone.menu) == (
        "fr",
        False,
        False,
        (),
        False,
    )


def test_who_is_paused_finds_it_as_they_left_it_and_why() -> None:
    mine = replace(Scene(view=LENT), language="en", large=True)
    cut = scenes.heard(mine, Told(said=Said("Réseau coupé", "Network lost")), NOW)
    paused = scenes.heard(cut, Shown(view=replace(FREE, phase="suspended", remaining_ms=MINUTE)), NOW)
    assert (paused.language, paused.large) == ("en", True)
    assert lock(paused).sentence == "Network lost"


def test_a_poste_that_is_to_be_found_says_large_who_it_is() -> None:
    found = scenes.heard(Scene(view=FREE), Identify(), NOW)
    assert "saint-denis-01" in lock(found).shout
    assert lock(replace(found, identify_until=NOW)).shout == ""


def test_moments_are_said_as_people_do() -> None:
    opening = datetime(2026, 11, 21, 17, 30, tzinfo=WALL.tzinfo)
    said = [
        plain(moment(opening + timedelta(days=days), WALL, language))
        for days in (0, 1, 10)
        for language in ("fr", "en")
    ]  # fmt: skip
    assert said == [
        "aujourd’hui à 17 h 30", "today at 17:30", "demain à 17 h 30", "tomorrow at 17:30",
        "mardi 1er décembre à 17 h 30", "Tuesday 1 December at 17:30",
    ]  # fmt: skip
    assert plain(hour(datetime(2026, 1, 1, 9, tzinfo=UTC), "fr")) == "9 h"
    assert day(datetime(2026, 1, 2, tzinfo=UTC).date(), "fr") == "vendredi 2 janvier"


def test_hours_are_said_in_the_language_of_the_screen() -> None:
    told = "lundi fermé\nmardi 09:00-12:00, 13:30-18:00"
    view = replace(FREE, config=Config(rev=1, site="Médiathèque", notice="Chut.", hours=told))
    assert lock(Scene(view=view)).info == f"À savoir\nChut.\n\nHoraires\n{told}"
    english = "Good to know\nChut.\n\nOpening hours\nMonday closed\nTuesday 09:00-12:00, 13:30-18:00"
    assert lock(Scene(view=view, language="en")).info == english


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("continue", "Réseau coupé : votre session continue jusqu’à sa fin."),
        (
            "suspend",
            "Réseau coupé : s’il ne revient pas, votre session se met en pause et votre temps est gardé.",
        ),
    ],
)
def test_who_is_at_work_is_told_once_what_a_lost_network_means(rule: Any, sentence: str) -> None:
    at_work = replace(LENT, config=replace_config(rule))
    cut = scenes.heard(Scene(view=at_work), Shown(view=replace(at_work, online=False)), NOW)
    assert use(scenes.passed(cut, NOW + CUT_MS - 1)).notes == (), "a blink of the network is no news"
    told = scenes.passed(cut, NOW + CUT_MS)
    assert plain(use(told).notes[0].text) == sentence
    again = scenes.heard(told, Shown(view=replace(at_work, online=False, asking=True)), NOW + 20_000)
    assert use(scenes.passed(again, NOW + 60_000)).notes == ()
    back = scenes.heard(cut, Shown(view=at_work), NOW + 1_000)
    assert use(scenes.passed(back, NOW + CUT_MS)).notes == ()


def replace_config(rule: Any) -> Config:
    return structs.replace(CONFIG, offline=rule)


def test_the_menu_says_that_the_network_is_gone_as_long_as_it_is() -> None:
    menu = use(IN_USE["cut-goes-on"]).menu
    assert menu is not None
    assert "Réseau coupé" in menu.line
    assert "Réseau coupé" not in str(use(IN_USE["menu"]).menu)


@pytest.mark.parametrize(
    ("name", "sentence", "reason"),
    [
        ("no-network", "Pas de réseau pour l’instant. Ce poste réessaie et ouvrira dès son retour.", ""),
        (
            "certificate", "Ce poste ne peut pas joindre le serveur en sécurité. Prévenez l’accueil.",
            "certificat_refuse",
        ),
        (
            "expired", "Le certificat du serveur est périmé, ou l’horloge de ce poste est fausse. Prévenez l’accueil.",
            "certificat_perime",
        ),
        (
            "own-expired", "Le certificat de ce poste est périmé, ou son horloge est fausse. Prévenez l’accueil.",
            "certificat_du_poste_perime",
        ),
        ("denied", "Le serveur ne reconnaît pas ce poste. Prévenez l’accueil.", "acces_refuse"),
        ("no-desk", "L’accueil n’est pas joignable pour l’instant. Patientez ou demandez de l’aide.", ""),
        ("paused-offline", "Réseau coupé : votre session est en pause, votre temps est gardé.", ""),
    ],
)  # fmt: skip
def test_a_poste_that_reaches_nobody_says_what_it_waits_for(name: str, sentence: str, reason: str) -> None:
    shown = lock(LOCKED[name])
    assert (plain(shown.sentence), shown.reason) == (sentence, reason)


def test_who_is_asked_whether_they_are_there_sees_the_seconds_left_and_hears_the_question_once() -> None:
    asked = IN_USE["still-there"]
    assert "dans 42 s" in plain(use(asked).notes[0].text)
    later = screen(asked, NOW + 2_000, WALL)
    assert isinstance(later, InUse)
    assert "dans 40 s" in plain(later.notes[0].text)
    assert plain(later.alert) == plain(use(asked).alert) == "Êtes-vous là ? Touchez le clavier ou la souris."
    assert "se termine" not in use(IN_USE["still-there-warn"]).notes[0].text, "where nothing ends"


def test_an_end_for_want_of_anybody_is_said_until_it_is_read_or_long_over() -> None:
    said = Said(say("ended_idle", "fr"), say("ended_idle", "en"))
    ended = scenes.heard(Scene(view=LENT), Told(said=said), NOW)
    cleaning = scenes.heard(ended, Shown(view=replace(FREE, phase="cleaning")), NOW)
    assert "Nettoyage" in lock(cleaning).sentence
    free = scenes.heard(cleaning, Shown(view=FREE), NOW + 3_000)
    assert "personne n’a touché" in lock(free).sentence
    assert lock(scenes.passed(free, NOW + SAID_MS)).sentence == "Tapez votre code."
    refused = scenes.heard(Scene(view=FREE), Told(said=USED), NOW)
    assert lock(scenes.passed(refused, NOW + SAID_MS)).sentence == USED.fr, "a refusal stays"


def test_the_countdown_is_made_small_and_is_whole_again_for_the_last_minutes_and_the_next_visitor() -> None:
    small = scenes.toggled(scenes.toggled(Scene(view=LENT), "menu"), "collapsed")
    assert use(small).collapsed
    assert use(small).menu is None
    assert not use(replace(small, view=SOON)).collapsed
    gone = scenes.heard(small, Shown(view=FREE), NOW)
    assert not gone.collapsed


def test_what_is_read_aloud_does_not_change_with_the_seconds() -> None:
    for name, scene in ALL.items():
        if name in ("identify",):
            continue
        now, later = screen(scene, NOW, WALL), screen(scene, NOW + 1_000, WALL)
        assert now.alert == later.alert, name
        assert now.alert or not (isinstance(now, Lock) or now.notes), name
