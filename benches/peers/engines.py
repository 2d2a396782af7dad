"""The engines of the comparison, and how each is asked."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Engine:
    name: str
    """As it stands in the table."""
    environment: str
    """The Python environment that it runs in; empty for Lehr's binary."""
    script: str
    mode: str = ""
    form: str = "parquet"
    """The form of its input, see `readings.FORMS`."""
    prefix: bool = False
    """Whether it gets the first readings alone, because the whole input would take minutes."""
    every_rate: bool = False
    """Whether it runs at every rate of the sensors, or at the first one alone."""
    runs: int = 3
    answers: bool = True
    """Whether it does the job; if not, it reads the input into nothing."""

    def command(self, cache, window, source, output):
        program = [window] if not self.environment else [cache / self.environment / "bin/python", HERE / self.script]
        mode = ["--mode", self.mode] if self.mode else []
        return [str(word) for word in [*program, "--input", source, "--output", output, *mode]]


LEHR = Engine("Lehr", "", "window", every_rate=True, runs=5)
DUCKDB = Engine("DuckDB", "runner", "engine_duckdb.py", every_rate=True, runs=5)
ENGINES = [
    LEHR,
    DUCKDB,
    Engine("Flink, streaming", "flink", "engine_flink.py", "streaming", form="csv"),
    Engine("Flink, batch", "flink", "engine_flink.py", "batch", form="csv"),
    Engine("Flink, input alone", "flink", "engine_flink.py", "input", form="csv", answers=False),
    Engine("Pathway, windowby", "pathway", "engine_pathway.py", "windowby", form="named-csv", prefix=True),
    Engine("Pathway, groupby", "pathway", "engine_pathway.py", "groupby", form="named-csv", prefix=True),
    Engine("Bytewax", "bytewax", "engine_bytewax.py", form="parquet-parts", prefix=True),
]


def missing(engine, cache):
    """Why an engine cannot run here, or nothing."""
    reason = cache / f"{engine.environment}.failed"
    if engine.environment and reason.exists():
        return reason.read_text().strip().splitlines()[-1]
    return None
