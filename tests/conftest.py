"""What all tests share: how hard hypothesis tries."""

from hypothesis import HealthCheck, settings

for name, examples in (("dev", 25), ("gate", 50), ("soak", 2000)):
    # No deadlines: two shared cores, and a slow example is no wrong one.
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("dev")
