"""syncd: signed exchange of hashed fraud indicators."""
