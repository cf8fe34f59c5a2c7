"""Where ``locator serve`` listens: whether it can, and whether others reach it there."""

import errno
import ipaddress
import socket

from locator.errors import InputError, LocatorError

__all__ = ["cannot_listen", "listens_here"]


def listens_here(host: str, port: int) -> bool:
    """Tell whether a server at this host is reached from this machine only.

    Raises
    ------
    InputError
        The host is neither an address nor a name that is known here.
    """
    try:
        # "-" is no name; an empty one would be every address there is.
        found = socket.getaddrinfo(host.strip() or "-", port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # unknown; a label too long, half a character, NUL
        raise InputError(
            f"--host {host!r} is neither an address nor a host name that is known here; use "
            "127.0.0.1 for this machine alone, or 0.0.0.0 for every address it has."
        ) from error
    addresses = {str(address[0]).partition("%")[0] for *_, address in found}
    return all(ipaddress.ip_address(address).is_loopback for address in addresses)


def cannot_listen(host: str, port: int, error: OSError) -> LocatorError:
    """Return what an error of the system means for whoever wanted to listen."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return LocatorError(f"{where} is in use by another program; choose another --port.")
    if error.errno == errno.EACCES:
        return LocatorError(
            f"{where} may not be used by this user (ports below 1024 are the administrator's); "
            "choose another --port, and let a web server stand before it."
        )
    if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return LocatorError(
            f"--host {host} is no address of this machine; use 127.0.0.1, or 0.0.0.0 for every "
            "address it has."
        )
    return LocatorError(f"{where} cannot be used ({error.strerror or error}).")
