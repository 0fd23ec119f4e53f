"""Settings, all from the environment, each typed and named in ``docs/settings.md``."""

from __future__ import annotations

import ipaddress
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "CROSSDOCK_"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # listening there, a server is reached here from this machine
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE)


def _split_address(value: str) -> SplitResult:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https"):
        raise ValueError("must begin with http:// or https://")
    if not parts.hostname or not _is_host(parts.hostname) or parts.port == 0:  # .port raises ValueError by itself
        raise ValueError("must name a host after http:// or https://, as in https://shop.example.com")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must have neither a user name nor a ? or #")
    return parts


def _web_address(value: str) -> str:
    if value:
        _split_address(value)
    return value.rstrip("/")


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if _split_address(value).path:
            raise ValueError(f"{value!r} must end after the host and its port, as in https://pictures.example.com")
    return values


def _hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [value for value in values if not _is_host(value)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} must be a host name alone, as in console.example.com")
    return values


def _is_host(value: str) -> bool:
    return _is_ip(value) or _HOST.fullmatch(value) is not None


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _listening(value: str) -> str:
    if value != "localhost" and not _is_ip(value):
        raise ValueError("must be an IP address of this machine, 0.0.0.0 for all of them, or localhost")
    return value


def _parts(value: Any) -> Any:
    return (
        tuple(one.strip().rstrip("/") for one in value.split(",") if one.strip()) if isinstance(value, str) else value
    )


WebAddress = Annotated[str, AfterValidator(_web_address)]
Listening = Annotated[str, AfterValidator(_listening)]
Hosts = Annotated[tuple[str, ...], BeforeValidator(_parts), AfterValidator(_hosts)]
Origins = Annotated[tuple[str, ...], BeforeValidator(_parts), AfterValidator(_origins)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def local_url(address: str, port: int) -> str:
    """The URL at which this machine reaches a server that listens on that address."""
    host = EVERYWHERE.get(address, address)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def normalised_database_url(url: str) -> str:
    """``postgres://``, ``postgresql://`` or ``postgresql+psycopg://`` as SQLAlchemy's psycopg 3 address."""
    for scheme in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url[len(scheme) :]
    raise ValueError(f"DATABASE_URL begins with {url.split(':')[0]!r}: it must begin with postgresql://")


class Settings(BaseSettings):
    """Every ``CROSSDOCK_*`` variable, plus ``DATABASE_URL``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    database_url: Annotated[str, AfterValidator(normalised_database_url)] = Field(validation_alias="DATABASE_URL")
    home: Path = Field(default=Path.home() / ".local/share/crossdock", description="where data, keys and logs live")
    console_port: Port = Field(default=8501, description="port of the console")
    gateway_port: Port = Field(default=8502, description="port of the gateway")
    sandbox_port: Port = Field(default=8600, description="port of the sandbox")
    console_address: Listening = Field(default="127.0.0.1", description="address the console listens on")
    gateway_address: Listening = Field(default="127.0.0.1", description="address the gateway listens on")
    console_hosts: Hosts = Field(default=(), description="further host names the console answers to, comma separated")
    public_url: WebAddress = Field(default="", description="the gateway's public address, registered at vendors")
    sandbox_url: WebAddress = Field(default="", description="the sandbox's address; empty: no sandbox")
    tiktok_api_url: WebAddress = Field(
        default="https://open-api.tiktokglobalshop.com", description="TikTok Shop's API host"
    )
    tiktok_auth_url: WebAddress = Field(default="https://auth.tiktok-shops.com", description="TikTok Shop's token host")
    tiktok_authorize_url: WebAddress = Field(
        default="https://services.tiktokshop.com", description="host of TikTok Shop's authorise page"
    )
    events_url: WebAddress = Field(default="https://business-api.tiktok.com", description="TikTok Events API's host")
    shopwired_url: WebAddress = Field(
        default="https://api.ecommerceapi.uk/v1", description="ShopWired's API, offered when a store is connected"
    )
    trusted_origins: Origins = Field(
        default=(), description="origins pictures may come from although they are not public, comma separated"
    )
    secret_keys: SecretStr = Field(
        default=SecretStr(""), description="id:base64 keys, comma separated, the first encrypts; empty: a key file"
    )
    metrics_token: SecretStr = Field(default=SecretStr(""), description="bearer token for /metrics from elsewhere")
    workers: int = Field(default=1, ge=1, le=32, description="worker processes that run.py starts")
    worker_concurrency: int = Field(default=6, ge=1, le=64, description="jobs one worker runs at once")
    heartbeat_seconds: Seconds = Field(default=10, description="how often a worker says that it lives")
    stall_seconds: Seconds = Field(default=30, description="silence after which a worker's jobs are taken over")
    sweep_seconds: Seconds = Field(default=15, description="how often stalled jobs are looked for")
    order_recheck_seconds: Seconds = Field(
        default=120, description="time between the two looks for a store order whose answer was lost"
    )
    demo_products: int = Field(default=500, ge=1, le=200_000, description="products of the sandbox's demo store")
    demo_sends: int = Field(default=150, ge=0, description="ready products the demo sends on a first start")
    demo_orders: float = Field(
        default=4, ge=0, le=600, allow_inf_nan=False, description="orders a minute that the demo's buyers place"
    )
    sandbox: str = Field(default="on", pattern="^(on|off)$", description="whether run.py starts the sandbox")
    own_rates: str = Field(
        default="on", pattern="^(on|off)$", description="off: only the remote systems limit us, for measuring"
    )
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="least level logged")
    support_contact: str = Field(default="", description="whom the console names when help is needed")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What ``load`` hands over and nothing else: it checks the environment's names, which a source would not."""
        return (init_settings,)

    @field_validator("stall_seconds")
    @classmethod
    def _leaves_time_for_a_heartbeat(cls, value: float, info: ValidationInfo) -> float:
        least = 2 * info.data.get("heartbeat_seconds", 0)
        if value < least:
            raise ValueError(
                f"must be at least {least:g}, twice CROSSDOCK_HEARTBEAT_SECONDS, or live workers lose jobs"
            )
        return value

    @property
    def console_url(self) -> str:
        """Where this machine reaches the console."""
        return local_url(self.console_address, self.console_port)

    @property
    def gateway_url(self) -> str:
        """Where the outside world reaches the gateway: the public address, else the local one."""
        return self.public_url or local_url(self.gateway_address, self.gateway_port)

    def may_be_called_by(self, vendor_url: str) -> bool:
        """Whether the vendor whose API is at ``vendor_url`` reaches the gateway: at a public https address anybody
        does, at one of this machine only the sandbox."""
        is_sandbox = bool(self.sandbox_url) and f"{vendor_url}/".startswith(f"{self.sandbox_url}/")
        return self.public_url.startswith("https://") or is_sandbox


class SettingsError(Exception):
    """The environment holds a setting that is unknown or malformed; the text says which, and what to do."""


def load(environ: dict[str, str] | None = None) -> Settings:
    """The settings of this process. Raises ``SettingsError`` naming every unknown or malformed variable."""
    environ = dict(os.environ) if environ is None else environ
    known = {PREFIX + name.upper() for name in Settings.model_fields if name != "database_url"}
    unknown = sorted(name for name in environ if name.upper().startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingsError(f"Unknown setting {', '.join(unknown)}: the known ones are listed in docs/settings.md.")
    values: dict[str, Any] = {
        name: environ[PREFIX + name.upper()]
        for name in Settings.model_fields
        if environ.get(PREFIX + name.upper(), "") != ""
    }
    if environ.get("DATABASE_URL"):
        values["DATABASE_URL"] = environ["DATABASE_URL"]
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_in_words(error)) from error


def _in_words(error: ValidationError) -> str:
    sentences = []
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0])
        variable = name if name == "DATABASE_URL" else PREFIX + name.upper()
        if problem["type"] == "missing":
            sentences.append(f"{variable} is not set: give the Postgres address, or start with run.py.")
        else:
            shown = "" if name in ("DATABASE_URL", "secret_keys") else f" is {problem['input']!r}"
            sentences.append(f"{variable}{shown}: {problem['msg'].removeprefix('Value error, ')}.")
    return " ".join(sentences)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return load()
