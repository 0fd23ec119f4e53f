"""Settings, all from the environment, each typed and named in ``docs/settings.md``."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "CROSSDOCK_"


def _web_address(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_web_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


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
    console_address: str = Field(default="127.0.0.1", description="address the console listens on")
    gateway_address: str = Field(default="127.0.0.1", description="address the gateway listens on")
    console_hosts: str = Field(default="", description="further host names the console answers to, comma separated")
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
    trusted_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="origins pictures may come from although they are not public, comma separated"
    )
    secret_keys: SecretStr = Field(
        default=SecretStr(""), description="id:base64 keys, comma separated, the first encrypts; empty: a key file"
    )
    metrics_token: SecretStr = Field(default=SecretStr(""), description="bearer token for /metrics from elsewhere")
    workers: int = Field(default=1, ge=1, le=32, description="worker processes that run.py starts")
    worker_concurrency: int = Field(default=6, ge=1, le=64, description="jobs one worker runs at once")
    heartbeat_seconds: float = Field(default=10, gt=0, description="how often a worker says that it lives")
    stall_seconds: float = Field(default=30, gt=0, description="silence after which a worker's jobs are taken over")
    sweep_seconds: float = Field(default=15, gt=0, description="how often stalled jobs are looked for")
    order_recheck_seconds: float = Field(
        default=120, gt=0, description="time between the two looks for a store order whose answer was lost"
    )
    demo_products: int = Field(default=500, ge=1, le=200_000, description="products of the sandbox's demo store")
    demo_sends: int = Field(default=150, ge=0, description="ready products the demo sends on a first start")
    demo_orders: float = Field(default=4, ge=0, le=600, description="orders a minute that the demo's buyers place")
    sandbox: str = Field(default="on", pattern="^(on|off)$", description="whether run.py starts the sandbox")
    own_rates: str = Field(
        default="on", pattern="^(on|off)$", description="off: only the remote systems limit us, for measuring"
    )
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="least level logged")
    support_contact: str = Field(default="", description="whom the console names when help is needed")

    @property
    def gateway_url(self) -> str:
        """Where the outside world reaches the gateway: the public address, else the local one."""
        return self.public_url or f"http://{self.gateway_address}:{self.gateway_port}"

    @property
    def vendors_may_call(self) -> bool:
        """Whether webhooks can be registered: a public https address, or the sandbox on this machine."""
        return self.public_url.startswith("https://") or bool(self.sandbox_url)


class SettingsError(Exception):
    """The environment holds a setting that is unknown or malformed; the text says which, and what to do."""


def _split(environ: dict[str, str]) -> dict[str, Any]:
    text = environ.get(PREFIX + "TRUSTED_ORIGINS", "")
    return {"trusted_origins": tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())}


def load(environ: dict[str, str] | None = None) -> Settings:
    """The settings of this process. Raises ``SettingsError`` naming every unknown or malformed variable."""
    environ = dict(os.environ) if environ is None else environ
    known = {PREFIX + name.upper() for name in Settings.model_fields if name != "database_url"}
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingsError(f"Unknown setting {', '.join(unknown)}: the known ones are listed in docs/settings.md.")
    values: dict[str, Any] = {
        name: environ[PREFIX + name.upper()]
        for name in Settings.model_fields
        if environ.get(PREFIX + name.upper(), "") != ""
    }
    values |= _split(environ)
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
            sentences.append(f"{variable}{shown}: {problem['msg']}.")
    return " ".join(sentences)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return load()
