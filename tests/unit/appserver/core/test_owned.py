"""Names that lead to what another project made."""

import pytest

from appserver.core.owned import of_others

OWNERS = {
    "volumes": {"shop_db_data": "shop_db", "shop_own": "shop", "free": ""},
    "networks": {"shop_db_default": "shop_db"},
}


@pytest.mark.parametrize(
    ("project", "told"),
    [
        ({"volumes": {"db_data": {"name": "shop_db_data"}}}, ["the volume shop_db_data is shop_db's"]),
        ({"volumes": {"db_data": None}}, ["the volume shop_db_data is shop_db's"]),
        ({"volumes": {"mine": {"name": "shop_db_data"}}}, ["the volume shop_db_data is shop_db's"]),
        ({"networks": {"db_default": {}}}, ["the network shop_db_default is shop_db's"]),
        ({"volumes": {"db_data": {"name": "shop_db_data", "external": True}}}, []),
        ({"volumes": {"own": {"name": "shop_own"}, "new": {}, "free": {"name": "free"}}}, []),
    ],
)
def test_what_is_another_s_is_told(project: dict[str, object], told: list[str]) -> None:
    """By the label that Compose put on it; what is said to be external is meant."""
    assert list(of_others({"name": "shop", **project}, OWNERS)) == told
