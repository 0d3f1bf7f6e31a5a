"""`python -m everest_kernel` is the `everest-kernel` command."""

from .cli import main

if __name__ == "__main__":
    main()
