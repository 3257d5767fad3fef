"""Makes `google` one package: its protobuf half is installed by the system, its rpc half is generated with our stubs."""
import os
import sys

import google

_known = list(google.__path__)
google.__path__ = _known + [d for d in (os.path.join(p, "google") for p in sys.path) if os.path.isdir(d) and d not in _known]
