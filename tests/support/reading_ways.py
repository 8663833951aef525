"""The ways in which people read: with and without JavaScript, on a wide screen and on a phone."""

from typing import Any

import pytest

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
NO_SCRIPT: dict[str, Any] = {"java_script_enabled": False}

ALL_WAYS = pytest.mark.parametrize(
    "way",
    [
        pytest.param(WIDE, id="wide"),
        pytest.param(WIDE | NO_SCRIPT, id="wide-no-script"),
        pytest.param(PHONE, id="phone"),
        pytest.param(PHONE | NO_SCRIPT, id="phone-no-script"),
    ],
)
SCRIPT_OR_NOT = pytest.mark.parametrize(
    "way", [pytest.param(WIDE, id="script"), pytest.param(WIDE | NO_SCRIPT, id="no-script")]
)
TWO_WAYS = pytest.mark.parametrize(
    "way", [pytest.param(WIDE, id="wide"), pytest.param(PHONE | NO_SCRIPT, id="phone-no-script")]
)
