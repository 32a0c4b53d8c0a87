"""The composition root: the only file that joins the library with the shelves of teachers and generators."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from zskt.allocator import keep_freed_memory
from zskt.cli.main import main as run_command_line

if TYPE_CHECKING:
    from zskt.experiments.catalog import Catalog


def catalog() -> Catalog:
    """Make the catalogue of everything that ships with zskt."""
    import generators
    import teachers
    from zskt.experiments.catalog import Catalog
    from zskt.experiments.presets import PRESETS
    from zskt.networks.students import STUDENTS

    return Catalog(
        teachers=teachers.TEACHERS,
        students=STUDENTS,
        generators=generators.GENERATORS,
        presets=PRESETS,
        card_of_files=teachers.card_of_files,
        card_of_record=teachers.card_of_record,
        needs_preprocess=teachers.needs_preprocess,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the console script ``zskt``."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments == ["--write-names"]:  # for developers, after a change of the catalogue
        from zskt.cli.names import write_names

        write_names(catalog())
        return 0
    keep_freed_memory()
    return run_command_line(arguments, catalog)


if __name__ == "__main__":
    sys.exit(main())
