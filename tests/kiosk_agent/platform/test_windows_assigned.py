"""What visitors may start on Windows: the site's own file, made to fit the accounts of the public and our window."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows import assigned, seats
from tests.kiosk_agent.platform.fake_windows import FakeWindows

PYTHON = r"C:\Program Files\Python312\python.exe"
PROFILE = """<?xml version="1.0" encoding="utf-8"?>
<AssignedAccessConfiguration xmlns="http://schemas.microsoft.com/AssignedAccess/2017/config"
    xmlns:rs5="http://schemas.microsoft.com/AssignedAccess/201810/config"
    xmlns:v5="http://schemas.microsoft.com/AssignedAccess/2022/config">
  <Profiles>
    <Profile Id="{9A2A490F-10F6-4764-974A-43B19E722C23}">
      <AllAppsList>
        <AllowedApps>
          <App DesktopAppPath="%ProgramFiles%\\Mozilla Firefox\\firefox.exe" />
        </AllowedApps>
      </AllAppsList>
      <v5:StartPins><![CDATA[{"pinnedList": [{"desktopAppLink": "%ALLUSERSPROFILE%\\\\é.lnk"}]}]]></v5:StartPins>
      <Taskbar ShowTaskbar="true" />
    </Profile>
  </Profiles>
  <Configs>
    <Config><Account>somebody</Account><DefaultProfile Id="{9A2A490F-10F6-4764-974A-43B19E722C23}" /></Config>
  </Configs>
</AssignedAccessConfiguration>
"""
NAME = "{http://schemas.microsoft.com/AssignedAccess/2017/config}"
PINS = "{http://schemas.microsoft.com/AssignedAccess/2022/config}StartPins"


@pytest.fixture
def windows(tmp_path: Path) -> FakeWindows:
    return FakeWindows(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "assigned-access.xml"
    made.write_text(PROFILE, encoding="utf-8-sig")
    return made


def test_the_accounts_of_the_public_get_the_site_s_profile_with_our_window_in_it() -> None:
    made = assigned.ours(PROFILE, PYTHON)
    root, before = ElementTree.fromstring(made.encode()), ElementTree.fromstring(PROFILE.encode())
    assert [one.get("DesktopAppPath") for one in root.iter(f"{NAME}App")] == [
        *(one.get("DesktopAppPath") for one in before.iter(f"{NAME}App")), PYTHON,
    ]  # fmt: skip
    assert [one.text for one in root.iter(f"{NAME}Account")] == list(seats.PUBLIC)
    assert {one.get("Id") for one in root.iter(f"{NAME}DefaultProfile")} == {
        "{9A2A490F-10F6-4764-974A-43B19E722C23}"
    }
    assert [one.text for one in root.iter(PINS)] == [one.text for one in before.iter(PINS)]
    assert [one.tag for one in root] == [f"{NAME}Profiles", f"{NAME}Configs"]
    assert made.startswith('<?xml version="1.0" encoding="utf-8"?>\n<AssignedAccessConfiguration ')
    assert assigned.ours(made, PYTHON.upper()) == made, "a second time changes nothing"


@pytest.mark.parametrize(
    "text",
    [
        "", "<a", "<a/>", PROFILE.replace("AllAppsList", "KioskModeApp"), PROFILE.replace(" Id=", " Name="),
        PROFILE.replace("</Profiles>", '<Profile Id="{1}"/></Profiles>'),
    ],
    ids=["empty", "no xml", "another", "one program alone", "no Id", "two profiles"],
)  # fmt: skip
def test_a_file_that_makes_no_desktop_is_refused_with_its_reason(text: str) -> None:
    with pytest.raises(PlatformError, match="assigned access: ") as refused:
        assigned.ours(text, PYTHON)
    assert refused.value.reason == "assigned_access"


def test_it_is_assigned_once_and_again_when_the_file_changes(windows: FakeWindows, file: Path) -> None:
    assert assigned.hold_to(windows, file, PYTHON)
    assert not assigned.hold_to(windows, file, PYTHON)
    windows.restart()
    assert not assigned.hold_to(windows, file, PYTHON)
    file.write_text(PROFILE.replace("firefox", "chrome"))
    assert assigned.hold_to(windows, file, PYTHON)
    assert ["chrome" in one for one in windows.assigned] == [False, True]


def test_without_a_file_ours_is_taken_back_and_what_others_assigned_is_left(
    windows: FakeWindows, file: Path
) -> None:
    assert not assigned.hold_to(windows, None, PYTHON)
    assert windows.assigned == []
    assigned.hold_to(windows, file, PYTHON)
    assert assigned.hold_to(windows, None, PYTHON)
    assert windows.assigned[-1] == ""
    assert not assigned.hold_to(windows, None, PYTHON)
    assert not windows.registry


def test_what_windows_refused_is_tried_again(windows: FakeWindows, file: Path) -> None:
    windows.refuses.add("assign_access")
    for _ in range(2):
        with pytest.raises(PlatformError):
            assigned.hold_to(windows, file, PYTHON)
    windows.refuses.clear()
    assert assigned.hold_to(windows, file, PYTHON)


def test_a_file_that_is_not_there_is_told(windows: FakeWindows, tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"nothing\.xml"):
        assigned.hold_to(windows, tmp_path / "nothing.xml", PYTHON)
