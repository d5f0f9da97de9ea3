import pytest

from gate.families.advisory_packages import claimed, names, vocabulary


@pytest.mark.parametrize(
    ("text", "package", "ecosystem"),
    [
        ("Amber-Http before 1.2", "amber-http", "npm"),
        ("amber_http is affected", "amber-http", "PyPI"),
        ("amber.http, amber", "amber-http", "PyPI"),
        ("in @amber/core.", "@amber/core", "npm"),
        ("amber-server 1.2", "org.amber:amber-server", "Maven"),
        ("org.amber:amber-server", "org.amber:amber-server", "Maven"),
        ("amber/engine before 2.0", "code.example/amber/engine", "Go"),
        ("(amber)", "amber", "crates.io"),
    ],
)
def test_names__in_the_registrys_spelling(text, package, ecosystem):
    assert names(text, package, ecosystem)


@pytest.mark.parametrize(
    ("text", "package", "ecosystem"),
    [
        ("amber-http before 1.2", "amber", "npm"),
        ("amber before 1.2", "amber-http", "npm"),
        ("amber_http", "amber-http", "npm"),
        ("amber/core", "amber", "npm"),
        ("@amber/core", "core", "npm"),
        ("ambers", "amber", "npm"),
        ("", "amber", "npm"),
    ],
)
def test_names__another_name_is_not_it(text, package, ecosystem):
    assert not names(text, package, ecosystem)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("It also affects birch.", "birch"),
        ("It affects amber and birch before 2.0.", "birch"),
        ("the package birch", "birch"),
        ("Package: birch", "birch"),
        ("the birch library before 2.0 is bad", "birch"),
        ("birch 1.2 and birch 1.3", "birch"),
        ("Upgrade birch to 2.0", "birch"),
        ("birch is also vulnerable", "birch"),
        ("birch (PyPI)", "birch"),
        ("pip install birch", "birch"),
        ("npm install @birch/core", "@birch/core"),
        ("birch==2.0", "birch"),
        ("pkg:npm/birch", "birch"),
        ("birch < 2.0", "birch"),
        ("affects birch-http when it runs", "birch-http"),
    ],
)
def test_claimed__where_packages_stand(text, name):
    assert name in claimed(text)


@pytest.mark.parametrize(
    "text",
    [
        "This affects all users of the library.",
        "The package is affected before version 2.0.",
        "An attacker in the network can read files in the system.",
        "Update to 2.0, or upgrade from 1.2 to 1.4.",
        "Versions 1.2 and 1.3 are vulnerable, and later releases are not affected.",
        "Fixed in 2.0 and backported to 1.4.",
        "",
    ],
)
def test_claimed__everyday_words_are_no_packages(text):
    assert claimed(text) == frozenset()


def test_vocabulary__whole_names_and_their_parts():
    assert {"amber-http", "amber", "http", "core"} <= vocabulary("Amber-http and @x/core.")
