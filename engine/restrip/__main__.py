"""The command `restrip`, which is `python -m restrip`, too."""

import sys


def main() -> int:
    """Run the command; returns its exit code. Ctrl+C is told from an error while its modules are loaded, too."""
    try:
        from restrip.cli import main as command

        return command()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
