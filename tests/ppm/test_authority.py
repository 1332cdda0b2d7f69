"""What machines that enrol are told to believe."""

from pathlib import Path

import pytest

from ppm.authority import pem_of
from ppm.setting import SettingError
from tests.support.certificates import own_certificate


def test_a_key_beside_the_certificate_is_told_to_nobody(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(key.read_text() + certificate.read_text() + certificate.read_text())
    told = pem_of(both)
    assert told is not None
    assert told.count("BEGIN CERTIFICATE") == 2
    assert "PRIVATE" not in told
    with pytest.raises(SettingError):
        pem_of(key)
