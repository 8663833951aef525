"""A browser's name for itself in plain words. Only words of our own reach the page; the header is never shown."""

import re

_BROWSERS: tuple[tuple[str, str], ...] = (
    (r"Edg(e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"Vivaldi/", "Vivaldi"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"HeadlessChrome/", "Headless Chrome"),
    (r"Chromium/", "Chromium"),
    (r"Chrome/|CriOS/", "Chrome"),
    (r"Safari/", "Safari"),
    (r"curl/|Wget/|python|httpx|Go-http-client|okhttp", "A program"),
)
_SYSTEMS: tuple[tuple[str, str, str], ...] = (
    (r"iPhone", "iPhone", "phone"),
    (r"iPad", "iPad", "tablet"),
    (r"Android.*Mobile", "Android", "phone"),
    (r"Android", "Android", "tablet"),
    (r"CrOS", "ChromeOS", "desktop"),
    (r"Windows", "Windows", "desktop"),
    (r"Macintosh|Mac OS X", "Mac", "desktop"),
    (r"Linux|X11", "Linux", "desktop"),
)


def device(user_agent: str) -> tuple[str, str]:
    """What to call the device, and its icon."""
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, user_agent)), "")
    system, icon = next(
        ((name, icon) for pattern, name, icon in _SYSTEMS if re.search(pattern, user_agent)), ("", "desktop")
    )
    if browser == "A program":
        return browser, "terminal"
    if browser and system:
        return f"{browser} on {system}", icon
    return browser or system or "Unknown device", icon
