"""The settings of the service: one value, from the command line, the environment (``NASCALE_…``) and ``nascale.toml``.

The file has a table ``[service]`` with the names below; a variable is such a name in capitals behind ``NASCALE_``.
What stands earlier in the first sentence wins.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError

from evaluators.images.sources import SOURCES
from nascale.quantities import parse_quantity
from nascale.server_token import FOLDER
from results.storage_url import default_storage, sqlite_path, storage_url
from space.errors import InputError

FILE = "nascale.toml"
TABLE = "service"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names of this machine that no other machine reaches."""


def _quantity(kind: str) -> BeforeValidator:
    """Reads ``64MB`` or ``15min`` as people write them."""
    return BeforeValidator(lambda value: round(parse_quantity(value, kind)))


Bytes = Annotated[int, _quantity("bytes"), Field(gt=0)]
Seconds = Annotated[int, _quantity("seconds"), Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Settings(BaseSettings):
    """Where the service listens, what it serves, and the limits of what it takes. Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="NASCALE_", toml_file=FILE, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    host: str = "127.0.0.1"
    """The interface to listen on. One that other machines reach wants a token of the user's own."""
    port: int = Field(8123, ge=0, le=65535)
    """0 takes a free one."""
    hosts: tuple[str, ...] = ()
    """Names under which the service may be addressed beside its own, as a proxy in front of it passes them on."""
    token: SecretStr | None = None
    storage: str = Field(default_factory=default_storage)
    folder: Path = Path(FOLDER)
    """Uploads, logs, artifacts and the token are kept here."""
    data: dict[str, str] = Field(default_factory=dict)
    """Name → source of the images that may be searched on, as ``folder:/data/photos``; or ``table:FILE.toml``."""
    ray_address: str | None = None
    """The Ray cluster on which all jobs train; None for this machine."""

    body_bytes: Bytes = 2**20
    """Of a request that is no upload."""
    body_seconds: Seconds = 30
    """In which such a request has arrived."""
    upload_bytes: Bytes = 500_000_000
    upload_seconds: Seconds = 3600
    pause_seconds: Seconds = 20
    """Between two pieces of a request."""
    unpacked_bytes: Bytes = 4_000_000_000
    """That the files of an upload may take."""
    upload_files: Count = 200_000
    upload_ratio: Count = 200
    """Unpacked to packed bytes of a file, where it has more than a megabyte."""
    uploads_bytes: Bytes = 20_000_000_000
    """Of all uploads together."""
    uploads: Count = 100

    queue: Count = 100
    """Jobs that may wait."""
    jobs: Count = 2
    """Jobs at once."""
    cores: Annotated[float, Field(gt=0)] | None = None
    """Processors that jobs may use together; None for those of this machine."""
    streams: Count = 100
    """Streams of events that may be open at once for one token."""
    connections: Count = 1000
    """That may be open at once; half of them at most are streams."""
    log_bytes: Bytes = 64_000_000
    """That are kept of the log of a job."""
    events: Count = 10_000
    """That are kept of a job."""
    job_days: Count = 90
    """For which a job that has ended is kept, with its log."""
    stop_seconds: Seconds = 60
    """That a job which is to stop has for ending in order."""

    @field_validator("data")
    @classmethod
    def _names(cls, data: dict[str, str]) -> dict[str, str]:
        for name in data:
            check_name(name, "data")
        return data

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, _table(settings_cls))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches the service."""
        return self.host in LOOPBACK

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the service."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"


def _table(kind: type[BaseSettings]) -> PydanticBaseSettingsSource:
    """The table of the file, which may lack it or not be there."""
    try:
        return TomlConfigSettingsSource(kind, toml_file=FILE, toml_table_header=(TABLE,))
    except KeyError:
        return TomlConfigSettingsSource(kind, toml_file=None)


def _placed(storage: str) -> str:
    """The storage, by an absolute path where it is a SQLite file: jobs run in folders of their own."""
    path = sqlite_path(storage_url(storage))
    return storage if path is None else f"sqlite:///{quote(str(path.absolute()))}"


def _path_of(source: str) -> Path | None:
    """The file or folder that a source of images, or of a table, names; None for one of another kind."""
    prefix, colon, location = source.partition(":")
    known = SOURCES.get(prefix)
    is_path = prefix == "table" or (known is not None and known.operand in ("FILE", "DIR"))
    return Path(location).expanduser().absolute() if colon and is_path else None


def _source_placed(source: str) -> str:
    """The source, by an absolute path where it is a file or a folder."""
    path = _path_of(source)
    return source if path is None else f"{source.partition(':')[0]}:{path}"


def check_sources(settings: Settings) -> None:
    """Raises InputError for images, or a table, that are to be served and are not there."""
    for name, source in settings.data.items():
        path = _path_of(source)
        if path is not None and not path.exists():
            raise InputError.of(f"data: {name}", "a file or folder that is there", source)


def check_name(name: str, argument: str) -> None:
    """Raises InputError for what is no name of images: letters, digits and ``._-``, at most 100, a letter or digit first."""
    if not name.isascii() or not (0 < len(name) <= 100) or not _is_name(name):
        raise InputError.of(argument, "a name of letters, digits and ._- (NAME=SOURCE)", name)


def _is_name(name: str) -> bool:
    return name[0].isalnum() and all(letter.isalnum() or letter in "._-" for letter in name)


def read_settings(**given: Any) -> Settings:
    """The settings, with what is ``given`` over the environment and the file; None counts as not given.

    Raises InputError naming the first setting that is wrong.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(**chosen)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"])) or FILE
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, InputError):
            raise InputError(f"{name}: {cause}") from None
        raise InputError(f"{name}: {first['msg']}") from None
    except (SettingsError, tomllib.TOMLDecodeError, OSError) as error:
        raise InputError(f"{FILE}: {' '.join(str(error).split())}") from None
    return settings.model_copy(
        update={
            "storage": _placed(settings.storage),
            "folder": settings.folder.expanduser().absolute(),
            "data": {name: _source_placed(source) for name, source in settings.data.items()},
        }
    )
