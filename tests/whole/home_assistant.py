"""A real Home Assistant with its MQTT integration and nothing else, steered by lines of JSON.

Run by the Python of an environment that has it (see test_home_assistant.py), never imported:
``python home_assistant.py FOLDER PORT``. Each line on standard input is a request, each line on standard
output its answer:

``{"do": "entities"}``                  entity id -> {state, attributes, unique_id}
``{"do": "call", "service": …, "data": …}``   calls a service and waits
``{"do": "check", "topic": …, "payload": …}`` what its own schemas say of a discovery payload: complaints
``{"do": "render", "template": …, "payloads": …}`` what its MQTT value templates give, or the error
``{"do": "complaints"}``                what it has logged as warnings and errors so far
``{"do": "automation", "config": …}``   sets up automations, as a person's YAML would
``{"do": "notifications"}``             what automations have told
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

import voluptuous as vol
from homeassistant import auth, bootstrap, config_entries, core, loader
from homeassistant.components.mqtt import discovery
from homeassistant.components.mqtt.models import MqttValueTemplate, PayloadSentinel
from homeassistant.helpers import entity_registry
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component


class Complaints(logging.Handler):
    """What was logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        why = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}{why}")


async def begin(folder: Path, port: int) -> core.HomeAssistant:
    (folder / "configuration.yaml").touch()  # it wants one, and there is nothing in it
    hass = core.HomeAssistant(str(folder))
    hass.config.skip_pip = True
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    loader.async_setup(hass)
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [], [])
    await async_setup_component(hass, "homeassistant", {})
    entry = config_entries.ConfigEntry(
        data={"broker": "127.0.0.1", "port": port},
        discovery_keys={}, domain="mqtt", minor_version=2, options={}, source="user", title="MQTT",
        unique_id=None, version=1,
    )  # fmt: skip
    await async_setup_component(hass, "persistent_notification", {})
    await async_setup_component(hass, "mqtt", {})
    await hass.config_entries.async_add(entry)
    await hass.async_start()
    await hass.async_block_till_done()
    return hass


def entities(hass: core.HomeAssistant) -> dict[str, Any]:
    registry = entity_registry.async_get(hass)
    return {
        entity_id: {
            "unique_id": entry.unique_id,
            "state": state.state if (state := hass.states.get(entity_id)) else None,
            "attributes": dict(state.attributes) if state else {},
        }
        for entity_id, entry in registry.entities.items()
    }


def check(payload: Any) -> list[str]:
    """What Home Assistant does with a discovery message, schema by schema."""
    found = []
    discovery._replace_all_abbreviations(payload)
    try:
        payload = discovery.DEVICE_DISCOVERY_SCHEMA(payload)
    except vol.Invalid as error:
        return [f"device: {error}"]
    for key, component in payload["components"].items():
        options = dict(component)
        platform = options.pop("platform")
        if not options:
            continue
        module = __import__(f"homeassistant.components.mqtt.{platform}", fromlist=["DISCOVERY_SCHEMA"])
        shared = {name: payload[name] for name in ("availability", "availability_mode") if name in payload}
        try:
            module.DISCOVERY_SCHEMA(
                {**shared, "device": payload["device"], "origin": payload["origin"], **options}
            )
        except vol.Invalid as error:
            found.append(f"{key}: {error}")
    return found


def render(hass: core.HomeAssistant, template: str, payload: str) -> dict[str, str]:
    """As entities render: a template that fails gives the default, and a line in the log."""
    found = MqttValueTemplate(Template(template, hass)).async_render_with_possible_json_value(
        payload, PayloadSentinel.DEFAULT
    )
    return {"error": template} if found is PayloadSentinel.DEFAULT else {"value": str(found)}


async def answer(hass: core.HomeAssistant, request: dict[str, Any], log: Complaints) -> Any:
    match request["do"]:
        case "entities":
            await hass.async_block_till_done()
            return entities(hass)
        case "call":
            domain, service = request["service"].split(".")
            await hass.services.async_call(domain, service, request["data"], blocking=True)
            return True
        case "check":
            return check(request["payload"])
        case "render":
            return [render(hass, request["template"], payload) for payload in request["payloads"]]
        case "automation":
            return await async_setup_component(hass, "automation", {"automation": request["config"]})
        case "notifications":
            await hass.async_block_till_done()
            return [note["message"] for note in hass.data["persistent_notification"].values()]
        case "complaints":
            return log.lines


async def main(folder: Path, port: int) -> None:
    log = Complaints()
    logging.getLogger().addHandler(log)
    hass = await begin(folder, port)
    print(json.dumps("ready"), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        said = await answer(hass, json.loads(line), log)
        print(json.dumps(said, default=str), flush=True)
    await hass.async_stop(force=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
