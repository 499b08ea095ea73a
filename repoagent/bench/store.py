"""Store the results of a run in one SQLite file: one row for each instance in each stage, no result lost or doubled.

One process writes. A row is `running` from before its worker starts until its result is written, in one transaction,
so that after `kill -9` exactly the rows that are still `running` have to be done again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from repoagent.bench.instance import Instance
from repoagent.bench.task import AttemptResult, JobState, Stage
from repoagent.domain import dump, load
from repoagent.errors import EnvironmentFailed, UserError

RESULTS_FILE = "results.sqlite"
_BALLAST = "ballast"
_BALLAST_BYTES = 2 << 20
"""Reserved on the disk, so that the last results can still be written when it is full."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS instance (
  id TEXT PRIMARY KEY, position INTEGER NOT NULL, row TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS job (
  stage TEXT NOT NULL, instance TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, interruptions INTEGER NOT NULL DEFAULT 0,
  started REAL, ended REAL, tokens INTEGER NOT NULL DEFAULT 0, done TEXT,
  PRIMARY KEY (stage, instance)
) STRICT;
CREATE TABLE IF NOT EXISTS attempt (
  stage TEXT NOT NULL, instance TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL,
  reason TEXT NOT NULL, seconds REAL NOT NULL, worker TEXT NOT NULL, ended REAL NOT NULL,
  PRIMARY KEY (stage, instance, number)
) STRICT;
"""


@dataclass(frozen=True)
class InstanceJob:
    """The state of one instance in one stage."""

    stage: str
    instance: str
    state: JobState
    reason: str
    attempts: int
    """How often it was started."""
    failures: int
    """Attempts that failed because of the infrastructure; not counted against the agent."""
    interruptions: int
    """Attempts that ended because the scheduler died."""
    started: float | None
    ended: float | None
    done: AttemptResult | None


class ResultStore:
    """The results of a run. Several processes may read; a lock keeps a second one from writing."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection

    @classmethod
    def create(cls, folder: Path) -> ResultStore:
        """Open the results in `folder`; create them where there are none."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            connection = _connect(folder / RESULTS_FILE)
            connection.executescript(_SCHEMA)
            _write_ballast(folder)
        except (OSError, sqlite3.Error) as error:
            raise EnvironmentFailed(f"cannot write {folder}: {error}") from error
        return cls(folder, connection)

    @classmethod
    def open(cls, folder: Path) -> ResultStore:
        """Open existing results. Raises UserError where there are none."""
        if not (folder / RESULTS_FILE).is_file():
            raise UserError(f"{folder} holds no run: name the directory that `repoagent bench run --out` made")
        return cls.create(folder)

    def close(self) -> None:
        """Close the file, with its write-ahead log merged into it."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the run and its instances

    def read_value(self, name: str) -> str | None:
        """Read the value stored under `name`; None where there is none."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def write_value(self, name: str, value: str) -> None:
        """Store `value` under `name`."""
        self._execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def add_instances(self, instances: Sequence[Instance]) -> None:
        """Add instances that are not stored yet, in their order."""
        rows = [(each.id, number, dump(each)) for number, each in enumerate(instances)]
        self._execute_all("INSERT OR IGNORE INTO instance VALUES (?, ?, ?)", rows)

    def read_instances(self) -> Iterator[Instance]:
        """Read all instances, in the order of the dataset."""
        ids = [row[0] for row in self._connection.execute("SELECT id FROM instance ORDER BY position")]
        return (self.read_instance(identity) for identity in ids)

    def read_instance(self, identity: str) -> Instance:
        """Read one instance. Raises UserError where there is none with this id."""
        row = self._connection.execute("SELECT row FROM instance WHERE id = ?", (identity,)).fetchone()
        if row is None:
            raise UserError(f"the run has no instance {identity}")
        return load(Instance, row[0])

    # --- jobs

    def plan_jobs(self, stage: Stage, ids: Sequence[str]) -> None:
        """Add a waiting job for each instance that has none in this stage."""
        self._execute_all(
            "INSERT OR IGNORE INTO job (stage, instance, state) VALUES (?, ?, ?)",
            [(stage, identity, JobState.WAITING) for identity in ids],
        )

    def refuse_instance(self, stage: Stage, identity: str, reason: str) -> None:
        """Store an instance that cannot be used, with the reason."""
        command = "INSERT OR IGNORE INTO job (stage, instance, state, reason, ended) VALUES (?, ?, ?, ?, ?)"
        self._execute(command, (stage, identity, JobState.UNUSABLE, reason, time.time()))

    def recover_jobs(self, stage: Stage) -> list[str]:
        """Set jobs that were running when the last scheduler died back to waiting; returns their instances."""
        query = "SELECT instance FROM job WHERE stage = ? AND state = ?"
        lost = [str(row[0]) for row in self._connection.execute(query, (stage, JobState.RUNNING))]
        self._execute(
            "UPDATE job SET state = ?, interruptions = interruptions + 1 WHERE stage = ? AND state = ?",
            (JobState.WAITING, stage, JobState.RUNNING),
        )
        return lost

    def retry_jobs(self, stage: Stage, states: Sequence[JobState]) -> int:
        """Set jobs that ended in one of `states` back to waiting; returns how many."""
        marks = ", ".join("?" * len(states))
        command = f"UPDATE job SET state = ?, failures = 0 WHERE stage = ? AND state IN ({marks})"  # noqa: S608 - marks
        return self._execute(command, (JobState.WAITING, stage, *states))

    def list_waiting(self, stage: Stage) -> list[str]:
        """List the waiting instances, in the order of the dataset."""
        query = (
            "SELECT job.instance FROM job JOIN instance ON instance.id = job.instance "
            "WHERE stage = ? AND state = ? ORDER BY position"
        )
        return [str(row[0]) for row in self._connection.execute(query, (stage, JobState.WAITING))]

    def begin_attempt(self, stage: Stage, identity: str) -> int:
        """Mark a job as running before its worker starts; returns the number of the attempt, from 1."""
        self._execute(
            "UPDATE job SET state = ?, attempts = attempts + 1, started = ? WHERE stage = ? AND instance = ?",
            (JobState.RUNNING, time.time(), stage, identity),
        )
        return self.read_job(stage, identity).attempts

    def end_attempt(self, stage: Stage, identity: str, done: AttemptResult, *, again: bool = False) -> None:
        """Store the result of an attempt; with `again` the job is set back to waiting."""
        now, failed = time.time(), int(done.state is JobState.ENVIRONMENT)
        tokens = done.solved.usage.tokens if done.solved else 0
        state = JobState.WAITING if again else done.state
        number = self.read_job(stage, identity).attempts
        attempt = (stage, identity, number, done.state, done.cause, done.reason, done.seconds, done.worker, now)
        update = (state, done.reason, failed, now, tokens, dump(done), stage, identity)
        self._run_transaction(
            ("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", attempt),
            (_END, update),
        )

    def read_job(self, stage: Stage, identity: str) -> InstanceJob:
        """Read one job. Raises UserError where the instance is not in this stage."""
        query = f"SELECT {_COLUMNS} FROM job WHERE stage = ? AND instance = ?"  # noqa: S608 - constant columns
        row = self._connection.execute(query, (stage, identity)).fetchone()
        if row is None:
            raise UserError(f"{identity} is not in the stage {stage}")
        return _make_job(row)

    def read_jobs(self, stage: Stage) -> Iterator[InstanceJob]:
        """Read all jobs of a stage."""
        query = f"SELECT {_COLUMNS} FROM job WHERE stage = ? ORDER BY rowid"  # noqa: S608 - constant columns
        return map(_make_job, self._connection.execute(query, (stage,)))

    def count_states(self, stage: Stage) -> dict[JobState, int]:
        """Count the jobs of a stage by state."""
        query = "SELECT state, count(*) FROM job WHERE stage = ? GROUP BY state"
        return {JobState(state): int(count) for state, count in self._connection.execute(query, (stage,))}

    def sum_tokens(self) -> int:
        """Sum the tokens of all attempts."""
        return int(self._connection.execute("SELECT coalesce(sum(tokens), 0) FROM job").fetchone()[0])

    # --- writing

    def _execute(self, command: str, values: Sequence[object]) -> int:
        return self._run_transaction((command, values))

    def _execute_all(self, command: str, rows: Sequence[Sequence[object]]) -> None:
        self._run_transaction(*((command, row) for row in rows))

    def _run_transaction(self, *commands: tuple[str, Sequence[object]]) -> int:
        """Execute commands in one transaction; where the disk is full, the ballast is deleted once to make room."""
        try:
            return self._try_transaction(commands)
        except sqlite3.OperationalError as error:
            if "full" not in str(error) and "I/O" not in str(error):
                raise
            (self.folder / _BALLAST).unlink(missing_ok=True)
        try:
            return self._try_transaction(commands)
        except sqlite3.OperationalError as error:
            raise EnvironmentFailed(
                f"the disk that holds {self.folder} is full: free some space, then continue with the same command"
            ) from error

    def _try_transaction(self, commands: Sequence[tuple[str, Sequence[object]]]) -> int:
        changed = 0
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for command, values in commands:
                changed = self._connection.execute(command, tuple(values)).rowcount
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        return changed


_END = """UPDATE job SET state = ?, reason = ?, failures = failures + ?, ended = ?, tokens = tokens + ?, done = ?
WHERE stage = ? AND instance = ?"""
_COLUMNS = "stage, instance, state, reason, attempts, failures, interruptions, started, ended, done"


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # an ending that was told must survive a power cut
    return connection


def _write_ballast(folder: Path) -> None:
    path = folder / _BALLAST
    with suppress(OSError):
        if not path.exists():
            path.write_bytes(b"\0" * _BALLAST_BYTES)


def _make_job(row: tuple[object, ...]) -> InstanceJob:
    stage, instance, state, reason, *numbers, done = row
    attempts, failures, interruptions, started, ended = numbers
    return InstanceJob(
        str(stage),
        str(instance),
        JobState(str(state)),
        str(reason),
        int(str(attempts)),
        int(str(failures)),
        int(str(interruptions)),
        float(str(started)) if started is not None else None,
        float(str(ended)) if ended is not None else None,
        load(AttemptResult, str(done)) if done else None,
    )
