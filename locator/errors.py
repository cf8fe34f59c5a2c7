"""Every exception the locator raises on purpose, as one tree.

::

    LocatorError
    ├── InputError            a value somebody gave is wrong; nothing was done
    │   ├── SettingsError     a LOCATOR_* variable or the settings file
    │   ├── DatumError        coordinates that cannot be what they are said to be
    │   ├── NoWayError        a good question, but no road leads there
    │   └── RegisterError     a register file as a whole cannot be read or written
    ├── StoreError            the store could not do what was asked
    │   ├── StoreMissingError there is no store at that place yet
    │   ├── StoreBusyError    somebody else held the lock for too long
    │   ├── StoreVersionError the file was written by a newer locator, or is not ours
    │   └── ConflictError     the change contradicts what is stored; nothing was written
    ├── StudyError            a planner's run cannot be carried out
    ├── BusyError             too much dear work at once; ask again
    ├── JobsFullError         too many background jobs wait, or are open for one page
    ├── SitingError           no selection of sites can keep the rules, or none was found in time
    └── RoadsError            an extract or a line layer gives no road network

Each message is one sentence that says what is wrong, where, and what to do about it: the
command line prints it as it is.
"""


class LocatorError(Exception):
    """Root of everything the locator raises on purpose."""


class InputError(LocatorError):
    """A value somebody gave is wrong; nothing was done."""


class SettingsError(InputError):
    """A ``LOCATOR_*`` variable or a line of the settings file is wrong."""


class DatumError(InputError):
    """Coordinates that cannot be what they are said to be."""


class NoWayError(InputError):
    """No road leads from one place to the other: unreachable, which is not unknown."""


class RegisterError(InputError):
    """A register file as a whole cannot be read or written."""


class StoreError(LocatorError):
    """The store could not do what was asked."""


class StoreMissingError(StoreError):
    """There is no store at that place yet."""


class StoreBusyError(StoreError):
    """Somebody else held the store's lock for too long."""


class StoreVersionError(StoreError):
    """The store was written by a newer locator, or is not a locator's store."""


class ConflictError(StoreError):
    """The change contradicts what is stored; nothing was written."""


class StudyError(LocatorError):
    """A planner's run cannot be carried out."""


class BusyError(LocatorError):
    """Too many ask for dear work at once; nothing was done, ask again."""


class JobsFullError(LocatorError):
    """Too many background jobs wait, or are open for one page; nothing was done."""


class SitingError(LocatorError):
    """No selection of sites can keep the rules, or none was found in time."""


class RoadsError(LocatorError):
    """An extract, a line layer or a cached graph gives no road network."""
