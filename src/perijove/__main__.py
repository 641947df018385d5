"""`python -m perijove`."""

from perijove.cli import main

main()
