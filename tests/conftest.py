"""What all tests share: how hard hypothesis tries."""

from hypothesis import HealthCheck, settings

# No deadlines: two shared cores, and a slow example is no wrong one.
_CALM = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
}
settings.register_profile("dev", max_examples=25, **_CALM)
settings.register_profile("gate", max_examples=50, **_CALM)
settings.register_profile("soak", max_examples=2000, **_CALM)
settings.load_profile("dev")
