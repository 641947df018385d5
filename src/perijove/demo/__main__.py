"""`python -m perijove.demo`."""

import sys

from perijove.demo.run import main

if __name__ == "__main__":
    sys.exit(main())
