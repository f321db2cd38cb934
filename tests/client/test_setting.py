from __future__ import annotations

import json

from restrip.client.setting import Setting
from restrip.jobs.model.settings_schema import schema


def test_a_setting_acts_beside_values_that_let_it():
    noise = Setting("randomness", "float", 0.0, when=("noise", ("exact", "plain")))
    assert noise.acts({"noise": "exact"}) and not noise.acts({"noise": "seeded"})
    assert noise.acts({}), "what isn't given is not asked about"
    feather = Setting("feather", "float", 4.0, when=("matte", ()))
    assert feather.acts({"matte": "/a.png"}) and not feather.acts({"matte": ""}) and not feather.acts({"matte": False})
    assert Setting("seed", "int", 1).acts({"matte": ""})


def test_what_it_waits_for_travels_and_exists():
    settings = [Setting.from_json(json.loads(json.dumps(body))) for body in schema()["settings"]]
    keys = {setting.key: setting for setting in settings}
    for setting in settings:
        if setting.when is None:
            continue
        name, values = setting.when
        if name in ("mode", "step", "matte"):
            continue
        other = keys[name]
        assert not other.looks or set(setting.looks) & set(other.looks), setting.key
        alone = set(setting.looks) - set(other.looks)
        assert not alone or setting.acts({}), f"{setting.key} acts where a look has no {name}"
        if other.kind == "choice":
            assert set(values) <= {value for value, _ in other.choices}, setting.key
