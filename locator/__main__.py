"""``python -m locator`` is the ``locator`` command."""

import sys


def run() -> None:
    """Run the command; Ctrl-C while it is still being loaded ends it as quietly as later."""
    try:
        from locator.cli import main
    except KeyboardInterrupt:
        sys.stderr.write("\nAborted!\n")
        raise SystemExit(130) from None
    main()


if __name__ == "__main__":
    run()
