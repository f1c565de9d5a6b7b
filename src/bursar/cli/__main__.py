"""`python -m bursar.cli` is the command `bursar`."""

from bursar.cli.main import main

if __name__ == "__main__":
    main()
