"""What a user's program does with the published client. Runs in a process of its own, with one version on PYTHONPATH.

Reads what to ask from standard input (JSON), writes what came to standard output (JSON). Values that the client made
of the answers (UUID, datetime, enums) are written with the name of their type, so that the test sees the parsing.
"""

import asyncio
import json
import sys
from uuid import UUID

from waldur_api_client.api.api_auth import api_auth_password
from waldur_api_client.api.booking_offerings import (
    booking_offerings_count,
    booking_offerings_google_calendar_sync,
    booking_offerings_list,
    booking_offerings_retrieve,
    booking_offerings_share_google_calendar,
    booking_offerings_unshare_google_calendar,
)
from waldur_api_client.api.booking_resources import (
    booking_resources_accept,
    booking_resources_count,
    booking_resources_list,
    booking_resources_reject,
    booking_resources_retrieve,
)
from waldur_api_client.api.marketplace_bookings import marketplace_bookings_list
from waldur_api_client.client import AuthenticatedClient, Client
from waldur_api_client.errors import UnexpectedStatus
from waldur_api_client.models import ObtainAuthTokenRequest

ACTIONS = {
    "sync": booking_offerings_google_calendar_sync,
    "share": booking_offerings_share_google_calendar,
    "unshare": booking_offerings_unshare_google_calendar,
}


def main() -> None:
    wanted = json.load(sys.stdin)
    client = AuthenticatedClient(base_url=wanted["url"], token=wanted["token"])
    json.dump({name: STEPS[name](client, wanted) for name in wanted["steps"]}, sys.stdout)


def refusal(call, *args, **kwargs):
    """What the client raised."""
    try:
        call(*args, **kwargs)
    except UnexpectedStatus as error:
        return [error.status_code, error.content.decode()]
    return None


def fields_of(module):
    """Two members of the client's enumeration of fields, whatever it calls that here."""
    kind = next(v for k, v in vars(module).items() if k.endswith(("FieldItem", "FieldEnum")))
    return [kind("uuid"), kind("name")]


def listing(client, wanted):
    return {
        "page": [one.name for one in booking_offerings_list.sync(client=client)],
        "second": [one.name for one in booking_offerings_list.sync(client=client, page=2, page_size=7)],
        "async": [one.name for one in asyncio.run(booking_offerings_list.asyncio(client=client))],
        "count": booking_offerings_count.sync(client=client),
        "async count": asyncio.run(booking_offerings_count.asyncio(client=client)),
        "past the end": refusal(booking_offerings_list.sync, client=client, page=999),
        "fields": [
            {key: value for key, value in one.to_dict().items() if value != []}
            for one in booking_offerings_list.sync(client=client, field=fields_of(booking_offerings_list), page_size=2)
        ],
    }


def everything(client, wanted):
    found = booking_offerings_list.sync_all(client=client)

    async def at_once():
        return await booking_offerings_list.asyncio_all(client=client)

    return [[one.name for one in found], [one.name for one in asyncio.run(at_once())]]


def retrieving_nothing(client, wanted):
    """An offering of which hardly anything is known, as two readers get it."""
    found = {}
    for reader in ("staff", "stranger"):
        other = AuthenticatedClient(base_url=wanted["url"], token=wanted[reader])
        found[reader] = booking_offerings_retrieve.sync(uuid=UUID(wanted["empty"]), client=other).to_dict()
    return found


def retrieving(client, wanted):
    client, uuid = AuthenticatedClient(base_url=wanted["url"], token=wanted["staff"]), UUID(wanted["uuid"])
    one = booking_offerings_retrieve.sync(uuid=uuid, client=client)
    again = asyncio.run(booking_offerings_retrieve.asyncio(uuid=uuid, client=client))
    as_documented = booking_offerings_retrieve.sync(uuid=wanted["uuid"], client=client)
    cut = booking_offerings_retrieve.sync(uuid=uuid, client=client, field=fields_of(booking_offerings_retrieve))
    return {
        "document": one.to_dict(),
        "same": one.to_dict() == again.to_dict() == as_documented.to_dict(),
        "cut": {key: value for key, value in cut.to_dict().items() if value != []},
        "types": {
            name: type(getattr(one, name)).__name__
            for name in ("uuid", "created", "state", "country", "customer_uuid", "attributes", "plans", "latitude")
        },
        "additional": sorted(one.additional_properties),
        "unknown": refusal(booking_offerings_retrieve.sync, uuid=UUID(int=0), client=client),
    }


def acting(client, wanted):
    def answered(answer):
        return [int(answer.status_code), answer.parsed, answer.content.decode(), answer.headers.get("content-length")]

    found = {
        name: answered(module.sync_detailed(uuid=UUID(wanted["acts"][name]), client=client))
        for name, module in ACTIONS.items()
    }
    sync, share = ACTIONS["sync"], ACTIONS["share"]
    busy, stranger = UUID(wanted["acts"]["share"]), AuthenticatedClient(wanted["url"], wanted["stranger"])
    return found | {
        "async": answered(asyncio.run(sync.asyncio_detailed(uuid=UUID(wanted["acts"]["async"]), client=client))),
        "twice": refusal(share.sync_detailed, uuid=busy, client=client),
        "unknown": refusal(share.sync_detailed, uuid=UUID(int=0), client=client),
        "forbidden": refusal(share.sync_detailed, uuid=busy, client=stranger),
    }


def signing_in(client, wanted):
    body = ObtainAuthTokenRequest(username=wanted["username"], password=wanted["password"])
    token = api_auth_password.sync(client=Client(base_url=wanted["url"]), body=body).token
    by_password = AuthenticatedClient(base_url=wanted["url"], token=token)
    wrong = AuthenticatedClient(base_url=wanted["url"], token="0" * 40)
    bearer = AuthenticatedClient(base_url=wanted["url"], token=wanted["token"], prefix="Bearer")
    return {
        "by password": len(booking_offerings_list.sync(client=by_password)),
        "bearer": len(booking_offerings_list.sync(client=bearer)),
        "wrong": refusal(booking_offerings_list.sync, client=wrong),
        "wrong count": refusal(booking_offerings_count.sync, client=wrong),
    }


def booking(client, wanted):
    """Bookings as the offering's owner sees them, and answers them."""
    first, second = (UUID(uuid) for uuid in wanted["bookings"])
    listed = booking_resources_list.sync(client=client)
    one = booking_resources_retrieve.sync(uuid=first, client=client)
    taken = marketplace_bookings_list.sync(uuid=wanted["booked"], client=client)
    accepted = booking_resources_accept.sync_detailed(uuid=first, client=client)
    rejected = booking_resources_reject.sync_detailed(uuid=second, client=client)
    return {
        "listed": [[type(it.uuid).__name__, it.name, str(it.state)] for it in listed],
        "count": booking_resources_count.sync(client=client),
        "filtered": len(booking_resources_list.sync(client=client, offering_uuid=[UUID(int=0)])),
        "one": [one.name, one.created_by_username, len(one.slots), type(one.slots[0].start).__name__],
        "additional": sorted(one.additional_properties),
        "unknown": refusal(booking_resources_retrieve.sync, uuid=UUID(int=0), client=client),
        "taken": [[it.created_by_full_name, type(it.start).__name__] for it in taken],
        "acts": [int(accepted.status_code), int(rejected.status_code)],
        "orders": [sorted(json.loads(answer.content)) for answer in (accepted, rejected)],
        "parsed": type(getattr(accepted.parsed, "order_uuid", None)).__name__,
        "again": refusal(booking_resources_accept.sync_detailed, uuid=first, client=client),
        "after": [str(it.state) for it in booking_resources_list.sync(client=client)],
    }


STEPS = {
    "booking": booking,
    "listing": listing,
    "everything": everything,
    "retrieving": retrieving,
    "retrieving nothing": retrieving_nothing,
    "acting": acting,
    "signing in": signing_in,
}

if __name__ == "__main__":
    main()
