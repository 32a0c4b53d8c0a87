"""Settings of a site: what a batch system is asked for, read from a TOML file.

```toml
processes = 1           # runs at a time in a job
cores = 4               # of a job
memory = "16 GB"        # of a job
time = "04:00:00"       # of a job, HH:MM:SS
queue = "gpu"           # partition of Slurm
gpus = 1                # of a job
directives = ["--constraint=a100"]
prologue = ["module load cuda"]
```
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from zskt.errors import UserError, lookup
from zskt.settings import Settings, setting
from zskt.storage.documents import parse, read_text

LIFETIME_MARGIN = (60, 300)
"""Seconds before the end of a job in which its runs save and go elsewhere: at least, at most; between, a tenth."""


@dataclass(frozen=True, kw_only=True)
class Site(Settings):
    """What a site's file may say."""

    processes: int = setting(1, minimum=1)
    """Runs at a time in a job."""
    cores: int = setting(1, minimum=1)
    """Cores of a job; each of its runs has its share as threads."""
    memory: str = setting("4 GB")
    """Memory of a job."""
    time: str = setting("")
    """Length of a job, as HH:MM:SS or D-HH:MM:SS; a run that needs longer goes on in the next job."""
    queue: str = setting("")
    """Queue, or partition."""
    account: str = setting("")
    """Account, or project, that pays."""
    gpus: int = setting(0, minimum=0)
    """GPUs of a job; its runs share them evenly. With ``--cluster local``, those of this machine."""
    disk: str = setting("2 GB")
    """Scratch disk of a job, of which HTCondor wants to know."""
    interface: str = setting("")
    """Network interface by which jobs reach the scheduler, such as "ib0"."""
    python: str = setting("")
    """Python of the jobs, where it is not that of the command."""
    directives: tuple[str, ...] = ()
    """Further directives of the batch system, a line each: ``--constraint=a100``, or HTCondor's ``NAME = VALUE``."""
    prologue: tuple[str, ...] = ()
    """Lines of shell before a worker begins, such as ``module load``."""

    @property
    def threads(self) -> int:
        """Threads of a run."""
        return max(self.cores // self.processes, 1)

    @property
    def seconds(self) -> int | None:
        """Length of a job in seconds; None where nothing is said."""
        if not self.time:
            return None
        days, _, clock = self.time.rpartition("-")
        hours, minutes, seconds = map(int, clock.split(":"))
        return int(days or 0) * 86_400 + hours * 3600 + minutes * 60 + seconds

    @property
    def lifetime(self) -> int | None:
        """Seconds after which a worker lets its runs save; None where jobs have no end."""
        if self.seconds is None:
            return None
        least, most = LIFETIME_MARGIN
        return max(self.seconds - min(max(self.seconds // 10, least), most), 1)


def read_site(path: Path | None) -> Site:
    """Read a site's file; all defaults without one.

    Raises:
        UserError: if it cannot be read, or a setting is unknown or of another kind.
    """
    if path is None:
        return Site()
    if not path.is_file():
        raise UserError(f"--site {path}: no such file; give a TOML file of the site's settings")
    values = parse(read_text(path, "TOML", "mend it"), "TOML", f"--site {path}", "mend it")
    try:
        for name, value in values.items():
            lookup(dict.fromkeys(Site.names()), name, "setting of a site")
            values[name] = _lines(name, value)
        site = Site(**values)
        if not re.fullmatch(r"((\d+-)?\d+:[0-5]\d:[0-5]\d)?", site.time):
            raise UserError(f"time is {site.time!r}, but must be written as HH:MM:SS or D-HH:MM:SS")
        for name in ("memory", "disk"):
            _require_size(name, getattr(site, name))
    except UserError as error:
        raise UserError(f"--site {path}: {error}") from None
    if site.cores < site.processes:
        raise UserError(f"--site {path}: cores is {site.cores}, but must be at least processes, {site.processes}")
    return site


def _lines(name: str, value: Any) -> Any:
    """Return a value, lists of lines as tuples; raises `UserError` where lines are wanted and something else is."""
    wanted = next(f for f in fields(Site) if f.name == name).default == ()
    if wanted and not (isinstance(value, list) and all(isinstance(line, str) for line in value)):
        raise UserError(f'{name} is {value!r}, but must be a list of lines, as ["..."]')
    return tuple(value) if wanted else value


def _require_size(name: str, text: str) -> None:
    if not re.fullmatch(r"\d+(\.\d+)? *([kMGT]i?)?B", text):
        raise UserError(f'{name} is {text!r}, but must be a size, as "16 GB"')
