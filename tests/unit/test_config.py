"""Settings: what is malformed is named at once, what is empty counts as unset, and only what is given is read."""

import pytest

from core import config

DATABASE = {"DATABASE_URL": "postgresql://somebody@127.0.0.1/shop"}

MALFORMED = {
    "CONSOLE_ADDRESS": ["hello", "0.0.0.0:8501", "http://127.0.0.1"],
    "GATEWAY_ADDRESS": ["gateway.example.com", "127.0.0.256"],
    "CONSOLE_HOSTS": ["http://x", "console.example.com:8501", "two words", "a..b"],
    "PUBLIC_URL": ["gate.example.com", "https://", "https://gate.example.com?x=1", "https://gate.example.com:99999"],
    "TIKTOK_API_URL": ["http://", "http:///v1", "ftp://host", "https://user:word@host", "https://two words"],
    "TRUSTED_ORIGINS": ["nonsense", "http://127.0.0.1:8600,nonsense", "https://host/path", "https://"],
    "HEARTBEAT_SECONDS": ["inf", "nan", "0"],
    "DEMO_ORDERS": ["nan"],
}


def load(**given: str) -> config.Settings:
    return config.load(DATABASE | {config.PREFIX + name: value for name, value in given.items()})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in MALFORMED.items() for value in values])
def test_a_malformed_value_is_named(name: str, value: str) -> None:
    with pytest.raises(config.SettingsError, match=rf"^CROSSDOCK_{name} is ") as refused:
        load(**{name: value})
    assert value.split(",")[-1] in str(refused.value)


def test_well_formed_values_are_taken() -> None:
    found = load(
        CONSOLE_ADDRESS="::1",
        GATEWAY_ADDRESS="localhost",
        CONSOLE_HOSTS="console.example.com, *.example.org ,10.0.0.7",
        PUBLIC_URL="https://gate.example.com/crossdock/",
        TRUSTED_ORIGINS="http://127.0.0.1:8600/, https://pictures.example.com",
        SHOPWIRED_URL="http://[::1]:8600/v1",
    )
    assert (found.console_address, found.gateway_address) == ("::1", "localhost")
    assert found.console_hosts == ("console.example.com", "*.example.org", "10.0.0.7")
    assert found.public_url == "https://gate.example.com/crossdock"
    assert found.trusted_origins == ("http://127.0.0.1:8600", "https://pictures.example.com")
    assert found.shopwired_url == "http://[::1]:8600/v1"


@pytest.mark.parametrize("given", [{"HEARTBEAT_SECONDS": "60", "STALL_SECONDS": "5"}, {"HEARTBEAT_SECONDS": "60"}])
def test_a_worker_must_have_time_to_say_that_it_lives(given: dict[str, str]) -> None:
    with pytest.raises(config.SettingsError, match=r"^CROSSDOCK_STALL_SECONDS is .* at least 120, twice CROSSDOCK_HEA"):
        load(**given)
    assert load(HEARTBEAT_SECONDS="2", STALL_SECONDS="6").stall_seconds == 6


def test_an_empty_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK_CONSOLE_PORT", "")
    monkeypatch.setenv("CROSSDOCK_TRUSTED_ORIGINS", "")
    assert config.load(DATABASE | {"CROSSDOCK_CONSOLE_PORT": "", "CROSSDOCK_TRUSTED_ORIGINS": ""}).console_port == 8501


def test_only_what_is_handed_over_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK_CONSOLE_PORT", "99")
    assert load().console_port == 8501


def test_a_name_in_small_letters_is_no_setting() -> None:
    with pytest.raises(config.SettingsError, match=r"^Unknown setting crossdock_console_port: "):
        config.load(DATABASE | {"crossdock_console_port": "99"})
