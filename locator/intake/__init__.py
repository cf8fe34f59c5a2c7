"""What comes into a store: shipped data, registers, hot zones; checked first, all or nothing."""

from locator.intake.layers import (
    AreasImport,
    create_store,
    import_areas,
    load_geodata,
    read_layer_file,
)
from locator.intake.registers import (
    CheckResult,
    Foreseen,
    ImportMode,
    ImportResult,
    Progress,
    Tally,
    check_register,
    import_register,
)

__all__ = [
    "AreasImport",
    "CheckResult",
    "Foreseen",
    "ImportMode",
    "ImportResult",
    "Progress",
    "Tally",
    "check_register",
    "create_store",
    "import_areas",
    "import_register",
    "load_geodata",
    "read_layer_file",
]
