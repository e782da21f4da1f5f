"""Run the command line as `python -m hybridctl`."""

from hybridctl.cli import main

if __name__ == "__main__":
    main()
