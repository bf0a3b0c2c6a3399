"""Settings (config.toml), environment and secret of one member.

No other room reads TOML or the environment. What the alliance decides (caps,
policy, zone of its days, who may see what) stands in the roster, never here.
"""

from syncd.config.environment import Environment as Environment
from syncd.config.environment import environment as environment
from syncd.config.environment import for_child as for_child
from syncd.config.file import FILE as FILE
from syncd.config.file import load as load
from syncd.config.file import parse as parse
from syncd.config.secret import long_enough as long_enough
from syncd.config.secret import passphrase as passphrase
from syncd.config.secret import proxy as proxy
from syncd.config.secret import read_private as read_private
from syncd.config.secret import server as server
from syncd.config.secret import tls_files as tls_files
from syncd.config.secret import webhook_key as webhook_key
from syncd.config.settings import Address as Address
from syncd.config.settings import Config as Config
from syncd.config.settings import Target as Target
