"""Messages for people, in English and Chinese.

The English stands in the code, where it is used, and is the key: gettext finds
the Chinese for it. `zh.po` holds that, compiled to `zh.mo` when the package is
built and by `make messages`, which also finds what is new. The core does not
import this room: what it says reads well without.
"""
