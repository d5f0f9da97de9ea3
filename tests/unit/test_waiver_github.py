import pytest

from gate.waiver_github import _role


@pytest.mark.parametrize(
    ("permission", "role", "counts_as"),
    [
        ("admin", "admin", "admin"),
        ("write", "maintain", "maintain"),
        ("write", "write", "write"),
        ("read", "triage", "triage"),
        ("none", "none", "none"),
        ("write", "release-captain", "write"),
        ("admin", "release-captain", "admin"),
        ("read", "admin", "read"),
        ("write", "admin", "write"),
        ("write", None, "write"),
        ("everything", "admin", "none"),
        (None, None, "none"),
    ],
)
def test_role__of_a_custom_role_is_what_the_permission_beside_it_says(permission, role, counts_as):
    assert _role({"permission": permission, "role_name": role}) == counts_as
